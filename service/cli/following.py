"""Owns moving onboardings in the foreground: until somebody else has to do something."""

import getpass
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any

import typer

from accounts.model.lifecycle import WaitKind
from jobs.environment import Environment
from jobs.onboarding.advance import advance
from jobs.onboarding.tasks import onboarding_environment
from service.api.accounts.onboarding_schemas import to_api_onboarding_detail
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.store.accounts import onboardings, resellers
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session

SOON = timedelta(minutes=2)
"""What AWS needs longer for is left to the next look."""
POLL_SECONDS = 0.5

The = Annotated[
    str,
    typer.Argument(metavar="ID", help="The onboarding's id, its --ref, or its account's id."),
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Record it only: a worker, or `follow`, moves it on.")
]


def _user(name: str) -> str:
    return name or getpass.getuser()


By = Annotated[
    str,
    typer.Option("--by", parser=_user, metavar="NAME", help="Who does this; by default you."),
]


def the_onboarding(session: Session, word: str) -> Onboarding:
    """By its id, its external_ref or its account's id. Raises NoSuchOnboarding."""
    found = onboardings.onboarding_for(session, word) or onboardings.onboarding_of(session, word)
    if found is not None and word:
        return found
    return onboardings.onboarding(session, word)


def follow(environment: Environment, onboarding_id: str, report: output.Report) -> Onboarding:
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
        with output.progress() as report:
            onboarding = follow(environment, onboarding.id, report)
    show(environment, onboarding, as_json=as_json)


def show(environment: Environment, onboarding: Onboarding, *, as_json: bool) -> None:
    """Exit status 1 where a person has to do something."""
    shown = to_json(environment, onboarding)
    if as_json:
        output.print_json(shown)
    else:
        _print(shown)
    exit_if_a_person_is_needed([onboarding])


def exit_if_a_person_is_needed(shown: Iterable[Onboarding]) -> None:
    if any(each.waiting and each.waiting.kind is WaitKind.NEEDS_HUMAN for each in shown):
        raise typer.Exit(EXIT_FINDING)


def to_json(environment: Environment, onboarding: Onboarding) -> dict[str, Any]:
    """As the API shows it."""
    with environment.database.transaction() as session:
        reseller = resellers.reseller(session, onboarding.payer_account_id)
    return to_api_onboarding_detail(onboarding, reseller).model_dump(mode="json")


def _print(shown: dict[str, Any]) -> None:
    named = f" ({shown['external_ref']})" if shown["external_ref"] else ""
    output.say(f"{shown['id']}{named}: {shown['name']} for {shown['client']}: {shown['state']}")
    for label, value in (
        ("account", shown["account_id"]),
        ("root address", shown["email"]),
        ("roles", ", ".join(shown["roles"])),
        ("done", ", ".join(s["stage"] for s in shown["steps"] if s["state"] == "done")),
        *_waiting(shown),
        ("next look", shown["next_at"]),
    ):
        if value:
            output.say(f"  {label}: {value}")
    for finding in shown["findings"]:
        where = f"{finding['code']} at {finding['where']}"
        output.say(f"  {finding['severity']}: {where}: {finding['message']}")


def _waiting(shown: dict[str, Any]) -> list[tuple[str, str | None]]:
    waiting = shown["waiting"]
    if waiting is None:
        return []
    return [
        ("waits", waiting["reason"]),
        ("until", waiting["expires_at"]),
        ("AWS says", waiting["aws_words"]),
        ("to do", waiting["what_to_do"]),
    ]
