"""Owns a draft's life: drafted, approved, issued or discarded; nobody else writes its state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import defer
from sqlmodel import col, select

from invoices.clients import AccountId, ClientKey
from invoices.documents.document import from_document, to_document
from invoices.documents.invoice import DocumentType, Invoice
from invoices.money import EXACT, CostAndPrice, from_minor
from invoices.periods import BillingPeriod
from kernel.errors import Refused
from kernel.findings import Finding, Severity
from service.store import tables
from service.store.billing import carry_forward
from service.store.plain import to_json
from service.store.session import Session
from service.store.tables.months import DraftState

MAY_BECOME: Mapping[DraftState, frozenset[DraftState]] = {
    DraftState.DRAFT: frozenset({DraftState.APPROVED, DraftState.DISCARDED}),
    DraftState.APPROVED: frozenset({DraftState.ISSUED, DraftState.DRAFT}),
    DraftState.NO_DOCUMENT: frozenset({DraftState.DISCARDED}),
    DraftState.ISSUED: frozenset(),  # Only a credit note speaks after this.
    DraftState.DISCARDED: frozenset(),
}

LIGHTLY = [
    defer(sa.inspect(tables.months.DraftRow).attrs[name].class_attribute)
    for name in ("document", "working")
]
"""Without the figures themselves, so that a list of thousands stays small."""


@dataclass(frozen=True, slots=True)
class NewDraft:
    """What billing hands over for one client."""

    client: ClientKey
    invoice: Invoice
    content_id: str
    working: Mapping[str, Any]
    cost: Decimal
    price: Decimal
    others: Mapping[str, CostAndPrice] = field(default_factory=dict)
    gets_document: bool = True

    @property
    def state(self) -> DraftState:
        return DraftState.DRAFT if self.gets_document else DraftState.NO_DOCUMENT


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a month's drafts came to: every client is in one of the three, or issued."""

    drafted: tuple[ClientKey, ...]
    unchanged: tuple[ClientKey, ...]
    findings: tuple[Finding, ...]
    """One for each client whose approved or issued figures are no longer those of the month."""
    kept_as: Mapping[ClientKey, int]
    """By client, the id of what this billing made: also where another one stands."""
    issued: Mapping[ClientKey, int]
    """By client, the id of the month's own document: `propose_corrections` says what it lacks."""


class NotPossible(Refused):
    """A draft is not in a state from which this can be done."""

    code = "invoice_not_in_state"

    def __init__(self, draft_id: int, state: DraftState, wanted: DraftState) -> None:
        super().__init__(f"invoice {draft_id} is {state} and cannot become {wanted}")


def save_drafts(
    session: Session,
    drafts: Iterable[NewDraft],
    *,
    payer_account_id: AccountId,
    period: BillingPeriod,
    inputs_id: str,
    now: datetime,
    parked: Collection[ClientKey] = (),
) -> Saved:
    """Replace the unapproved drafts of a payer's month; equal content keeps what it has.

    Of the `parked` nobody knows the month, so what it was found to owe them before stays owed.
    """
    stored = _current(session, payer_account_id, period)
    drafted, unchanged, findings = [], [], []
    kept: dict[ClientKey, tables.months.DraftRow] = {}
    issued = {
        ClientKey(client): row.id
        for client, row in stored.items()
        if row.state == DraftState.ISSUED and row.id is not None
    }
    for draft in sorted(drafts, key=lambda each: each.client):
        row = stored.pop(draft.client, None)
        if row is not None and (_is_so(draft, row) or _stands_so(session, draft, row)):
            unchanged.append(draft.client)
            kept[draft.client] = row
        elif row is not None and _stands(session, row):
            if row.state != DraftState.ISSUED:
                findings.append(differing(row, draft.invoice))
            made = _to_row(draft, payer_account_id, period, inputs_id, now)
            kept[draft.client] = _kept_beside(session, made)
        else:
            if row is not None:
                # At once: a partial unique index allows one living draft of a client.
                _move(row, DraftState.DISCARDED)
                session.flush()
            kept[draft.client] = _to_row(draft, payer_account_id, period, inputs_id, now)
            session.add(kept[draft.client])
            drafted.append(draft.client)
    for row in stored.values():
        if row.state == DraftState.ISSUED:
            continue
        if _stands(session, row):
            findings.append(differing(row, None))
        elif row.client_key in parked and carry_forward.is_balance(row):
            findings.append(_kept_balance(row))
        else:
            _move(row, DraftState.DISCARDED)
    session.flush()
    kept_as = {client: row.id for client, row in kept.items() if row.id is not None}
    return Saved(tuple(drafted), tuple(unchanged), tuple(sorted(findings)), kept_as, issued)


def _kept_beside(session: Session, made: tables.months.DraftRow) -> tables.months.DraftRow:
    """What is not to replace what stands is kept discarded, so that both can be compared."""
    row = tables.months.DraftRow
    there = session.exec(
        select(row)
        .where(
            col(row.payer_account_id) == made.payer_account_id,
            col(row.period) == made.period,
            col(row.client_key) == made.client_key,
            col(row.state) == DraftState.DISCARDED,
            col(row.content_id) == made.content_id,
        )
        .order_by(col(row.id).desc())
        .limit(1)
        .options(*LIGHTLY)
    ).first()
    if there is not None:
        return there
    made.state = DraftState.DISCARDED
    session.add(made)
    return made


def outdated_approvals(
    session: Session,
    made: Mapping[ClientKey, tuple[Invoice, bool]],
    *,
    payer_account_id: AccountId,
    period: BillingPeriod,
    parked: Collection[ClientKey],
) -> dict[ClientKey, str]:
    """By client, in words: how an approved draft differs from what billing would make now.

    `made` is that, and whether it gets a document; of the `parked` nothing is said. Nothing is
    stored.
    """
    outdated = {}
    for client, row in _current(session, payer_account_id, period).items():
        if row.state != DraftState.APPROVED or client in parked:
            continue
        invoice, gets_document = made.get(ClientKey(client), (None, False))
        if invoice is None or not gets_document or not _has_figures_of(invoice, row):
            outdated[ClientKey(client)] = differing(row, invoice).message
    return outdated


def _current(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> dict[str, tables.months.DraftRow]:
    """By client, the month's own document or living draft, locked until the transaction ends."""
    row = tables.months.DraftRow
    rows = session.exec(
        select(row)
        .where(
            col(row.payer_account_id) == payer_account_id,
            col(row.period) == str(period),
            col(row.state) != DraftState.DISCARDED,
            col(row.corrects_id).is_(None),
        )
        .order_by(col(row.id))
        .with_for_update()
    )
    return {each.client_key: each for each in rows}


def _is_so(draft: NewDraft, row: tables.months.DraftRow) -> bool:
    is_approved = draft.gets_document and row.state == DraftState.APPROVED
    same_life = is_approved or row.state in (draft.state, DraftState.ISSUED)
    return same_life and row.content_id == draft.content_id


def _stands(session: Session, row: tables.months.DraftRow) -> bool:
    """Whether somebody has to act before it may be replaced."""
    if row.state == DraftState.NO_DOCUMENT:
        return carry_forward.is_taken(session, row)
    return row.state != DraftState.DRAFT


def _stands_so(session: Session, draft: NewDraft, row: tables.months.DraftRow) -> bool:
    """Whether what stands asks for the same: who we both are is read when it is issued."""
    if not _stands(session, row):
        return False
    there = from_document(row.document)
    if row.state == DraftState.APPROVED:
        same_parties = replace(
            draft.invoice,
            buyer=there.buyer,
            seller=there.seller,
            document_type=there.document_type,
        )
        return draft.gets_document and same_parties == there
    return draft.invoice.figures == there.figures


def _has_figures_of(invoice: Invoice, row: tables.months.DraftRow) -> bool:
    there = from_document(row.document)
    return (invoice.figures, invoice.accounting_tax) == (there.figures, there.accounting_tax)


def differing(row: tables.months.DraftRow, now: Invoice | None) -> Finding:
    before = from_minor(row.total_minor, row.currency)
    if now is None:
        differs = f"of {before} {row.currency} is of a client who now gets none"
    elif now.currency != row.currency:
        differs = f"of {before} {row.currency} would now be in {now.currency}"
    elif row.total_minor == now.total_minor == 0:
        differs = f"of {before} {row.currency} would now be no document"
    else:
        after = from_minor(now.total_minor, now.currency)
        change = EXACT.subtract(after, before)
        differs = f"of {before} {row.currency} would now be {after} ({change:+f})"
    if row.state in (DraftState.ISSUED, DraftState.NO_DOCUMENT):
        remedy = "it stands; the difference is to be corrected by a document of its own"
    else:
        remedy = "withdraw the approval and bill again to replace it"
    is_carried = row.state == DraftState.NO_DOCUMENT
    what = "month taken off a later invoice" if is_carried else f"{row.state} invoice"
    return Finding(
        severity=Severity.CRITICAL,
        code="carried_month_differs" if is_carried else f"{row.state}_invoice_differs",
        where=row.client_key,
        message=f"The {what} of {row.client_key} {differs}: {remedy}.",
        client=row.client_key,
    )


def _kept_balance(row: tables.months.DraftRow) -> Finding:
    total = f"{from_minor(row.total_minor, row.currency)} {row.currency}"
    words = (
        f"The month of {row.client_key} was {total} when it was last billed. It is parked now, and "
        "stays a balance of as much, taken off later invoices, until it is billed again."
    )
    return Finding(
        Severity.WARNING, "parked_month_carried", row.client_key, words, client=row.client_key
    )


def _to_row(
    draft: NewDraft,
    payer_account_id: AccountId,
    period: BillingPeriod,
    inputs_id: str,
    now: datetime,
) -> tables.months.DraftRow:
    return tables.months.DraftRow(
        payer_account_id=payer_account_id,
        period=str(period),
        client_key=draft.client,
        state=draft.state,
        inputs_id=inputs_id,
        content_id=draft.content_id,
        currency=draft.invoice.currency,
        total_minor=draft.invoice.total_minor,
        document=to_document(draft.invoice),
        working=dict(draft.working),
        cost=draft.cost,
        price=draft.price,
        other_currencies={each: to_json(found) for each, found in draft.others.items()},
        drafted_at=now,
        document_type=draft.invoice.document_type or DocumentType.INVOICE,
    )


def approve(session: Session, draft_ids: Iterable[int], *, actor: str, now: datetime) -> None:
    """All of them, or none. Raises NotPossible."""
    row = tables.months.DraftRow
    found = select(row).where(col(row.id).in_(draft_ids)).order_by(col(row.id)).options(*LIGHTLY)
    for each in session.exec(found.with_for_update()):
        _move(each, DraftState.APPROVED)
        each.approved_by, each.approved_at = actor, now
    session.flush()


def withdraw_approval(session: Session, draft_id: int) -> None:
    """Raises NotPossible."""
    row = lock(session, draft_id)
    _move(row, DraftState.DRAFT)
    row.approved_by = row.approved_at = None
    session.flush()


def discard(session: Session, row: tables.months.DraftRow) -> None:
    """Raises NotPossible."""
    _move(row, DraftState.DISCARDED)
    session.flush()


def mark_issued(session: Session, row: tables.months.DraftRow) -> None:
    """Raises NotPossible."""
    _move(row, DraftState.ISSUED)
    session.flush()


def lock(session: Session, draft_id: int) -> tables.months.DraftRow:
    """Nobody else moves it until the transaction ends."""
    return session.get_one(
        tables.months.DraftRow, draft_id, with_for_update=True, options=LIGHTLY[1:]
    )


def _move(row: tables.months.DraftRow, wanted: DraftState) -> None:
    assert row.id is not None
    if wanted not in MAY_BECOME[row.state]:
        raise NotPossible(row.id, row.state, wanted)
    row.state = wanted
