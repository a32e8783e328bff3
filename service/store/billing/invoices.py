"""Owns the questions about invoices, from draft to issued: lists by cursor, one, and its files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from invoices.clients import ClientKey
from invoices.documents.document import from_document
from invoices.documents.invoice import DocumentType, Invoice
from invoices.money import CostAndPrice
from invoices.periods import BillingPeriod
from kernel.errors import NotFound
from service.store.billing import documents
from service.store.billing.documents import DocumentFile
from service.store.billing.drafts import LIGHTLY
from service.store.plain import from_json
from service.store.session import Session
from service.store.tables.configuration import ClientRow
from service.store.tables.documents import DocumentRow
from service.store.tables.months import DraftRow, DraftState

STANDING = (DraftState.DRAFT, DraftState.APPROVED, DraftState.ISSUED, DraftState.NO_DOCUMENT)

UNISSUED = (DraftState.DRAFT, DraftState.APPROVED)
"""Of which a document is to be made."""


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """An invoice and where it is in its life. `id` stays from draft to issued."""

    id: int
    state: DraftState
    number: str
    """'' until it is issued."""
    client: str
    payer_account_id: str
    period: BillingPeriod
    currency: str
    total_minor: int
    cost: Decimal
    """Exact, in the payer's currency: for our eyes only."""
    price: Decimal
    """Exact, in the payer's currency, before custom line items."""
    content_id: str
    approved_at: datetime | None
    approved_by: str | None
    issued_on: date | None
    others: Mapping[str, CostAndPrice]
    """By currency, cost and price in others than the payer's."""
    external_refs: Mapping[str, str]
    """The client's, as they are now; a document keeps those of its issue."""
    document_type: DocumentType = DocumentType.INVOICE
    corrects: str = ""
    """The number of the invoice that it is about; '' of a month's own document."""
    is_by_hand: bool = False
    """A correction that no billing run proposed, and none takes back."""


class UnknownInvoice(NotFound):
    def __init__(self, which: object) -> None:
        super().__init__(f"there is no invoice {which}")


def invoices_of(
    session: Session,
    period: BillingPeriod | None = None,
    *,
    payer_account_id: str | None = None,
    client: str | None = None,
    states: Collection[DraftState] = STANDING,
    after: int = 0,
    limit: int | None = None,
) -> tuple[InvoiceRecord, ...]:
    """In the order they were drafted; `after` is the id of the last one seen."""
    found = _records().where(col(DraftRow.id) > after, col(DraftRow.state).in_(states))
    if period is not None:
        found = found.where(col(DraftRow.period) == str(period))
    if payer_account_id is not None:
        found = found.where(col(DraftRow.payer_account_id) == payer_account_id)
    if client is not None:
        found = found.where(col(DraftRow.client_key) == client)
    found = found.order_by(col(DraftRow.id)).limit(limit)
    return tuple(_from_rows(*row) for row in session.execute(found))


def invoice(session: Session, invoice_id: int) -> InvoiceRecord:
    """Raises UnknownInvoice."""
    row = session.execute(_records().where(col(DraftRow.id) == invoice_id)).one_or_none()
    if row is None:
        raise UnknownInvoice(invoice_id)
    return _from_rows(*row)


def invoice_numbered(session: Session, number: str) -> InvoiceRecord:
    """Raises UnknownInvoice."""
    row = session.execute(_records().where(col(DocumentRow.number) == number)).one_or_none()
    if row is None:
        raise UnknownInvoice(number)
    return _from_rows(*row)


def invoice_called(session: Session, number_or_id: str) -> InvoiceRecord:
    """By its number, or by its id, which a draft has as well. Raises UnknownInvoice."""
    found = session.execute(_records().where(col(DocumentRow.number) == number_or_id)).one_or_none()
    if found is not None:
        return _from_rows(*found)
    if not re.fullmatch("[0-9]{1,18}", number_or_id):
        raise UnknownInvoice(number_or_id)
    return invoice(session, int(number_or_id))


def last_issued_period(
    session: Session, client: ClientKey, *, since: BillingPeriod
) -> BillingPeriod | None:
    """The latest period from `since` on of which the client has an issued document."""
    row = DocumentRow
    latest = session.exec(
        select(func.max(row.period)).where(
            col(row.client_key) == client, col(row.period) >= str(since)
        )
    ).one()
    return None if latest is None else BillingPeriod.parse(latest)


def document(session: Session, invoice_id: int) -> Invoice:
    """The issued document, or the draft as it stands. Raises UnknownInvoice."""
    issued = documents.document_of(session, invoice_id)
    if issued is not None:
        return issued.invoice
    return from_document(_draft(session, invoice_id).document)


def line_keys(session: Session, number_or_id: str) -> frozenset[str]:
    """Raises UnknownInvoice."""
    found = document(session, invoice_called(session, number_or_id).id)
    return frozenset(line.key for line in found.lines)


def working(session: Session, invoice_id: int) -> Mapping[str, Any]:
    """How each line came about: `statement` and `custom`, as plain JSON. UnknownInvoice."""
    return _draft(session, invoice_id).working


def inputs_id(session: Session, invoice_id: int) -> str:
    """Of what it was billed from. Raises UnknownInvoice."""
    return _draft(session, invoice_id).inputs_id


def document_file(session: Session, invoice_id: int, extension: str) -> DocumentFile | None:
    """None for a draft, and until the issuing run has rendered it."""
    issued = documents.document_of(session, invoice_id)
    return None if issued is None else documents.document_file(session, issued.id, extension)


def _draft(session: Session, invoice_id: int) -> DraftRow:
    row = session.get(DraftRow, invoice_id)
    if row is None:
        raise UnknownInvoice(invoice_id)
    return row


def _records() -> Select[DraftRow, str, date, dict[str, str], str]:
    corrected = aliased(DocumentRow)
    return (
        sa.select(
            DraftRow,
            col(DocumentRow.number),
            col(DocumentRow.issued_on),
            col(ClientRow.external_refs),
            col(corrected.number),
        )
        .join(ClientRow, col(ClientRow.key) == col(DraftRow.client_key))
        .outerjoin(DocumentRow, col(DocumentRow.draft_id) == col(DraftRow.id))
        .outerjoin(corrected, col(corrected.draft_id) == col(DraftRow.corrects_id))
        .where(col(DraftRow.state) != DraftState.DISCARDED)
        .options(*LIGHTLY)
    )


def _from_rows(
    draft: DraftRow,
    number: str | None,
    issued_on: date | None,
    external_refs: dict[str, str],
    corrects: str | None,
) -> InvoiceRecord:
    assert draft.id is not None
    return InvoiceRecord(
        id=draft.id,
        state=DraftState(draft.state),
        number=number or "",
        client=draft.client_key,
        payer_account_id=draft.payer_account_id,
        period=BillingPeriod.parse(draft.period),
        currency=draft.currency,
        total_minor=draft.total_minor,
        cost=draft.cost,
        price=draft.price,
        content_id=draft.content_id,
        approved_at=draft.approved_at,
        approved_by=draft.approved_by,
        issued_on=issued_on,
        others={
            each: from_json(CostAndPrice, told) for each, told in draft.other_currencies.items()
        },
        external_refs=external_refs,
        document_type=DocumentType(draft.document_type),
        corrects=corrects or "",
        is_by_hand=bool(draft.correction and draft.correction["by_hand"]),
    )
