"""Owns asking whether our roles in an account let in whom they should, and nobody else."""

from __future__ import annotations

from datetime import datetime

from accounts.model.lifecycle import Stage, has_reached
from kernel.errors import NotFound, Refused
from service.actions.access.note_person import note_person
from service.store.accounts import access_checks, onboardings
from service.store.accounts.access_checks import AccessCheck
from service.store.session import Session


class NothingToCheck(Refused):
    code = "nothing_to_check"


class NotOnboarded(NotFound):
    def __init__(self, account_id: str) -> None:
        super().__init__(f"account {account_id} has no onboarding")


def check_access(session: Session, account_id: str, *, actor: str, now: datetime) -> AccessCheck:
    """Recorded; a job asks AWS, and changes nothing there. Raises NotOnboarded, NothingToCheck."""
    onboarding = onboardings.onboarding_of(session, account_id)
    if onboarding is None:
        raise NotOnboarded(account_id)
    gone = has_reached(onboarding.stage, Stage.DEPARTED)
    if gone or not has_reached(onboarding.stage, Stage.ROLES_IN_PLACE):
        raise NothingToCheck(
            f"{account_id} is {onboarding.state}: it has no roles of ours to check"
        )
    check_id = access_checks.add_check(session, onboarding, actor=actor, now=now)
    note_person(session, onboarding, "check_access", actor=actor, now=now)
    return access_checks.access_check(session, check_id)
