"""Owns the approval of a dangerous step of a hand-over by a second person."""

from __future__ import annotations

from datetime import datetime

from accounts.handover.checklist import checklist
from accounts.model.handover import HandoverKind
from kernel.errors import BadInput
from service.actions.access.note_person import note_person
from service.actions.handover.living_handover import find_handover
from service.store.accounts import handovers, onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session


def approve_step(
    session: Session, onboarding_id: str, item: str, *, actor: str, now: datetime
) -> Onboarding:
    """Raises NoSuchOnboarding, NoHandover, BadInput, SamePerson."""
    onboarding, handover = find_handover(session, onboarding_id)
    dangerous = dangerous_items(handover.asked.exit)
    if item not in dangerous:
        raise BadInput(f"{item!r} needs no approval; what does: {', '.join(dangerous)}")
    handovers.approve(session, handover, item, approver=actor, now=now)
    woken = onboardings.wake(session, onboarding, onboarding.record, now)
    note_person(session, woken, "approve_step", words=item, actor=actor, now=now)
    return woken


def dangerous_items(exit_: HandoverKind) -> tuple[str, ...]:
    return tuple(item.key for item in checklist(exit_) if item.dangerous)
