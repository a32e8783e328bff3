"""Owns calling a hand-over off: what was taken away is put back, until the account has left."""

from __future__ import annotations

from datetime import datetime

from accounts.model.lifecycle import Stage, has_reached
from kernel.errors import Refused
from service.actions.access.note_person import note_person
from service.actions.handover.living_handover import find_handover
from service.store.accounts import handovers, onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session


class TooLate(Refused):
    code = "too_late"


def abort_handover(
    session: Session, onboarding_id: str, *, actor: str, now: datetime
) -> Onboarding:
    """Raises NoHandover, TooLate."""
    onboarding, handover = find_handover(session, onboarding_id)
    if has_reached(onboarding.stage, Stage.DEPARTED):
        raise TooLate(f"the account of {onboarding.id} has left: invite it again")
    handovers.abort(session, handover, actor=actor)
    woken = onboardings.wake(session, onboarding, onboarding.record, now)
    note_person(session, woken, "abort_handover", actor=actor, now=now)
    return woken
