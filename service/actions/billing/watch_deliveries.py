"""Owns telling the schedule to leave a payer's exports alone, or to look again."""

from __future__ import annotations

from datetime import datetime

from invoices.clients import AccountId
from service.store.access import audit
from service.store.billing import snapshots
from service.store.session import Session


def watch_deliveries(
    session: Session, payer_account_id: AccountId, *, is_stopped: bool, actor: str, now: datetime
) -> bool:
    """Whether it was otherwise before."""
    changed = snapshots.stop_watch(session, payer_account_id, is_stopped=is_stopped)
    if changed:
        audit.record(
            session,
            actor=actor,
            action="stop_deliveries" if is_stopped else "start_deliveries",
            subject=f"payer account {payer_account_id}",
            now=now,
        )
    return changed
