"""Owns the documents that correct others: what is left of an invoice, and proposals about it.

Whoever proposes or issues one holds the month's own document of the client locked, so that parts
never come to more than their invoice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from invoices.documents.correction import Sums, Why, credit_note, sums_of
from invoices.documents.document import content_id, from_document, to_document
from invoices.documents.invoice import CorrectionReason, DocumentType, Invoice
from invoices.documents.restatement import CORRECTION_PROPOSED, Standing
from invoices.money import COST_DIGITS, EXACT, from_minor
from invoices.periods import BillingPeriod
from kernel.errors import Refused
from kernel.findings import Finding, Severity
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


class NoCreditByHand(Refused):
    code = "no_credit_by_hand"

    def __init__(self, which: str) -> None:
        super().__init__(
            f"{which} is no issued credit note that a person proposed and that stays off: only "
            "what one takes off can be asked for again"
        )


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
    again_because: CorrectionReason | None = None
    """Why, where a person found so after it was issued."""
    against: tuple[int, ...] = ()
    """By billing: the earlier corrections that it was made beside."""
    made_from: int | None = None
    """By billing: the id of what it made the month to be; None of a client that bears nothing."""


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
    notes = [each for each in notes if each.is_credit_note]
    return invoice, sums_of([invoice, *notes, *_set_against_it(session, invoice.number)])


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
    came_about = about if new.made.by_hand else session.get(DraftRow, new.made.made_from or 0)
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
        working=came_about.working if came_about else {"statement": None, "custom": []},
        cost=Decimal(0),
        price=price,
        drafted_at=now,
        document_type=document.document_type or DocumentType.INVOICE,
        corrects_id=new.about,
        correction=to_json(new.made),
    )
    session.add(row)
    session.flush()
    return _id(row)


def as_issued(session: Session, row: DraftRow, draft: Invoice) -> Invoice:
    """A correction's draft, where it still fits its month. Raises CorrectionOutdated."""
    made = made_of(row)
    if made is None and draft.is_credit_note:
        return replace(draft, corrects=_set_against(session, row, draft))
    if made is None or made.by_hand:
        return draft  # Its part of the invoice is its own since it was proposed.
    assert row.id is not None
    month = [*own_of_month(session, row), *of_month(session, row)]
    earlier = [each for each in month if each.id is not None and each.id < row.id]
    against = tuple(each.id for each in earlier if each.corrects_id is not None)
    if against != made.against or any(each.state != DraftState.ISSUED for each in earlier):
        raise CorrectionOutdated(row.id)
    bodies = [_body(session, each) for each in earlier]
    if not draft.is_credit_note and sums_of(bodies).total_minor == 0:
        # What corrects an invoice that was taken back names both.
        numbers = tuple(each.number for each in bodies if each.is_credit_note)
        draft = replace(draft, corrects=(*draft.corrects, *numbers))
    return draft


def _set_against(session: Session, row: DraftRow, note: Invoice) -> tuple[str, ...]:
    """The number of the client's last invoice of an earlier month that is of as much, if any.

    From here to the caller's commit nobody else credits of it.
    """
    earlier = (
        select(DraftRow.id)
        .join(DocumentRow, col(DocumentRow.draft_id) == col(DraftRow.id))
        .where(
            col(DraftRow.client_key) == row.client_key,
            col(DraftRow.payer_account_id) == row.payer_account_id,
            col(DraftRow.period) < row.period,
            col(DraftRow.corrects_id).is_(None),
            col(DraftRow.currency) == row.currency,
            col(DocumentRow.document_type) == DocumentType.INVOICE,
        )
        .order_by(col(DraftRow.period).desc())
    )
    for draft_id in session.exec(earlier).all():
        assert draft_id is not None
        lock_month_of(session, draft_id)
        invoice, left = left_of(session, draft_id)
        is_sellers = invoice.seller.key == note.seller.key
        if is_sellers and left.total_minor >= note.total_minor:
            return (invoice.number,)
    return ()


def _set_against_it(session: Session, number: str) -> list[Invoice]:
    """Credit notes of later months below nothing that name an invoice."""
    bodies = session.exec(
        select(DocumentRow.body)
        .join(DraftRow, col(DraftRow.id) == col(DocumentRow.draft_id))
        .where(
            col(DocumentRow.document_type) == DocumentType.CREDIT_NOTE,
            col(DraftRow.corrects_id).is_(None),
            sa.type_coerce(DocumentRow.body, JSONB)["corrects"].contains([number]),
        )
        .order_by(col(DocumentRow.id))
    )
    return [from_document(each) for each in bodies]


def _body(session: Session, row: DraftRow) -> Invoice:
    """As issued, else as drafted."""
    found = select(DocumentRow.body).where(col(DocumentRow.draft_id) == row.id)
    return from_document(session.exec(found).first() or row.document)


def corrected(session: Session, payer_account_id: str, period: BillingPeriod) -> list[DraftRow]:
    """The months' own documents, by client, of which there are corrections."""
    about = aliased(DraftRow)
    found = select(DraftRow).where(
        col(DraftRow.payer_account_id) == payer_account_id,
        col(DraftRow.period) == str(period),
        col(DraftRow.corrects_id).is_(None),
        col(DraftRow.state) == DraftState.ISSUED,
        select(about.id).where(col(about.corrects_id) == col(DraftRow.id)).exists(),
    )
    return list(session.exec(found.order_by(col(DraftRow.client_key))))


def ids_of_month(session: Session, row: DraftRow) -> tuple[int, ...]:
    return tuple(_id(each) for each in of_month(session, row))


def own_of_month(session: Session, row: DraftRow) -> list[DraftRow]:
    """What the corrections of that client's month are about, in the end."""
    found = select(DraftRow).where(
        col(DraftRow.payer_account_id) == row.payer_account_id,
        col(DraftRow.period) == row.period,
        col(DraftRow.client_key) == row.client_key,
        col(DraftRow.corrects_id).is_(None),
        col(DraftRow.state) == DraftState.ISSUED,
    )
    return list(session.exec(found))


def standing_of(session: Session, own: DraftRow) -> tuple[list[Standing], list[DraftRow]]:
    """What stands of a client's month, its own document first; and what billing only proposes."""
    every = of_month(session, own)
    proposed = [each for each in every if is_proposed(each)]
    stands = [own, *(each for each in every if each not in proposed)]
    return [_standing(session, each) for each in stands], proposed


def _standing(session: Session, row: DraftRow) -> Standing:
    made = made_of(row)
    return Standing(
        _id(row),
        _body(session, row),
        row.corrects_id,
        is_kept_off=is_kept_off(row),
        is_billed_again=made is not None and made.by_hand and made.bills_again,
    )


def is_proposed(row: DraftRow) -> bool:
    """Whether billing made it, and may make another of it."""
    made = made_of(row)
    return made is not None and not made.by_hand and row.state != DraftState.ISSUED


def _id(row: DraftRow) -> int:
    assert row.id is not None
    return row.id


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


def ask_again(session: Session, draft_id: int, reason: CorrectionReason) -> None:
    """From now on the month's billing asks for what that note takes off. Raises NoCreditByHand."""
    lock_month_of(session, draft_id)
    row = session.get_one(DraftRow, draft_id)
    made = made_of(row)
    if made is None or not is_kept_off(row) or row.state != DraftState.ISSUED:
        raise NoCreditByHand(f"invoice {draft_id}")
    row.correction = to_json(replace(made, bills_again=True, again_because=reason))
    session.flush()


def proposed_by_hand(session: Session, draft_id: int) -> list[DraftRow]:
    """About an invoice, and approved by nobody."""
    found = [each for each in _about(session, draft_id) if each.state == DraftState.DRAFT]
    return [each for each in found if each.correction and each.correction["by_hand"]]


def waiting(session: Session, payer_account_id: str, period: BillingPeriod) -> tuple[Finding, ...]:
    """What billing proposes to correct of a month, until it is issued."""
    found = select(DraftRow, DocumentRow.number).where(
        col(DraftRow.payer_account_id) == payer_account_id,
        col(DraftRow.period) == str(period),
        col(DraftRow.corrects_id) == col(DocumentRow.draft_id),
        col(DraftRow.state).in_((DraftState.DRAFT, DraftState.APPROVED)),
    )
    return tuple(
        _waits(row, number)
        for row, number in session.exec(found.order_by(col(DraftRow.id)))
        if is_proposed(row)
    )


def _waits(row: DraftRow, number: str) -> Finding:
    what = row.document_type.replace("_", " ")
    amount = f"{from_minor(row.total_minor, row.currency)} {row.currency}"
    wants = "issue" if row.state == DraftState.APPROVED else "approval"
    words = (
        f"{row.client_key} is billed otherwise by now than {number} asks: a {what} of {amount} "
        f"(draft {row.id}) waits for {wants}."
    )
    return Finding(Severity.WARNING, CORRECTION_PROPOSED, row.client_key, words, row.client_key)
