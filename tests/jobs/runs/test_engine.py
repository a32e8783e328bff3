"""A run is a list of steps, done once each, by one worker at a time, whatever happens."""

from __future__ import annotations

import errno
import threading

import pytest

from jobs.environment import Environment, Report, Save, Step, StepResult
from jobs.runs import engine
from jobs.runs.engine import RunFailed
from kernel.errors import Refused
from kernel.findings import Finding, Severity
from kernel.room import NoRoom
from service.actions.billing.request_run import request_billing
from service.store import queue
from service.store import runs as stored_runs
from service.store.database import DatabaseUnavailable
from service.store.runs import Run, RunOvertaken
from service.store.tables.runs import RunKind, RunState, StepState
from tests.conftest import MonthOf
from tests.support.builders import OCTOBER, PAYER
from tests.support.months import ask_to_bill

WARNING = Finding(Severity.WARNING, "late", "here", "It is late.")


class Script:
    """Steps that note when they are performed, and do what a test tells them."""

    def __init__(self) -> None:
        self.performed: list[str] = []
        self.trouble: dict[str, Exception] = {}

    def step(self, name: str) -> Step:
        def perform(_environment: Environment, _run: Run, report: Report) -> Save:
            self.performed.append(name)
            report(f"doing {name}", 1, 2)
            if name in self.trouble:
                raise self.trouble.pop(name)
            return lambda _: StepResult({"by": name}, (WARNING,))

        return Step(name, perform)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    steps = (script.step("first"), script.step("second"))
    monkeypatch.setattr(engine, "STEPS", {RunKind.BILLING: steps})
    return script


@pytest.fixture
def run_id(environment: Environment, month_of: MonthOf, script: Script) -> int:
    month_of(1)
    return ask_to_bill(environment)


def _stored(environment: Environment, run_id: int) -> Run:
    with environment.database.transaction() as session:
        return stored_runs.run(session, run_id)


def test_steps_are_done_in_order_and_leave_outcome_progress_and_findings(
    environment: Environment, script: Script, run_id: int
) -> None:
    seen: list[str] = []

    run = engine.follow(environment, run_id, lambda what, done, total: seen.append(what))

    assert script.performed == ["first", "second"]
    assert seen == ["doing first", "doing second"]
    assert run.state == RunState.DONE
    assert [(step.state, step.progress) for step in run.steps] == [
        (StepState.DONE, "doing first 1/2"),
        (StepState.DONE, "doing second 1/2"),
    ]
    assert run.outcome("second") == {"by": "second"}
    assert run.findings == (WARNING, WARNING)


def test_following_a_finished_run_does_nothing(
    environment: Environment, script: Script, run_id: int
) -> None:
    engine.follow(environment, run_id)
    engine.follow(environment, run_id)

    assert script.performed == ["first", "second"]


def test_expected_trouble_ends_the_run_with_its_words(
    environment: Environment, script: Script, run_id: int
) -> None:
    script.trouble["second"] = Refused("the month is blocked")

    with pytest.raises(RunFailed, match="the month is blocked"):
        engine.follow(environment, run_id)

    assert _stored(environment, run_id).state == RunState.FAILED


def test_a_defect_ends_the_run_and_is_raised(
    environment: Environment, script: Script, run_id: int
) -> None:
    script.trouble["first"] = AssertionError("2 + 2 = 5")

    with pytest.raises(AssertionError, match="2 \\+ 2 = 5"):
        engine.follow(environment, run_id)

    assert _stored(environment, run_id).error == "defect: AssertionError: 2 + 2 = 5"


def test_a_full_disk_ends_the_run_with_its_words_and_is_no_defect(
    environment: Environment, script: Script, run_id: int
) -> None:
    script.trouble["first"] = OSError(errno.ENOSPC, "No space left on device", "/d/x")

    with pytest.raises(NoRoom) as told:
        engine.follow(environment, run_id)

    run = _stored(environment, run_id)
    assert run.state == RunState.FAILED
    assert run.error == str(told.value)
    assert run.error == (
        "no space left on device for /d/x: make room and run it again; "
        "what was being written is not kept"
    )


def test_a_lost_database_leaves_the_run_to_be_resumed_where_it_was(
    environment: Environment, script: Script, run_id: int
) -> None:
    script.trouble["second"] = DatabaseUnavailable(OSError("gone"))
    with pytest.raises(DatabaseUnavailable):
        engine.follow(environment, run_id)
    assert _stored(environment, run_id).state == RunState.RUNNING

    run = engine.follow(environment, run_id)

    assert run.state == RunState.DONE
    assert script.performed == ["first", "second", "second"]


def test_a_step_that_kills_every_worker_is_given_up(
    environment: Environment, script: Script, run_id: int
) -> None:
    for _ in range(engine.ATTEMPTS_MAX):
        script.trouble["first"] = DatabaseUnavailable(OSError("gone"))
        with pytest.raises(DatabaseUnavailable):
            engine.follow(environment, run_id)

    with pytest.raises(RunFailed, match="given up: 25 workers died of step 'first'"):
        engine.follow(environment, run_id)


def test_an_overtaken_worker_changes_nothing(
    environment: Environment, script: Script, run_id: int
) -> None:
    with environment.database.transaction() as session:
        first = stored_runs.take_up(session, run_id, ["first", "second"])
        stored_runs.take_up(session, run_id, ["first", "second"])

    with pytest.raises(RunOvertaken), environment.database.transaction() as session:
        stored_runs.still_ours(session, run_id, first)


def test_two_who_follow_one_run_do_its_steps_once(
    environment: Environment, script: Script, run_id: int
) -> None:
    followers = [
        threading.Thread(target=engine.follow, args=(environment, run_id)) for _ in range(4)
    ]
    for follower in followers:
        follower.start()
    for follower in followers:
        follower.join()

    assert script.performed == ["first", "second"]


def test_an_earlier_run_of_the_month_is_finished_first(
    environment: Environment, script: Script, run_id: int
) -> None:
    later = ask_to_bill(environment)

    engine.follow(environment, later)

    assert _stored(environment, run_id).state == RunState.DONE
    assert script.performed == ["first", "second", "first", "second"]


def test_the_next_start_finishes_what_was_left_but_not_what_somebody_has(
    environment: Environment, script: Script, run_id: int
) -> None:
    script.trouble["second"] = DatabaseUnavailable(OSError("gone"))
    with pytest.raises(DatabaseUnavailable):
        engine.follow(environment, run_id)

    with environment.database.try_lock(_stored(environment, run_id).lock) as somebody:
        assert somebody
        assert engine.resume(environment) == ()
    (resumed,) = engine.resume(environment)

    assert (resumed.id, resumed.state) == (run_id, RunState.DONE)
    assert script.performed == ["first", "second", "second"]
    assert engine.resume(environment) == ()


def test_a_rolled_back_request_leaves_neither_run_nor_job(
    environment: Environment, month_of: MonthOf, script: Script
) -> None:
    month_of(1)
    with environment.database.transaction() as session:
        session.connection().exec_driver_sql("SELECT 1")
        before = queue.enqueued_runs(session)
    with pytest.raises(KeyError):
        _ask_and_fail(environment)

    with environment.database.transaction() as session:
        assert queue.enqueued_runs(session) == before == frozenset()
        assert stored_runs.recent_runs(session) == ()


def _ask_and_fail(environment: Environment) -> None:
    with environment.database.transaction() as session:
        request_billing(session, PAYER, OCTOBER, actor="test", now=environment.now())
        raise KeyError


def test_a_finished_run_waits_in_no_queue(
    environment: Environment, script: Script, run_id: int
) -> None:
    with environment.database.transaction() as session:
        assert queue.enqueued_runs(session) == {run_id}

    engine.follow(environment, run_id)

    with environment.database.transaction() as session:
        assert queue.enqueued_runs(session) == frozenset()
