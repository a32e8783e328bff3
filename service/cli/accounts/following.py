"""Owns moving onboardings in the foreground: until somebody else has to do something."""

import time
from datetime import timedelta
from typing import Annotated

import typer

from accounts.model.lifecycle import WaitKind
from jobs.environment import Environment
from jobs.onboarding.advance import advance
from jobs.onboarding.tasks import onboarding_environment
from service.cli.accounts.one_onboarding import show
from service.cli.output import Report
from service.cli.progress import progress
from service.store.accounts import onboardings
from service.store.accounts.onboardings import Onboarding

SOON = timedelta(minutes=2)
"""What AWS needs longer for is left to the next look."""
POLL_SECONDS = 0.5

NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Record it only: a worker, or `follow`, moves it on.")
]


def follow(environment: Environment, onboarding_id: str, report: Report) -> Onboarding:
    """As it rests: live, ended, or waiting for somebody, or for longer than SOON.

    A worker that is at the same organization does the work; then this only looks on.
    """
    found = _stored(environment, onboarding_id)
    office = onboarding_environment(environment, found.payer_account_id)
    while True:
        advance(office, found.payer_account_id)
        found = _stored(environment, onboarding_id)
        now = office.now()
        if found.next_at is None or _waits_for_others(found) or found.next_at - now > SOON:
            return found
        report(_words(found), 0, 0)
        time.sleep(max((found.next_at - now).total_seconds(), POLL_SECONDS))


def _stored(environment: Environment, onboarding_id: str) -> Onboarding:
    with environment.database.transaction() as session:
        return onboardings.onboarding(session, onboarding_id)


def _waits_for_others(onboarding: Onboarding) -> bool:
    waiting = onboarding.waiting
    return waiting is not None and waiting.kind in (WaitKind.WAITING_CLIENT, WaitKind.NEEDS_HUMAN)


def _words(onboarding: Onboarding) -> str:
    waiting = onboarding.waiting
    return f"{onboarding.id} {onboarding.state}" + (f": {waiting.reason}" if waiting else "")


def moved(
    environment: Environment, onboarding: Onboarding, *, no_wait: bool, as_json: bool
) -> None:
    """Follow it unless told not to, and show where it stands."""
    if not no_wait:
        with progress() as report:
            onboarding = follow(environment, onboarding.id, report)
    show(environment.database, onboarding, as_json=as_json)
