"""Owns crediting: a person proposes a credit note about an issued invoice, or takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from invoices.documents.correction import CreditRefused, Why
from invoices.documents.invoice import BY_HAND, CorrectionReason
from service.store.access import audit
from service.store.billing import corrections, drafts, invoices
from service.store.billing.corrections import NothingProposed
from service.store.billing.invoices import InvoiceRecord
from service.store.session import Session

TEXT_MAX = 500


def credit_invoice(
    session: Session,
    which: str | int,
    *,
    lines: Mapping[str, Decimal | None] | None = None,
    reason: str,
    text: str = "",
    bills_again: bool = False,
    actor: str,
    now: datetime,
) -> InvoiceRecord:
    """The proposed credit note: of these lines, each by an amount or all that is left, or of all.

    With `bills_again` the month's next billing asks for it anew. `which` is a number or an id, as
    an `int` an id for sure.
    Raises UnknownInvoice, CreditRefused, NotCreditable.
    """
    invoice = (
        invoices.invoice(session, which)
        if isinstance(which, int)
        else invoices.invoice_called(session, which)
    )
    why = Why((invoice.number,), _reason(reason, text), text.strip())
    draft_id = corrections.propose_credit(
        session, invoice.id, wanted=lines, why=why, bills_again=bills_again, now=now
    )
    proposed = invoices.invoice(session, draft_id)
    audit.record(
        session,
        actor=actor,
        action="credit_invoice",
        subject=f"invoice {invoice.id}",
        after={"draft": draft_id, "reason": why.reason, "text": why.text},
        now=now,
    )
    return proposed


def discard_credits(
    session: Session, which: str, *, actor: str, now: datetime
) -> tuple[InvoiceRecord, ...]:
    """The credit notes proposed by hand about an invoice that nobody has approved: taken back.

    Raises UnknownInvoice, NothingProposed.
    """
    invoice = invoices.invoice_called(session, which)
    corrections.lock_month_of(session, invoice.id)
    rows = corrections.proposed_by_hand(session, invoice.id)
    if not rows:
        raise NothingProposed(invoice.number or which)
    discarded = tuple(invoices.invoice(session, row.id or 0) for row in rows)
    for row in rows:
        drafts.discard(session, row)
    audit.record(
        session,
        actor=actor,
        action="discard_credits",
        subject=f"invoice {invoice.id}",
        before={"drafts": [each.id for each in discarded]},
        now=now,
    )
    return discarded


def bill_again(
    session: Session, which: str, *, reason: str, actor: str, now: datetime
) -> InvoiceRecord:
    """An issued credit note was a mistake: the month's next billing asks for what it takes off.

    Raises UnknownInvoice, NoCreditByHand, CreditRefused.
    """
    note = invoices.invoice_called(session, which)
    because = _reason(reason or CorrectionReason.BILLING_ERROR, "found later")
    corrections.ask_again(session, note.id, because)
    audit.record(
        session,
        actor=actor,
        action="bill_again",
        subject=f"invoice {note.id}",
        after={"reason": because},
        now=now,
    )
    return note


def _reason(code: str, text: str) -> CorrectionReason:
    if code not in BY_HAND:
        raise CreditRefused(f"there is no reason {code!r}; there are {', '.join(BY_HAND)}")
    if code == CorrectionReason.OTHER and not text.strip():
        raise CreditRefused("reason `other` needs a text that says which")
    if len(text) > TEXT_MAX or not text.replace("\n", " ").isprintable():
        raise CreditRefused(f"a text has at most {TEXT_MAX} characters, none of them for control")
    return CorrectionReason(code)
