"""Owns the questions about runs: what was asked for, how far it is, what it found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from kernel.errors import NotFound
from kernel.findings import Finding, Severity
from service.store import queue, tables
from service.store.session import Session
from service.store.tables.runs import RunKind, RunState, StepState

UNFINISHED = (RunState.REQUESTED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class RunStep:
    ordinal: int
    name: str
    state: StepState
    attempt: int
    progress: str
    outcome: Mapping[str, Any]
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    id: int
    kind: RunKind
    payer_account_id: AccountId
    period: BillingPeriod
    request: Mapping[str, Any]
    state: RunState
    attempt: int
    error: str | None
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
    steps: tuple[RunStep, ...]
    findings: tuple[Finding, ...]

    @property
    def lock(self) -> str:
        """One writer per payer and period: the name of the queue's lock and of the database's."""
        return f"month {self.payer_account_id} {self.period}"

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED

    @property
    def next_step(self) -> RunStep | None:
        return next((step for step in self.steps if step.state != StepState.DONE), None)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Of the documents that an issuing run numbered."""
        return tuple(n for step in self.steps for n in step.outcome.get("numbers", ()))

    def outcome(self, step_name: str) -> Mapping[str, Any]:
        """What a step that is done left for those after it."""
        step = next(step for step in self.steps if step.name == step_name)
        assert step.state == StepState.DONE, f"{step_name} is not done"
        return step.outcome


class NoSuchRun(NotFound):
    def __init__(self, run_id: int) -> None:
        super().__init__(f"there is no run {run_id}")


class RunOvertaken(Exception):
    """Another worker has taken the run up; this one stops without a trace."""


def request_run(
    session: Session,
    *,
    kind: RunKind,
    payer_account_id: AccountId,
    period: BillingPeriod,
    request: Mapping[str, Any],
    actor: str,
    now: datetime,
) -> int:
    """Record what is wanted, and put its job on the queue, in the caller's transaction."""
    row = tables.runs.RunRow(
        kind=kind,
        payer_account_id=payer_account_id,
        period=str(period),
        request=dict(request),
        state=RunState.REQUESTED,
        requested_by=actor,
        requested_at=now,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    # The queue lives in the same database, so that a run and its job are there together or not at
    # all: `tests/jobs/runs/test_engine.py`,
    # `test_a_rolled_back_request_leaves_neither_run_nor_job`.
    queue.enqueue_run(session, row.id, lock=run(session, row.id).lock)
    return row.id


def run(session: Session, run_id: int) -> Run:
    """Raises NoSuchRun."""
    row = session.get(tables.runs.RunRow, run_id)
    if row is None:
        raise NoSuchRun(run_id)
    return _from_row(session, row)


def recent_runs(
    session: Session,
    *,
    payer_account_id: str | None = None,
    period: BillingPeriod | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Run, ...]:
    """Latest first; `before` is the id of the last one seen."""
    row = tables.runs.RunRow
    found = select(row).order_by(col(row.id).desc()).limit(limit)
    if payer_account_id is not None:
        found = found.where(col(row.payer_account_id) == payer_account_id)
    if period is not None:
        found = found.where(col(row.period) == str(period))
    if before is not None:
        found = found.where(col(row.id) < before)
    return tuple(_from_row(session, each) for each in session.exec(found))


def last_run(
    session: Session,
    kind: RunKind,
    payer_account_id: AccountId,
    period: BillingPeriod,
    *,
    requested_by: str | None = None,
) -> Run | None:
    """Of all, or of those that one person or the schedule asked for."""
    row = tables.runs.RunRow
    whose = [] if requested_by is None else [col(row.requested_by) == requested_by]
    found = session.exec(
        select(row)
        .where(
            col(row.kind) == kind,
            col(row.payer_account_id) == payer_account_id,
            col(row.period) == str(period),
            *whose,
        )
        .order_by(col(row.id).desc())
        .limit(1)
    ).first()
    return None if found is None else _from_row(session, found)


def is_any_unfinished(session: Session, payer_account_id: AccountId, period: BillingPeriod) -> bool:
    row = tables.runs.RunRow
    found = select(row.id).where(
        col(row.state).in_(UNFINISHED),
        col(row.payer_account_id) == payer_account_id,
        col(row.period) == str(period),
    )
    return session.exec(found.limit(1)).first() is not None


def issued_with_override(
    session: Session, payer_account_id: str, period: BillingPeriod
) -> tuple[Run, ...]:
    """Runs that numbered documents of a day that a person answered for."""
    row = tables.runs.RunRow
    found = select(row).where(
        col(row.payer_account_id) == payer_account_id,
        col(row.period) == str(period),
        col(row.kind) == RunKind.ISSUING,
        col(row.request)["override"].is_not(None),
    )
    each = (_from_row(session, row) for row in session.exec(found.order_by(col(row.id))))
    return tuple(run for run in each if run.numbers)


def unfinished_runs(session: Session) -> tuple[Run, ...]:
    row = tables.runs.RunRow
    found = select(row).where(col(row.state).in_(UNFINISHED)).order_by(col(row.id))
    return tuple(_from_row(session, each) for each in session.exec(found))


def take_up(session: Session, run_id: int, step_names: Sequence[str]) -> int:
    """Begin or resume; the number of this attempt, by which `still_ours` knows us."""
    row = session.get_one(tables.runs.RunRow, run_id, with_for_update=True)
    assert row.state in UNFINISHED
    if row.state == RunState.REQUESTED:
        for ordinal, name in enumerate(step_names):
            session.add(
                tables.runs.RunStepRow(
                    run_id=run_id, ordinal=ordinal, name=name, state=StepState.WAITING, outcome={}
                )
            )
    row.state, row.attempt = RunState.RUNNING, row.attempt + 1
    session.flush()
    return row.attempt


def still_ours(session: Session, run_id: int, attempt: int) -> None:
    """Hold the run until the transaction ends. Raises RunOvertaken."""
    # What the session has read before would be compared, not what another worker wrote since:
    # `tests/jobs/runs/test_engine.py::test_an_overtaken_worker_changes_nothing`.
    row = session.get_one(tables.runs.RunRow, run_id, with_for_update=True, populate_existing=True)
    if row.attempt != attempt or row.state != RunState.RUNNING:
        raise RunOvertaken


def begin_step(session: Session, run_id: int, ordinal: int, now: datetime) -> None:
    step = session.get_one(tables.runs.RunStepRow, (run_id, ordinal))
    step.state, step.attempt = StepState.RUNNING, step.attempt + 1
    step.started_at = step.started_at or now
    session.flush()


def report_progress(session: Session, run_id: int, ordinal: int, words: str) -> None:
    step = tables.runs.RunStepRow
    session.execute(
        sa.update(step)
        .where(col(step.run_id) == run_id, col(step.ordinal) == ordinal)
        .values(progress=words)
    )


def finish_step(
    session: Session,
    run_id: int,
    ordinal: int,
    *,
    outcome: Mapping[str, Any],
    findings: Iterable[Finding],
    now: datetime,
) -> None:
    step = session.get_one(tables.runs.RunStepRow, (run_id, ordinal))
    step.state, step.outcome, step.finished_at = StepState.DONE, dict(outcome), now
    known = len(_findings(session, run_id))
    for number, finding in enumerate(findings, start=known):
        session.add(
            tables.runs.RunFindingRow(
                run_id=run_id,
                ordinal=number,
                severity=finding.severity,
                code=finding.code,
                place=finding.where,
                message=finding.message,
                client=finding.client,
            )
        )
    session.flush()


def finish_run(session: Session, run_id: int, *, error: str | None, now: datetime) -> None:
    """Done, or failed with the one line that says why."""
    row = session.get_one(tables.runs.RunRow, run_id)
    row.state = RunState.DONE if error is None else RunState.FAILED
    row.error, row.finished_at = error, now
    session.flush()
    queue.forget_run(session, run_id)


def _from_row(session: Session, row: tables.runs.RunRow) -> Run:
    assert row.id is not None
    step = tables.runs.RunStepRow
    steps = session.exec(select(step).where(col(step.run_id) == row.id).order_by(col(step.ordinal)))
    return Run(
        id=row.id,
        kind=RunKind(row.kind),
        payer_account_id=AccountId(row.payer_account_id),
        period=BillingPeriod.parse(row.period),
        request=row.request,
        state=RunState(row.state),
        attempt=row.attempt,
        error=row.error,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        finished_at=row.finished_at,
        steps=tuple(map(_from_step_row, steps)),
        findings=_findings(session, row.id),
    )


def _from_step_row(row: tables.runs.RunStepRow) -> RunStep:
    return RunStep(
        ordinal=row.ordinal,
        name=row.name,
        state=StepState(row.state),
        attempt=row.attempt,
        progress=row.progress,
        outcome=row.outcome,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _findings(session: Session, run_id: int) -> tuple[Finding, ...]:
    row = tables.runs.RunFindingRow
    found = session.exec(select(row).where(col(row.run_id) == run_id).order_by(col(row.ordinal)))
    return tuple(
        Finding(Severity(each.severity), each.code, each.place, each.message, each.client)
        for each in found
    )
