"""Owns moving runs: one repeatable step after the other, by one worker at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from jobs.environment import Environment, Report, Save, Step
from jobs.runs import billing, ingest, issuing
from kernel.errors import RebillError, Refused
from kernel.room import no_room
from service.store import runs
from service.store.database import DatabaseUnavailable
from service.store.runs import Run, RunOvertaken
from service.store.tables.runs import RunKind, RunState

STEPS: Mapping[RunKind, tuple[Step, ...]] = {
    RunKind.INGEST: ingest.STEPS,
    RunKind.BILLING: billing.STEPS,
    RunKind.ISSUING: issuing.STEPS,
}

ATTEMPTS_MAX = 25
"""A step whose worker dies every time is given up, lest it kill workers for ever."""

POLL_SECONDS = 0.2
PROGRESS_SECONDS = 0.5


class RunFailed(Refused):
    """The run ended as failed; `run.error` and `run.findings` say why."""

    code = "run_failed"

    def __init__(self, run: Run) -> None:
        super().__init__(run.error or f"run {run.id} failed")
        self.run = run


def silent(_what: str, _done: int, _total: int) -> None:
    """For work that nobody watches here; its progress is in the store all the same."""


def follow(environment: Environment, run_id: int, report: Report = silent) -> Run:
    """The run at its end: moved there by us, or by the worker that has it. Raises RunFailed."""
    with environment.database.transaction() as session:
        wanted = runs.run(session, run_id)
        earlier = [
            each.id
            for each in runs.unfinished_runs(session)
            if each.lock == wanted.lock and each.id < run_id
        ]
    for each in earlier:
        finish(environment, each, report)
    finished = finish(environment, run_id, report)
    if finished.state == RunState.FAILED:
        raise RunFailed(finished)
    return finished


def resume(environment: Environment, report: Report = silent) -> tuple[Run, ...]:
    """Finish what was left behind at a crash, but nothing that somebody is working on."""
    with environment.database.transaction() as session:
        left = runs.unfinished_runs(session)
    for run in left:
        with environment.database.try_lock(run.lock) as is_ours:
            if is_ours:
                with suppress(RunOvertaken):
                    _advance(environment, run.id, report)
    resumed = (_load(environment, run.id) for run in left)
    return tuple(run for run in resumed if run.is_finished)


def finish(environment: Environment, run_id: int, report: Report = silent) -> Run:
    """Move a run to its end, or wait for whoever has its payer's month."""
    while True:
        run = _load(environment, run_id)
        if run.is_finished:
            return run
        with environment.database.try_lock(run.lock) as is_ours:
            if is_ours:
                with suppress(RunOvertaken):
                    _advance(environment, run_id, report)
                continue
        if run.next_step is not None and run.next_step.progress:
            report(f"another worker: {run.next_step.progress}", 0, 0)
        time.sleep(POLL_SECONDS)


def _advance(environment: Environment, run_id: int, report: Report) -> None:
    run = _load(environment, run_id)
    if run.is_finished:
        return
    steps = STEPS[run.kind]
    with environment.database.transaction() as session:
        attempt = runs.take_up(session, run_id, [step.name for step in steps])
    try:
        for step in steps:
            _perform(environment, run_id, attempt, step, report)
        _end(environment, run_id, attempt, error=None)
    except (RunOvertaken, DatabaseUnavailable):
        raise
    except RebillError as trouble:
        _end(environment, run_id, attempt, error=str(trouble))
    except Exception as defect:
        full = no_room(defect)
        if full is not None:
            _end(environment, run_id, attempt, error=str(full))
            raise full from defect
        # A promise of ours that is broken: it says so.
        _end(environment, run_id, attempt, error=f"defect: {type(defect).__name__}: {defect}")
        raise


def _perform(
    environment: Environment, run_id: int, attempt: int, step: Step, report: Report
) -> None:
    """Do a step that is not done yet; its effects and its end are one transaction."""
    run = _load(environment, run_id)
    ordinal = next(each.ordinal for each in run.steps if each.name == step.name)
    if run.next_step is None or run.next_step.ordinal != ordinal:
        return
    if run.next_step.attempt >= ATTEMPTS_MAX:
        raise Refused(f"given up: {ATTEMPTS_MAX} workers died of step {step.name!r}")
    with environment.database.transaction() as session:
        runs.still_ours(session, run_id, attempt)
        runs.begin_step(session, run_id, ordinal, environment.now())
    save: Save = step.perform(environment, run, _Reporter(environment, run_id, ordinal, report))
    with environment.database.transaction() as session:
        runs.still_ours(session, run_id, attempt)
        result = save(session)
        runs.finish_step(
            session,
            run_id,
            ordinal,
            outcome=result.outcome,
            findings=result.findings,
            now=environment.now(),
        )


def _end(environment: Environment, run_id: int, attempt: int, *, error: str | None) -> None:
    with environment.database.transaction() as session:
        runs.still_ours(session, run_id, attempt)
        runs.finish_run(session, run_id, error=error, now=environment.now())


def _load(environment: Environment, run_id: int) -> Run:
    with environment.database.transaction() as session:
        return runs.run(session, run_id)


class _Reporter:
    """Shows progress here at once, and to those who look into the store twice a second."""

    def __init__(self, environment: Environment, run_id: int, ordinal: int, here: Report) -> None:
        self._environment, self._here = environment, here
        self._run_id, self._ordinal = run_id, ordinal
        self._written_at = float("-inf")

    def __call__(self, what: str, done: int, total: int) -> None:
        self._here(what, done, total)
        if time.monotonic() - self._written_at < PROGRESS_SECONDS:
            return
        self._written_at = time.monotonic()
        words = f"{what} {done}/{total}" if total else what
        with self._environment.database.transaction() as session:
            runs.report_progress(session, self._run_id, self._ordinal, words)
