"""Owns approving: a person says that the drafts of a month may be issued as they are."""

from __future__ import annotations

from datetime import datetime

from invoices.periods import BillingPeriod
from service.store import audit, drafts, invoices
from service.store.invoices import InvoiceRecord
from service.store.session import Session
from service.store.tables.months import DraftState


def approve_drafts(
    session: Session,
    period: BillingPeriod,
    *,
    payer_account_id: str | None = None,
    client: str | None = None,
    actor: str,
    now: datetime,
) -> tuple[InvoiceRecord, ...]:
    """All of the month's drafts (of a payer, of a client) not approved yet; those it approved."""
    waiting = invoices.invoices_of(
        session,
        period,
        payer_account_id=payer_account_id,
        client=client,
        states=(DraftState.DRAFT,),
    )
    return tuple(approve_draft(session, each.id, actor=actor, now=now) for each in waiting)


def approve_draft(session: Session, draft_id: int, *, actor: str, now: datetime) -> InvoiceRecord:
    """Raises UnknownInvoice, NotPossible."""
    record = invoices.invoice(session, draft_id)
    drafts.approve(session, draft_id, actor=actor, now=now)
    audit.record(
        session,
        actor=actor,
        action="approve_draft",
        subject=f"invoice {draft_id}",
        after={"client": record.client, "period": str(record.period)},
        now=now,
    )
    return invoices.invoice(session, draft_id)
