"""Owns the questions about what was paid ahead: which documents took of it, and none twice.

No row says so: what is left is what was paid, less what the lines of documents take.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select

from invoices.clients import AccountId, ClientKey
from invoices.documents.document import from_document
from invoices.documents.invoice import Invoice
from invoices.documents.prepayments import Drawn, pots_of
from invoices.money import from_minor
from invoices.periods import BillingPeriod
from kernel.errors import Refused
from service.store.billing.carry_forward import LIVING
from service.store.billing.items import versions
from service.store.session import Session
from service.store.tables.configuration import CustomLineItemRow
from service.store.tables.months import DraftRow, DraftState


class PrepaidGone(Refused):
    code = "prepaid_gone"

    def __init__(self, key: str, client: str, left: str) -> None:
        super().__init__(
            f"{left} is left of {key} of {client}, which is less than this draft takes off: "
            "withdraw the approval and bill the month again"
        )


def drawn(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> tuple[Drawn, ...]:
    """By living drafts and issued documents of other months than `period`."""
    found = _drawn(session, payer_account_id, LIVING)
    return tuple(sorted(each for each in found if each.period != period))


def check_still_left(session: Session, row: DraftRow, invoice: Invoice) -> None:
    """From here to the caller's commit nobody else issues what takes of it. Raises PrepaidGone."""
    lines = {line.prepaid.key: line for line in invoice.lines if line.prepaid}
    if not lines or invoice.is_credit_note:  # Which gives back what its invoice took.
        return
    client, payer = ClientKey(row.client_key), AccountId(row.payer_account_id)
    item = CustomLineItemRow
    # Two series of numbers, of two years say, do not keep their issuers apart.
    session.exec(select(item).where(col(item.key).in_([*lines])).with_for_update()).all()
    others = [
        each
        for each in _drawn(session, payer, (DraftState.ISSUED,), client)
        if str(each.period) != row.period
    ]
    items = versions.custom_line_items(session, payer, invoice.period)
    own = [each for each in items if each.client == client]
    pots = pots_of(own, others, currency=invoice.currency, period=invoice.period)
    left = {pot.item.key: pot.left_minor for pot in pots}
    for key, line in lines.items():
        if left.get(key, 0) < -line.amount_minor:
            shown = from_minor(left.get(key, 0), invoice.currency)
            raise PrepaidGone(key, client, f"{shown} {invoice.currency}")


def _drawn(
    session: Session,
    payer_account_id: AccountId,
    states: tuple[DraftState, ...],
    client: ClientKey | None = None,
) -> Iterator[Drawn]:
    found = select(DraftRow).where(
        col(DraftRow.payer_account_id) == payer_account_id,
        col(DraftRow.state).in_(states),
        sa.type_coerce(DraftRow.document, JSONB).path_exists("$.lines[*].prepaid"),
    )
    if client is not None:
        found = found.where(col(DraftRow.client_key) == client)
    for row in session.exec(found):
        document = from_document(row.document)
        if document.is_credit_note and row.state != DraftState.ISSUED:
            continue  # Nothing is given back until it is issued.
        for line in document.lines:
            if line.prepaid is not None:
                yield Drawn(
                    client=ClientKey(row.client_key),
                    key=line.prepaid.key,
                    period=BillingPeriod.parse(row.period),
                    currency=row.currency,
                    net_minor=(1 if document.is_credit_note else -1) * line.amount_minor,
                )
