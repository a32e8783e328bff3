"""Owns a payer's deliveries under test: files as AWS writes them, and the schedule's turns."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from jobs import deliveries
from jobs.environment import Environment
from jobs.runs import engine
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.request_run import request_ingest
from service.clock import Clock
from service.configuration.reading import read_configuration
from service.store import runs
from service.store.billing import invoices, snapshots
from service.store.billing.snapshots import DeliveryWatch
from tests.conftest import NOW
from tests.support.bills.front_door import client, exported, payer, written
from tests.support.bills.ingest_builders import PAYER, line

ACME = "111111111111"
OCTOBER, NOVEMBER = BillingPeriod(2026, 10), BillingPeriod(2026, 11)


def configure(environment: Environment, folder: Path, *places: Path, dialect: str = "cur2") -> None:
    exports = [{"dialect": dialect, "location": str(each)} for each in places]
    file = written(folder, payers=[payer(exports=exports)], clients=[client("acme", ACME)])
    with environment.database.transaction() as session:
        apply_configuration(
            session, read_configuration(file.read_text()), actor="test", now=environment.now()
        )


def deliver(export: Path, *costs: str, period: str = "2026-10") -> Path:
    """Acme's usage; the file takes the place of the one before, as AWS overwrites it."""
    dates = {
        "bill_billing_period_start_date": f"{period}-01T00:00:00.000Z",
        "line_item_usage_start_date": f"{period}-05T07:00:00.000Z",
    }
    rows = [line(cost, line_item_usage_account_id=ACME, **dates) for cost in costs]
    return exported(export / f"data/BILLING_PERIOD={period}", rows)


def tick(environment: Environment, minutes: int = 0) -> list[str]:
    """The schedule's turn, and those of the workers; which kinds of runs it asked for."""
    with environment.database.transaction() as session:
        known = {each.id for each in runs.recent_runs(session)}
    for turn in range(3):  # Seen, seen again a minute later and taken in, billed.
        later = replace(environment, now=at(minutes + turn))
        deliveries.look_as_scheduled(later)
        with environment.database.transaction() as session:
            waiting = runs.unfinished_runs(session)
        for each in waiting:
            engine.finish(later, each.id)
    with environment.database.transaction() as session:
        new = [each for each in runs.recent_runs(session) if each.id not in known]
    assert all(each.requested_by == "schedule" for each in new)
    return [f"{each.kind} {each.period}" for each in reversed(new)]


def at(minutes: int) -> Clock:
    return lambda: NOW + timedelta(minutes=minutes)


def totals(environment: Environment, period: BillingPeriod = OCTOBER) -> dict[str, int]:
    with environment.database.transaction() as session:
        records = invoices.invoices_of(session, period, payer_account_id=PAYER)
    return {each.client: each.total_minor for each in records}


def watch_of(environment: Environment) -> DeliveryWatch:
    with environment.database.transaction() as session:
        return snapshots.delivery_watch(session, AccountId(PAYER))


def take_in_by_hand(environment: Environment, file: Path) -> None:
    with environment.database.transaction() as session:
        run_id = request_ingest(
            session, AccountId(PAYER), OCTOBER, location=str(file), dialect="auto",
            actor="ada", now=NOW,
        )  # fmt: skip
    engine.follow(environment, run_id)


def current(environment: Environment) -> str:
    with environment.database.transaction() as session:
        return snapshots.current_snapshot(session, AccountId(PAYER), OCTOBER).id


def fail_the_last_run(environment: Environment) -> None:
    with environment.database.transaction() as session:
        session.execute(
            sa.text("UPDATE run SET state = 'failed' WHERE id = (SELECT max(id) FROM run)")
        )


def chunk(export: Path, number: int, cost: str, *, at: int) -> Path:
    file = deliver(export, cost)
    return written_at(file.rename(file.with_name(f"chunk-{number}.csv.gz")), at)


def written_at(file: Path, minutes: int) -> Path:
    moment = at(minutes)().timestamp()
    os.utime(file, (moment, moment))
    return file
