"""Owns the documents that correct others: what is left of an invoice, and proposals about it.

Whoever proposes or issues one holds the month's own document of the client locked, so that parts
never come to more than their invoice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlmodel import col, select

from invoices.documents.correction import Sums, Why, credit_note, sums_of
from invoices.documents.document import content_id, from_document, to_document
from invoices.documents.invoice import DocumentType, Invoice
from invoices.money import COST_DIGITS, EXACT, from_minor
from kernel.errors import Refused
from service.store.plain import from_json, to_json
from service.store.session import Session
from service.store.tables.documents import DocumentRow
from service.store.tables.months import DraftRow, DraftState


class CorrectionOutdated(Refused):
    code = "correction_outdated"

    def __init__(self, draft_id: int) -> None:
        super().__init__(
            f"draft {draft_id} was proposed beside other documents of its month than there are "
            "now, or before one that is not issued yet: issue that first, or withdraw the approval "
            "and bill the month again"
        )


class NotCreditable(Refused):
    code = "not_creditable"

    def __init__(self, which: str, why: str) -> None:
        super().__init__(f"{which} {why}: only an issued invoice can be credited")


class NothingProposed(Refused):
    code = "nothing_proposed"

    def __init__(self, which: str) -> None:
        super().__init__(f"no credit note about {which} waits for approval")


@dataclass(frozen=True, slots=True)
class Made:
    """How a correction came about: `DraftRow.correction`."""

    by_hand: bool
    bills_again: bool = False
    """By hand: what it takes off is to be asked for again by the month's next billing."""
    against: tuple[int, ...] = ()
    """By billing: the earlier corrections that it was made beside."""


@dataclass(frozen=True, slots=True)
class NewCorrection:
    about: int
    """The id of the invoice's draft."""
    document: Invoice
    made: Made
    inputs_id: str
    """What it was found by; of one by hand, what its invoice was billed from."""


def made_of(row: DraftRow) -> Made | None:
    return None if row.correction is None else from_json(Made, row.correction)


def is_kept_off(row: DraftRow) -> bool:
    """Whether it stands beside what a month comes to, such as goodwill, and corrects it not."""
    made = made_of(row)
    return made is not None and made.by_hand and not made.bills_again


def lock_month_of(session: Session, draft_id: int) -> None:
    """Nobody else proposes or issues of this client's month until the transaction ends."""
    root: int | None = draft_id
    while root is not None:
        above = session.exec(select(DraftRow.corrects_id).where(col(DraftRow.id) == root)).one()
        if above is None:
            session.exec(select(DraftRow.id).where(col(DraftRow.id) == root).with_for_update())
        root = above


def left_of(session: Session, draft_id: int) -> tuple[Invoice, Sums]:
    """The issued invoice, and what no credit note takes off it, be it issued or proposed."""
    row, body = session.exec(
        select(DraftRow, DocumentRow.body)
        .outerjoin(DocumentRow, col(DocumentRow.draft_id) == col(DraftRow.id))
        .where(col(DraftRow.id) == draft_id)
    ).one()
    if body is None:
        raise NotCreditable(f"invoice {draft_id}", f"is {row.state}")
    invoice = from_document(body)
    if invoice.is_credit_note:
        raise NotCreditable(invoice.number, "is a credit note")
    notes = [from_document(each.document) for each in _about(session, draft_id)]
    return invoice, sums_of([invoice, *(each for each in notes if each.is_credit_note)])


def _about(session: Session, draft_id: int) -> list[DraftRow]:
    found = select(DraftRow).where(
        col(DraftRow.corrects_id) == draft_id, col(DraftRow.state) != DraftState.DISCARDED
    )
    return list(session.exec(found.order_by(col(DraftRow.id))))


def propose_credit(
    session: Session,
    draft_id: int,
    *,
    wanted: Mapping[str, Decimal | None] | None,
    why: Why,
    bills_again: bool,
    now: datetime,
) -> int:
    """The id of the new draft; `wanted` is by line, None for all that is left of it.

    Raises CreditRefused, NotCreditable.
    """
    lock_month_of(session, draft_id)
    invoice, left = left_of(session, draft_id)
    note = credit_note(invoice, left, replace(why, corrects=(invoice.number,)), wanted)
    inputs_id = session.get_one(DraftRow, draft_id).inputs_id
    made = Made(by_hand=True, bills_again=bills_again)
    return add(session, NewCorrection(draft_id, note, made, inputs_id), now)


def add(session: Session, new: NewCorrection, now: datetime) -> int:
    about = session.get_one(DraftRow, new.about)
    document = new.document
    sign = -1 if document.is_credit_note else 1
    price = from_minor(sign * document.subtotal_minor, document.currency)
    if document.exchange is not None:
        price = EXACT.divide(price, document.exchange.rate).quantize(
            Decimal(1).scaleb(-COST_DIGITS), context=EXACT
        )
    row = DraftRow(
        payer_account_id=about.payer_account_id,
        period=about.period,
        client_key=about.client_key,
        state=DraftState.DRAFT,
        inputs_id=new.inputs_id,
        content_id=content_id({"document": to_document(document), "made": to_json(new.made)}),
        currency=document.currency,
        total_minor=document.total_minor,
        document=to_document(document),
        working={},
        cost=Decimal(0),
        price=price,
        drafted_at=now,
        document_type=document.document_type or DocumentType.INVOICE,
        corrects_id=new.about,
        correction=to_json(new.made),
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def as_issued(session: Session, row: DraftRow, draft: Invoice) -> Invoice:
    """A correction's draft, where it still fits its month. Raises CorrectionOutdated."""
    made = made_of(row)
    if made is None or made.by_hand:
        return draft  # Its part of the invoice is its own since it was proposed.
    assert row.id is not None
    earlier = [each for each in of_month(session, row) if each.id is not None and each.id < row.id]
    stands = all(each.state == DraftState.ISSUED for each in earlier)
    if not stands or tuple(each.id for each in earlier) != made.against:
        raise CorrectionOutdated(row.id)
    return draft


def of_month(session: Session, row: DraftRow) -> list[DraftRow]:
    """All corrections of the month of that client, in the order in which they were made."""
    found = select(DraftRow).where(
        col(DraftRow.payer_account_id) == row.payer_account_id,
        col(DraftRow.period) == row.period,
        col(DraftRow.client_key) == row.client_key,
        col(DraftRow.corrects_id).is_not(None),
        col(DraftRow.state) != DraftState.DISCARDED,
    )
    return list(session.exec(found.order_by(col(DraftRow.id))))


def proposed_by_hand(session: Session, draft_id: int) -> list[DraftRow]:
    """About an invoice, and approved by nobody."""
    found = [each for each in _about(session, draft_id) if each.state == DraftState.DRAFT]
    return [each for each in found if each.correction and each.correction["by_hand"]]
