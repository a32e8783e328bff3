"""Owns the questions about spend: what earlier months count towards a minimum, as they were billed.

No row says so: it is read from living drafts and issued documents, so that a month that is billed
again counts once, and as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlmodel import col, select

from invoices.clients import AccountId, ClientKey
from invoices.periods import BillingPeriod
from invoices.pricing.custom import CustomCharge, CustomLineItem, counted_months_of
from invoices.pricing.spend import CountedMonth
from service.store.plain import from_json
from service.store.session import Session
from service.store.tables.months import BilledMonthRow, DraftRow, DraftState

_Months = Mapping[tuple[str, str], DraftRow]
"""By client and period."""


def counted_months(
    session: Session,
    payer_account_id: AccountId,
    period: BillingPeriod,
    items: Iterable[CustomLineItem],
) -> tuple[CountedMonth, ...]:
    """Of `items`, each earlier month that they count in `period` and that was billed."""
    needed = {item: months for item in items if (months := counted_months_of(item, period))}
    if not needed:
        return ()
    every = {str(month) for months in needed.values() for month in months}
    drafts = _drafts(session, payer_account_id, {item.client for item in needed}, every)
    charged = _charged(session, payer_account_id, every)
    found = [
        _counted(item, month, drafts.get((item.client, str(month))), charged)
        for item, months in needed.items()
        for month in months
    ]
    return tuple(sorted(each for each in found if each is not None))


def open_months(
    session: Session,
    payer_account_id: AccountId,
    period: BillingPeriod,
    items: Iterable[CustomLineItem],
) -> dict[ClientKey, str]:
    """By client, in words: a term ends with `period`, and a month of it may still change."""
    ending = [item for item in items if item.is_last_of_term(period)]
    needed = {item: months for item in ending if (months := counted_months_of(item, period))}
    every = {str(month) for months in needed.values() for month in months}
    drafts = _drafts(session, payer_account_id, {item.client for item in needed}, every)
    return {
        item.client: (
            f"the term of {item.key} ends with {period} and counts {month}, which is not issued yet"
        )
        for item, months in needed.items()
        for month in months
        if (row := drafts.get((item.client, str(month))))
        and row.state in (DraftState.DRAFT, DraftState.APPROVED)
    }


def _drafts(
    session: Session, payer_account_id: AccountId, clients: Iterable[str], months: Iterable[str]
) -> _Months:
    rows = session.exec(
        select(DraftRow).where(
            col(DraftRow.payer_account_id) == payer_account_id,
            col(DraftRow.client_key).in_(clients),
            col(DraftRow.period).in_(months),
            col(DraftRow.state) != DraftState.DISCARDED,
            col(DraftRow.corrects_id).is_(None),
        )
    )
    return {(row.client_key, row.period): row for row in rows}


def _charged(
    session: Session, payer_account_id: AccountId, months: Iterable[str]
) -> dict[str, frozenset[str]]:
    """By billed month, who bore anything, or was to."""
    row = BilledMonthRow
    rows = session.exec(
        select(row.period, row.body).where(
            col(row.payer_account_id) == payer_account_id, col(row.period).in_(months)
        )
    )
    return {period: frozenset(each["client"] for each in body["clients"]) for period, body in rows}


def _counted(
    item: CustomLineItem,
    month: BillingPeriod,
    draft: DraftRow | None,
    charged: Mapping[str, frozenset[str]],
) -> CountedMonth | None:
    """None where nobody knows: it is not billed, its client is parked, or it knew no such item."""
    if draft is None:
        is_nothing = item.client not in charged.get(str(month), {item.client})
        nothing = CountedMonth(item.client, item.key, month, "", Decimal(0))
        return nothing if is_nothing else None
    charges = {each.key: each for each in map(_to_charge, draft.working["custom"])}
    charge = charges.get(f"{item.key}/{item.starts_on}") or charges.get(item.key)
    if charge is None or charge.counted is None:
        return None
    return CountedMonth(
        item.client, item.key, month, draft.currency, charge.counted, charge.carried_over
    )


def _to_charge(stored: Any) -> CustomCharge:
    return from_json(CustomCharge, stored)
