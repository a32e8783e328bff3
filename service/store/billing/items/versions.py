"""Owns the questions about custom line items: the versions of each, and what is in effect."""

from __future__ import annotations

from sqlmodel import col, select

from invoices.clients import AccountId, ClientKey, Tax
from invoices.periods import BillingPeriod, DaySpan
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
from invoices.pricing.spend import (
    Counts,
    MaximumSpend,
    MinimumSpend,
    Opening,
    Prepaid,
    Scoped,
)
from service.store.changes import Change, put, remove
from service.store.plain import from_json, to_json
from service.store.session import Session
from service.store.tables.configuration import CustomLineItemRow


def put_custom_line_item(session: Session, item: CustomLineItem) -> list[Change]:
    row = CustomLineItemRow(
        key=item.key,
        client_key=item.client,
        kind=item.kind,
        description=item.description,
        start_period=str(item.start),
        end_period=None if item.end is None else str(item.end),
        payer_account_id=item.payer_account_id,
        every_months=item.every_months,
        starts_on=item.days.start if item.days else None,
        ends_on=item.days.end if item.days else None,
        tax=to_json(item.tax) if item.tax else None,
    )
    match item.charge:
        case Flat(amount, quantity):
            row.flat_amount, row.quantity = amount, quantity
        case Percentage() as share:
            row.percent, row.percent_of = share.percent, share.of
            row.minimum, row.maximum = share.minimum, share.maximum
            row.above, row.reached = share.above, share.reached
        case MinimumSpend() as minimum:
            row.minimum_spend, row.carry_over = minimum.minimum_spend, minimum.carries_over
            row.opening = to_json(minimum.opening) if minimum.opening else None
        case MaximumSpend() as maximum:
            row.maximum_spend = maximum.maximum_spend
        case Prepaid() as paid:
            row.prepaid = paid.prepaid
    if isinstance(item.charge, Scoped):
        row.services, row.accounts = list(item.charge.services), list(item.charge.accounts)
    if isinstance(item.charge, MinimumSpend | MaximumSpend | Prepaid):
        row.counts = item.charge.counts
    return put(session, row, f"custom line item {item.key}")


def custom_line_items(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> tuple[CustomLineItem, ...]:
    """Those in effect in `period` that go on invoices of this payer's month."""
    row = CustomLineItemRow
    rows = session.exec(
        select(row)
        .where(
            col(row.start_period) <= str(period),
            col(row.end_period).is_(None) | (col(row.end_period) > str(period)),
            col(row.payer_account_id).is_(None) | (col(row.payer_account_id) == payer_account_id),
        )
        .order_by(col(row.key), col(row.start_period))
    )
    return tuple(map(_from_custom_row, rows))


def every_custom_line_item(session: Session) -> tuple[CustomLineItem, ...]:
    row = CustomLineItemRow
    rows = session.exec(select(row).order_by(col(row.key), col(row.start_period)))
    return tuple(map(_from_custom_row, rows))


def remove_custom_line_item(session: Session, item: CustomLineItem) -> list[Change]:
    row = session.get_one(CustomLineItemRow, (item.key, str(item.start)))
    return remove(session, row, f"custom line item {item.key}")


def _charge_of(
    row: CustomLineItemRow,
) -> Flat | Percentage | MinimumSpend | MaximumSpend | Prepaid:
    scope = tuple(row.services), tuple(map(AccountId, row.accounts))
    if row.flat_amount is not None:
        return Flat(row.flat_amount, row.quantity)
    if row.percent is not None:
        assert row.percent_of is not None
        floor_and_cap = row.minimum, row.maximum
        steps = row.above, row.reached
        return Percentage(row.percent, PercentOf(row.percent_of), *floor_and_cap, *scope, *steps)
    assert row.counts is not None
    counts = Counts(row.counts)
    if row.maximum_spend is not None:
        return MaximumSpend(row.maximum_spend, counts, *scope)
    if row.prepaid is not None:
        return Prepaid(row.prepaid, counts, *scope)
    assert row.minimum_spend is not None
    opening = from_json(Opening, row.opening) if row.opening else None
    return MinimumSpend(row.minimum_spend, counts, *scope, row.carry_over, opening)


def _from_custom_row(row: CustomLineItemRow) -> CustomLineItem:
    return CustomLineItem(
        key=row.key,
        client=ClientKey(row.client_key),
        kind=CustomKind(row.kind),
        description=row.description,
        charge=_charge_of(row),
        start=BillingPeriod.parse(row.start_period),
        end=None if row.end_period is None else BillingPeriod.parse(row.end_period),
        payer_account_id=None if row.payer_account_id is None else AccountId(row.payer_account_id),
        every_months=row.every_months,
        days=DaySpan(row.starts_on, row.ends_on) if row.starts_on else None,
        tax=from_json(Tax, row.tax) if row.tax else None,
    )
