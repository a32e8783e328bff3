"""Owns making an ingested export the one that its month is billed from."""

from __future__ import annotations

from datetime import datetime

from service.actions.onboarding.note_first_costs import note_first_costs
from service.store.access import audit
from service.store.billing import snapshots
from service.store.billing.snapshots import Snapshot
from service.store.session import Session


def record_snapshot(session: Session, snapshot: Snapshot, *, actor: str, now: datetime) -> None:
    """The same export again changes nothing but the time it was last seen."""
    if snapshots.put_snapshot(session, snapshot, now):
        audit.record(
            session,
            actor=actor,
            action="record_snapshot",
            subject=f"snapshot {snapshot.id}",
            after={"payer": snapshot.payer_account_id, "period": str(snapshot.period)},
            now=now,
        )
    note_first_costs(session, snapshot.payer_account_id, now)
