"""Owns moving an organization's onboardings: whatever is due, by one writer at a time."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from accounts.model.lifecycle import WaitKind
from accounts.onboarding.creation import CREATIONS_IN_FLIGHT_MAX
from jobs.environment import Environment
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.visits import visit
from service.actions.access import set_grants
from service.store.accounts import grants, onboardings, turns
from service.store.accounts.onboardings import OnboardingOvertaken, Waiting
from service.store.database import DatabaseUnavailable

RETRIES_AFTER = timedelta(minutes=5)


def lock_of(payer_account_id: str) -> str:
    """One writer per organization: AWS refuses two changes at once."""
    # The second gets ConcurrentModificationException (Organizations API reference):
    # `tests/jobs/onboarding/test_sending.py::test_an_organization_has_one_writer`.
    return f"organization {payer_account_id}"


def advance(environment: OnboardingEnvironment, payer_account_id: str) -> int:
    """How many visits were made: none where another worker is at it, or nothing is due."""
    visits = 0
    with environment.database.try_lock(lock_of(payer_account_id)) as is_ours:
        while is_ours and (due := _due(environment, payer_account_id)):
            for onboarding_id in due:
                _visit_or_park(environment, onboarding_id)
                visits += 1
    return visits


def end_grants(environment: OnboardingEnvironment | Environment) -> None:
    """Whose time is over: they are due, for AWS to hear of it. One that a person moves is next."""
    with environment.database.transaction() as session:
        ended = grants.accounts_with_ended(session, environment.now())
    for account_id in ended:
        with suppress(OnboardingOvertaken), environment.database.transaction() as session:
            set_grants.end_grants(session, account_id, now=environment.now())


def _due(environment: OnboardingEnvironment, payer_account_id: str) -> tuple[str, ...]:
    """From the queue of creations as many as AWS has hands for: the others cost no look."""
    with environment.database.transaction() as session:
        room = CREATIONS_IN_FLIGHT_MAX - turns.creations_in_flight(session, payer_account_id)
        queued = turns.queued(session, payer_account_id, limit=room)
        return queued + turns.due(session, payer_account_id, environment.now())


def _visit_or_park(environment: OnboardingEnvironment, onboarding_id: str) -> None:
    """One account's trouble stops that account, is named, and is raised; the others go on."""
    try:
        visit(environment, onboarding_id)
    except OnboardingOvertaken:
        return  # By a person: what they stored is due now, and looked at next.
    except DatabaseUnavailable:
        raise
    except Exception as defect:
        _park(environment, onboarding_id, defect)
        raise


def _park(environment: OnboardingEnvironment, onboarding_id: str, defect: Exception) -> None:
    waiting = Waiting(
        kind=WaitKind.NEEDS_HUMAN,
        reason=f"defect: {type(defect).__name__}: {defect}",
        what_to_do="report it, then retry",
    )
    with environment.database.transaction() as session:
        before = onboardings.onboarding(session, onboarding_id)
        onboardings.save(
            session, before, before.record, waiting=waiting, next_at=None, now=environment.now()
        )
