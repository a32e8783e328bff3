"""The database server killed amid runs: every start recovers it, and nothing answered is lost."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from invoices.periods import BillingPeriod
from jobs.environment import Environment
from jobs.runs import engine
from service.store.database import DatabaseUnavailable, open_database
from service.store.embedded import EmbeddedServer
from tests.conftest import NOW, MonthOf
from tests.support.builders import OCTOBER
from tests.support.months import approve_all, ask_to_bill, ask_to_issue, bill, issue, issued

CLIENTS = 4


@pytest.fixture
def home() -> Iterator[Path]:
    """With a server that stays until the test's end, unless it is killed."""
    with tempfile.TemporaryDirectory(prefix="rebill-tests-") as name:
        keeper = EmbeddedServer.attach(Path(name) / "postgres")
        yield Path(name)
        keeper.release()


def _work(home: str, run_id: int) -> None:
    environment = _open(Path(home))
    engine.finish(environment, run_id)
    environment.database.close()


def _open(home: Path) -> Environment:
    """What every command does first: it recovers the server, if need be."""
    return Environment.under(home, open_database(None, home), lambda: NOW)


@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.proof)])
def test_a_killed_database_loses_nothing_that_was_answered(home: Path, kills: int) -> None:
    dice = random.Random(kills)
    done = 0
    period = OCTOBER
    numbers: list[str] = []
    while done < kills:
        environment = _open(home)
        MonthOf(environment)(CLIENTS, period)
        bill(environment, period)
        approve_all(environment, period)
        run_id = ask_to_issue(environment, period)
        environment.database.close()
        done += _kill_until_finished(home, run_id, period, dice)

        environment = _open(home)
        numbers += [each.number for each in issued(environment, period)]
        environment.database.close()
        assert numbers == [f"INV-{ordinal:06}" for ordinal in range(1, len(numbers) + 1)]
        assert len(numbers) % CLIENTS == 0
        period = period.next


def _kill_until_finished(
    home: Path, run_id: int, period: BillingPeriod, dice: random.Random
) -> int:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jobs.runs.engine", "tests.faults.test_kill_database"])
    kills = 0
    while True:
        environment = _open(home)
        worker = context.Process(target=_work, args=(str(home), run_id))
        worker.start()
        worker.join(dice.uniform(0, 1 + kills / 10))
        known = issued(environment, period)
        if worker.exitcode is None:
            _kill_server(home)
            kills += 1
        worker.join()
        environment.database.close()

        environment = _open(home)
        kept = issued(environment, period)
        environment.database.close()
        assert kept[: len(known)] == known
        if worker.exitcode == 0:
            return kills


def _kill_server(home: Path) -> None:
    pid = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


def test_a_command_whose_database_dies_says_so_in_one_line(home: Path) -> None:
    environment = _open(home)
    MonthOf(environment)(1)
    run_id = ask_to_bill(environment)
    _kill_server(home)

    with pytest.raises(DatabaseUnavailable, match="cannot use the database") as refused:
        engine.follow(environment, run_id)
    assert "\n" not in str(refused.value)
    environment.database.close()

    environment = _open(home)
    assert engine.follow(environment, run_id).error is None
    approve_all(environment)
    assert issue(environment).outcome("number") == {"numbers": ["INV-000001"]}
    environment.database.close()
