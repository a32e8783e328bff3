"""The command of a batch: many accounts asked for at once, all of them or none."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.environment import Environment
from kernel.errors import BadInput
from service.actions.onboarding.request_onboardings import Batch, BatchRefused, request_onboardings
from service.api.accounts.onboarding_schemas import to_api_batch
from service.cli import output
from service.cli.accounts.batch_file import read_batch
from service.cli.accounts.following import NoWait, follow
from service.cli.accounts.onboard import ValidateOnly
from service.cli.accounts.one_onboarding import exit_if_a_person_is_needed
from service.cli.opening import opened
from service.cli.options import AsJson, By
from service.cli.progress import progress
from service.cli.tables import print_table
from service.store.accounts import onboardings
from service.store.dry_run import nothing_recorded


def batch(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or JSON, up to 200 onboardings.")
    ],
    by: By = "",
    validate_only: ValidateOnly = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Ask for every account of a file: all of them, or none and what is wrong with which."""
    with opened() as environment:
        asked = _ask(environment, file, by=by, validate_only=validate_only)
        if not (validate_only or no_wait):
            asked = _followed(environment, asked)
    if as_json:
        output.print_json(to_api_batch(asked).model_dump(mode="json"))
    else:
        _print(asked, "would be asked for" if validate_only else "asked for")
    exit_if_a_person_is_needed(asked.onboardings)


def _ask(environment: Environment, file: Path, *, by: str, validate_only: bool) -> Batch:
    rows, now = read_batch(file), environment.now()
    wanted = [each for _, each in rows]
    try:
        with environment.database.transaction() as session:
            if validate_only:
                with nothing_recorded(session):
                    return request_onboardings(session, wanted, actor=by, now=now)
            return request_onboardings(session, wanted, actor=by, now=now)
    except BatchRefused as refused:
        places = [f"{rows[number][0]}: {problem}" for number, problem in refused.problems]
        raise BadInput(f"{file}: {'; '.join(places)}") from refused


def _followed(environment: Environment, asked: Batch) -> Batch:
    with progress() as report:
        rested = [follow(environment, each.id, report) for each in asked.onboardings]
    with environment.database.transaction() as session:
        after = tuple(onboardings.onboarding(session, each.id) for each in rested)
    return Batch(asked.id, after, asked.ends_at)


def _print(asked: Batch, words: str) -> None:
    rows = [
        (each.external_ref or "", each.id, each.request.client_key, each.request.account_name,
         each.request.email or each.request.account_id, each.state,
         each.waiting.reason if each.waiting else "")
        for each in asked.onboardings
    ]  # fmt: skip
    columns = ("ref", "onboarding", "client", "account", "address or id", "state", "waits")
    print_table(f"{len(rows)} {words}", columns, rows)
    output.say(f"estimated end, but for what clients take: {asked.ends_at:%Y-%m-%d %H:%M} UTC")
