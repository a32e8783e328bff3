"""Owns finding the hand-over that an action is about."""

from __future__ import annotations

from kernel.errors import NotFound
from service.store.accounts import handovers, onboardings
from service.store.accounts.handovers import StoredHandover
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session


class NoHandover(NotFound):
    def __init__(self, onboarding_id: str) -> None:
        super().__init__(f"{onboarding_id} is not being handed over")


def find_handover(session: Session, onboarding_id: str) -> tuple[Onboarding, StoredHandover]:
    """Raises NoSuchOnboarding, NoHandover."""
    onboarding = onboardings.onboarding(session, onboarding_id)
    handover = handovers.living_handover(session, onboarding)
    if handover is None:
        raise NoHandover(onboarding_id)
    return onboarding, handover
