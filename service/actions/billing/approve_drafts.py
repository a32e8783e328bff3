"""Owns approving: a person says that the drafts of a month may be issued as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from invoices.periods import BillingPeriod
from service.store.access import audit
from service.store.billing import drafts, invoices
from service.store.billing.invoices import InvoiceRecord
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
    return _approve(session, waiting, actor, now)


def approve_draft(session: Session, draft_id: int, *, actor: str, now: datetime) -> InvoiceRecord:
    """Raises UnknownInvoice, NotPossible."""
    (approved,) = _approve(session, [invoices.invoice(session, draft_id)], actor, now)
    return approved


def _approve(
    session: Session, records: Sequence[InvoiceRecord], actor: str, now: datetime
) -> tuple[InvoiceRecord, ...]:
    ids = [record.id for record in records]
    drafts.approve(session, ids, actor=actor, now=now)
    for record in records:
        audit.record(
            session,
            actor=actor,
            action="approve_draft",
            subject=f"invoice {record.id}",
            after={"client": record.client, "period": str(record.period)},
            now=now,
        )
    approved = DraftState.APPROVED
    return tuple(
        replace(each, state=approved, approved_at=now, approved_by=actor) for each in records
    )
