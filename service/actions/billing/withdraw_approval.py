"""Owns taking an approval back, so that the draft can be billed anew."""

from __future__ import annotations

from datetime import datetime

from service.store.access import audit
from service.store.billing import drafts, invoices
from service.store.session import Session


def withdraw_approval(session: Session, draft_id: int, *, actor: str, now: datetime) -> None:
    """Raises UnknownInvoice, NotPossible (an issued document is corrected, not withdrawn)."""
    invoices.invoice(session, draft_id)
    drafts.withdraw_approval(session, draft_id)
    audit.record(
        session, actor=actor, action="withdraw_approval", subject=f"invoice {draft_id}", now=now
    )
