"""A worker that dies loses nothing: another finds out by its silence, and finishes its run."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

from jobs import tasks
from jobs.environment import Environment
from service.store import runs
from service.store.database import Database
from service.store.runs import Run
from service.store.tables.runs import RunState
from tests.conftest import NOW, MonthOf
from tests.support.months import approve_all, ask_to_bill, ask_to_issue, bill, issued

CLIENTS = 40
PATIENCE_SECONDS = 120.0


def _work(conninfo: str, home: str) -> None:
    tasks.work(Environment.under(Path(home), Database(conninfo), lambda: NOW), concurrency=1)


def _worker(environment: Environment) -> multiprocessing.context.ForkServerProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jobs.tasks", "tests.faults.test_kill_worker"])
    home = str(environment.cache.parent)
    worker = context.Process(target=_work, args=(environment.database.conninfo, home))
    worker.start()
    return worker


def _wait_until(environment: Environment, run_id: int, state: RunState) -> Run:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        with environment.database.transaction() as session:
            run = runs.run(session, run_id)
        if run.state == state:
            return run
        time.sleep(0.05)
    raise AssertionError(f"run {run_id} is {run.state}, not {state}, after {PATIENCE_SECONDS} s")


def test_another_worker_finishes_what_a_killed_one_began(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(CLIENTS)
    bill(environment)
    assert approve_all(environment) == CLIENTS
    run_id = ask_to_issue(environment)
    first = _worker(environment)
    _wait_until(environment, run_id, RunState.RUNNING)
    first.kill()
    first.join()

    second = _worker(environment)
    run = _wait_until(environment, run_id, RunState.DONE)
    second.terminate()
    second.join()

    assert run.attempt == 2
    assert [each.number for each in issued(environment)] == [
        f"INV-{ordinal:06}" for ordinal in range(1, CLIENTS + 1)
    ]


def test_a_run_nobody_enqueued_is_found_by_the_worker(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(1)
    run_id = ask_to_bill(environment)
    with environment.database.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM procrastinate_jobs")

    worker = _worker(environment)
    _wait_until(environment, run_id, RunState.DONE)
    worker.terminate()
    worker.join()
