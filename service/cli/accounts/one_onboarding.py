"""Owns one onboarding on the command line: the word that names it, and how it is shown."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from accounts.model.lifecycle import WaitKind
from service.api.accounts.onboarding_schemas import to_api_onboarding_detail
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.store.accounts import onboardings, resellers
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from service.store.session import Session

The = Annotated[
    str,
    typer.Argument(metavar="ID", help="The onboarding's id, its --ref, or its account's id."),
]


def the_onboarding(session: Session, word: str) -> Onboarding:
    """By its id, its external_ref or its account's id. Raises NoSuchOnboarding."""
    found = onboardings.onboarding_for(session, word) or onboardings.onboarding_of(session, word)
    if found is not None and word:
        return found
    return onboardings.onboarding(session, word)


def show(database: Database, onboarding: Onboarding, *, as_json: bool) -> None:
    """Exit status 1 where a person has to do something."""
    shown = to_json(database, onboarding)
    if as_json:
        output.print_json(shown)
    else:
        _print(shown)
    exit_if_a_person_is_needed([onboarding])


def exit_if_a_person_is_needed(shown: Iterable[Onboarding]) -> None:
    if any(each.waiting and each.waiting.kind is WaitKind.NEEDS_HUMAN for each in shown):
        raise typer.Exit(EXIT_FINDING)


def to_json(database: Database, onboarding: Onboarding) -> dict[str, Any]:
    """As the API shows it."""
    with database.transaction() as session:
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
        ("first cost in", shown["first_cost_in"]),
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
