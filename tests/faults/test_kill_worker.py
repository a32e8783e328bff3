"""A worker that dies loses nothing: another finds out by its silence, and finishes its run."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs import worker
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
    worker.work(Environment.under(Path(home), Database(conninfo), lambda: NOW), concurrency=1)


def _work_until_it_breaks(conninfo: str, home: str) -> None:
    worker.BRIEF_MAX = 2
    with pytest.raises(worker.WorkerBroken, match="ended 2 times within 3 s of its start"):
        _work(conninfo, home)


@contextmanager
def _worker(
    environment: Environment, work: Callable[[str, str], None] = _work
) -> Iterator[multiprocessing.context.ForkServerProcess]:
    """A worker until we leave, however we leave: one that stays would do other tests' work."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jobs.worker", "tests.faults.test_kill_worker"])
    home = str(environment.cache.parent)
    process = context.Process(target=work, args=(environment.database.conninfo, home))
    process.start()
    try:
        yield process
        process.terminate()
        process.join(PATIENCE_SECONDS)
    finally:
        process.kill()
        process.join()


def _wait_until(environment: Environment, run_id: int, state: RunState) -> Run:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        with environment.database.transaction() as session:
            run = runs.run(session, run_id)
        if run.state == state:
            return run
        time.sleep(0.05)
    raise AssertionError(f"run {run_id} is {run.state}, not {state}, after {PATIENCE_SECONDS} s")


@pytest.mark.proof  # It waits until the dead one is believed dead.
def test_another_worker_finishes_what_a_killed_one_began(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(CLIENTS)
    bill(environment)
    assert approve_all(environment) == CLIENTS
    run_id = ask_to_issue(environment)
    with _worker(environment) as first:
        _wait_until(environment, run_id, RunState.RUNNING)
        first.kill()
        first.join()

    with _worker(environment) as second:
        run = _wait_until(environment, run_id, RunState.DONE)

    assert second.exitcode == 0
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

    with _worker(environment) as process:
        _wait_until(environment, run_id, RunState.DONE)

    assert process.exitcode == 0


def test_a_worker_that_breaks_without_a_loss_does_not_begin_again_for_ever(
    environment: Environment,
) -> None:
    """Without this function every sign of life fails, and procrastinate's worker returns."""
    with environment.database.transaction() as session:
        session.connection().exec_driver_sql("DROP FUNCTION procrastinate_update_heartbeat_v1")

    with _worker(environment, _work_until_it_breaks) as process:
        process.join(PATIENCE_SECONDS)
        assert process.exitcode == 0
