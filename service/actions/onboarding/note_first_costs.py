"""Owns telling an onboarding that its account's first cost was seen."""

from __future__ import annotations

from datetime import datetime

from service.store.accounts import first_costs, onboarding_events
from service.store.accounts.onboarding_events import Event
from service.store.session import Session
from service.store.tables.onboarding import EventKind


def note_first_costs(session: Session, payer_account_id: str, now: datetime) -> None:
    """Of all that the payer's exports show; twice is once."""
    for onboarding_id, period in first_costs.note_first_costs(session, payer_account_id):
        words = f"the payer's data of {period} has its first row of cost"
        event = Event(at=now, kind=EventKind.ENTRY, step="FirstCost", words=words)
        onboarding_events.record(session, onboarding_id, event)
