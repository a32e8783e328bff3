"""Owns giving an onboarding up: possible until its account is linked."""

from __future__ import annotations

from datetime import datetime

from accounts.model.decision import NeedsHuman
from accounts.model.lifecycle import Stage
from accounts.model.observed import Observed
from accounts.onboarding.cancellation import next_cancel_step
from kernel.errors import Refused
from service.actions.access.note_person import note_person
from service.store.accounts import onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session


class CannotCancel(Refused):
    code = "cannot_cancel"


def cancel_onboarding(
    session: Session, onboarding_id: str, *, actor: str, now: datetime
) -> Onboarding:
    """Asked for; an invitation is taken back by the worker. Twice is once.

    Raises NoSuchOnboarding, CannotCancel.
    """
    before = onboardings.onboarding(session, onboarding_id)
    if before.stage is Stage.CANCELLED or before.cancel_asked_by is not None:
        return before
    decision = next_cancel_step(before.request, Observed(), before.record, now)
    if isinstance(decision, NeedsHuman):
        raise CannotCancel(f"{before.id}: {decision.reason}; {decision.what_to_do}")
    onboardings.ask_to_cancel(session, before, actor=actor, now=now)
    note_person(session, before, "cancel", actor=actor, now=now)
    return onboardings.onboarding(session, onboarding_id)
