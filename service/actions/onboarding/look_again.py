"""Owns looking at AWS now instead of when it was planned: nothing is forgotten, nothing forced."""

from __future__ import annotations

from datetime import datetime

from service.store.accounts import onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session


def look_again(session: Session, onboarding_id: str, *, now: datetime) -> Onboarding:
    """Due at once, unless it waits for nothing or has ended. Raises NoSuchOnboarding."""
    before = onboardings.onboarding(session, onboarding_id)
    if before.waiting is None or before.has_ended:
        return before
    return onboardings.wake(session, before, before.record, now)
