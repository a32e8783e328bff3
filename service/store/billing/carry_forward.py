"""Owns the questions about balances: what negative months left open, and which documents took it.

No row says so: a balance is a negative month's draft, less what other months' lines take of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select

from invoices.clients import AccountId, ClientKey
from invoices.documents.carry_forward import CarriedBalance, CarryForward, Taken, balance_of
from invoices.documents.document import from_document
from invoices.documents.invoice import Invoice
from invoices.money import from_minor
from invoices.periods import BillingPeriod
from kernel.errors import Refused
from service.store.session import Session
from service.store.tables.documents import DocumentRow
from service.store.tables.months import DraftRow, DraftState

LIVING = (DraftState.DRAFT, DraftState.APPROVED, DraftState.ISSUED)


class BalanceGone(Refused):
    code = "balance_gone"

    def __init__(self, client: str, period: BillingPeriod, open_amount: str) -> None:
        super().__init__(
            f"the balance of {client} from {period} is no longer what this draft takes of it "
            f"({open_amount} is left): withdraw the approval and bill the month again"
        )


@dataclass(frozen=True, slots=True)
class Taking:
    """What a document takes of a balance; a living draft's may still change."""

    client: ClientKey
    period: BillingPeriod
    """Of the balance."""
    by_draft: int
    by_period: BillingPeriod
    number: str
    """'' until it is issued."""
    net_minor: int
    """Less than nothing where a credit note gives it back."""


def open_balances(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> tuple[CarryForward, ...]:
    """What a document of `period` may take: of earlier months, less what others' documents take."""
    owed = [each for each in _owed(session, payer_account_id) if each.period < period]
    if not owed:
        return ()
    taken = Counter[tuple[ClientKey, BillingPeriod]]()
    for each in takings(session, payer_account_id, {each.client for each in owed}):
        if each.by_period != period:
            taken[each.client, each.period] += each.net_minor
    left = (replace(b, net_minor=b.net_minor - taken[b.client, b.period]) for b in owed)
    return tuple(sorted(each for each in left if each.net_minor > 0))


def balances_of_month(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> tuple[CarriedBalance, ...]:
    """Each balance that the month itself left, whole, and which documents take of it."""
    owed = [each for each in _owed(session, payer_account_id) if each.period == period]
    found = takings(session, payer_account_id) if owed else ()
    return tuple(
        CarriedBalance(
            client=balance.client,
            currency=balance.currency,
            net_minor=balance.net_minor,
            taken=tuple(
                Taken(each.by_period, each.number, each.net_minor)
                for each in found
                if (each.client, each.period) == (balance.client, period)
            ),
        )
        for balance in sorted(owed)
    )


def is_balance(row: DraftRow) -> bool:
    return row.state == DraftState.NO_DOCUMENT and row.total_minor < 0


def is_taken(session: Session, row: DraftRow) -> bool:
    """Whether an issued document took of a negative month: it stays as it is then."""
    found = takings(session, AccountId(row.payer_account_id), {row.client_key})
    taken = sum(e.net_minor for e in found if e.number and str(e.period) == row.period)
    return taken > 0


def check_still_open(session: Session, row: DraftRow, invoice: Invoice) -> None:
    """From here to the caller's commit nobody else takes of these balances. Raises BalanceGone."""
    lines = {line.carried_from.period: line for line in invoice.lines if line.carried_from}
    if not lines or invoice.is_credit_note:  # Which gives back what its invoice took.
        return
    client, payer = ClientKey(row.client_key), AccountId(row.payer_account_id)
    # Two years of a seller are two series, whose locks do not keep their issuers apart.
    owed = {each.period: each for each in _owed(session, payer, {client}, locked=True)}
    issued = [each for each in takings(session, payer, {client}) if each.number]
    for period, line in lines.items():
        balance = owed.get(period)
        taken = sum(t.net_minor for t in issued if t.period == period and t.by_draft != row.id)
        left = balance.net_minor - taken if balance else 0
        wanted = line.carried_from
        as_taxed = (
            balance
            and wanted
            and balance.is_owed_by(invoice.seller)
            and (balance.category, balance.rate_percent)
            == (
                wanted.category,
                wanted.rate_percent,
            )
        )
        if not as_taxed or left < -line.amount_minor:
            raise BalanceGone(client, period, str(from_minor(left, invoice.currency)))


def takings(
    session: Session, payer_account_id: AccountId, clients: Collection[str] = ()
) -> tuple[Taking, ...]:
    """Of living drafts and issued documents (of some clients, or of all), by month."""
    found = (
        select(DraftRow, DocumentRow.number)
        .outerjoin(DocumentRow, col(DocumentRow.draft_id) == col(DraftRow.id))
        .where(
            col(DraftRow.payer_account_id) == payer_account_id,
            col(DraftRow.state).in_(LIVING),
            sa.type_coerce(DraftRow.document, JSONB).path_exists("$.lines[*].carried_from"),
        )
        .order_by(col(DraftRow.period), col(DraftRow.id))
    )
    if clients:
        found = found.where(col(DraftRow.client_key).in_(clients))
    rows = session.exec(found)
    return tuple(taking for row, number in rows for taking in _takings_of(row, number or ""))


def _takings_of(row: DraftRow, number: str) -> Iterator[Taking]:
    assert row.id is not None
    document = from_document(row.document)
    if document.is_credit_note and not number:
        return  # Nothing is given back until it is issued.
    for line in document.lines:
        if line.carried_from is not None:
            yield Taking(
                client=ClientKey(row.client_key),
                period=line.carried_from.period,
                by_draft=row.id,
                by_period=BillingPeriod.parse(row.period),
                number=number,
                net_minor=line.amount_minor if document.is_credit_note else -line.amount_minor,
            )


def _owed(
    session: Session,
    payer_account_id: AccountId,
    clients: Collection[str] = (),
    *,
    locked: bool = False,
) -> list[CarryForward]:
    found = select(DraftRow).where(
        col(DraftRow.payer_account_id) == payer_account_id,
        col(DraftRow.state) == DraftState.NO_DOCUMENT,
        col(DraftRow.total_minor) < 0,
    )
    if clients:
        found = found.where(col(DraftRow.client_key).in_(clients))
    if locked:
        found = found.with_for_update()
    rows = session.exec(found.order_by(col(DraftRow.client_key), col(DraftRow.period)))
    return [balance_of(ClientKey(row.client_key), from_document(row.document)) for row in rows]
