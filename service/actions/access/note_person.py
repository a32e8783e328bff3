"""Owns writing down what a person did about an onboarding: beside its events, and in the audit."""

from __future__ import annotations

from datetime import datetime

from service.store.access import audit
from service.store.accounts import onboarding_events
from service.store.accounts.onboarding_events import Event
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session
from service.store.tables.onboarding import EventKind


def note_person(
    session: Session,
    onboarding: Onboarding,
    action: str,
    *,
    words: str = "",
    actor: str,
    now: datetime,
) -> None:
    event = Event(at=now, kind=EventKind.PERSON, step=action, words=words, actor=actor)
    onboarding_events.record(session, onboarding.id, event)
    audit.record(
        session,
        actor=actor,
        action=action,
        subject=f"onboarding {onboarding.id}",
        after={"words": words} if words else None,
        now=now,
    )
