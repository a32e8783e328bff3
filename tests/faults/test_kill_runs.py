"""Workers killed at random moments of billing and issuing lose, double and change nothing."""

from __future__ import annotations

import multiprocessing
import random
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from invoices.periods import BillingPeriod
from jobs.environment import Environment
from jobs.runs import engine
from service.store import runs as stored_runs
from service.store.billing import documents
from service.store.database import Database
from service.store.embedded import EmbeddedServer
from tests.conftest import NOW, MonthOf, fresh_database
from tests.support.builders import OCTOBER, PAYER
from tests.support.months import approve_all, ask_to_bill, ask_to_issue, bill, issue

CLIENTS = 6
KILLED_WITHIN_SECONDS = 0.5
"""About what a run takes, so that kills fall into all of its steps; more on a busy machine."""


def _work(conninfo: str, home: str, run_id: int) -> None:
    """What a worker's process does: all that it needs comes from the store."""
    environment = Environment.under(Path(home), Database(conninfo), lambda: NOW)
    engine.finish(environment, run_id)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jobs.runs.engine", "tests.faults.test_kill_runs"])
    return context


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.proof)])
def test_killed_workers_issue_what_an_undisturbed_one_does(
    server: EmbeddedServer,
    template: str,
    processes: ForkServerContext,
    tmp_path: Path,
    kills: int,
) -> None:
    dice = random.Random(kills)
    done = 0
    with (
        fresh_database(server, template) as disturbed_database,
        fresh_database(server, template) as quiet_database,
    ):
        disturbed = Environment.under(tmp_path / "home", disturbed_database, lambda: NOW)
        quiet = Environment.under(tmp_path / "home", quiet_database, lambda: NOW)
        period = OCTOBER
        while done < kills:
            MonthOf(disturbed)(CLIENTS, period)
            done += _finish_amid_kills(processes, disturbed, ask_to_bill(disturbed, period), dice)
            assert approve_all(disturbed, period) == CLIENTS
            done += _finish_amid_kills(processes, disturbed, ask_to_issue(disturbed, period), dice)

            MonthOf(quiet)(CLIENTS, period)
            bill(quiet, period)
            approve_all(quiet, period)
            issue(quiet, period)
            assert _issued(disturbed, period) == _issued(quiet, period)
            period = period.next

        numbers = _numbers(disturbed)
        assert numbers == [f"INV-{ordinal:06}" for ordinal in range(1, len(numbers) + 1)]
        assert numbers == _numbers(quiet)
        with disturbed.database.transaction() as session:
            assert stored_runs.unfinished_runs(session) == ()


def _finish_amid_kills(
    processes: ForkServerContext, environment: Environment, run_id: int, dice: random.Random
) -> int:
    """How many workers were killed before one could finish."""
    kills = 0
    home = str(environment.cache.parent)
    while True:
        worker = processes.Process(target=_work, args=(environment.database.conninfo, home, run_id))
        worker.start()
        worker.join(dice.uniform(0, KILLED_WITHIN_SECONDS * (1 + kills / 10)))
        if worker.exitcode is None:
            worker.kill()
            worker.join()
            kills += 1
        with environment.database.transaction() as session:
            run = stored_runs.run(session, run_id)
        if run.is_finished:
            assert run.error is None
            return kills


def _issued(environment: Environment, period: BillingPeriod) -> list[tuple[object, ...]]:
    """Number, date, hash and the hashes of the files of every document of a month."""
    with environment.database.transaction() as session:
        return [
            (
                document.number,
                document.client,
                document.issued_on,
                document.sha256,
                [(file.format, file.sha256) for file in documents.files_of(session, document.id)],
            )
            for document in documents.issued_documents(session, PAYER, period)
        ]


def _numbers(environment: Environment) -> list[str]:
    with environment.database.transaction() as session:
        rows = session.connection().exec_driver_sql("SELECT number FROM document ORDER BY ordinal")
        return [number for (number,) in rows]
