"""Owns what every command stands on: settings, the clock, the database, all opened here."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from jobs.environment import Environment
from jobs.runs import engine
from kernel.errors import BadInput
from service.cli import output
from service.clock import Clock, system_clock
from service.settings import Settings
from service.store.billing import months, sellers, snapshots
from service.store.database import open_database

ACTOR = "command line"


def _period(text: str) -> BillingPeriod:
    try:
        return BillingPeriod.parse(text)
    except ValueError as error:
        raise BadInput(f"--period: {error}") from error


_PERIOD = typer.Option(
    "--period", parser=_period, metavar="YYYY-MM", help="The billing period (UTC)."
)
Period = Annotated[BillingPeriod, _PERIOD]
MaybePeriod = Annotated[BillingPeriod | None, _PERIOD]


def _account(text: str) -> AccountId:
    if not re.fullmatch("[0-9]{12}", text):
        raise BadInput(f"--payer: {text!r} is no account id, which has twelve digits")
    return AccountId(text)


Payer = Annotated[
    AccountId | None,
    typer.Option(
        "--payer", parser=_account, metavar="ID", help="The payer account, where there are several."
    ),
]
ThePayer = Annotated[
    AccountId,
    typer.Option("--payer", parser=_account, metavar="ID", help="The payer account."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]
ForClient = Annotated[str | None, typer.Option("--client", metavar="KEY", help="This client only.")]


@contextmanager
def opened(clock: Clock = system_clock) -> Iterator[Environment]:
    """The installation that the environment's settings name, its tables up to date.

    What a crash left unfinished, and nobody is working on, is finished first.
    """
    settings = Settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    database = open_database(settings.database_url, settings.home)
    environment = Environment.under(settings.home, database, clock)
    try:
        for run in engine.resume(environment):
            output.complain(f"finished what was left of run {run.id}: {run.kind} of {run.period}")
        yield environment
    finally:
        database.close()


def payers_of(
    environment: Environment, period: BillingPeriod, payer: str | None
) -> tuple[AccountId, ...]:
    """The payer named, or all that have charges of `period`. Raises UnknownPayer, BadInput."""
    with environment.database.transaction() as session:
        if payer is not None:
            return (sellers.payer_account(session, payer).account_id,)
        found = snapshots.payers_with_snapshot(session, period)
    if not found:
        raise BadInput(f"there are no charges of {period} yet: ingest an export first")
    return found


def one_payer(environment: Environment, period: BillingPeriod, payer: str | None) -> AccountId:
    """The payer named, or the only one that is billed in `period`. Raises BadInput."""
    if payer is not None:
        return payers_of(environment, period, payer)[0]
    with environment.database.transaction() as session:
        found = [each for each, billed in months.billed_months(session) if billed == period]
    if not found:
        raise BadInput(f"{period} is not billed yet: run `rebill bill --period {period}`")
    if len(found) > 1:
        raise BadInput(f"several payers have {period}: name one with --payer: {', '.join(found)}")
    return found[0]
