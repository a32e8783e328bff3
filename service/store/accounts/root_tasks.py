"""Owns the questions about root tasks: who asked for which, who approved it, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from accounts.root_access.root_task import RootTask, RootTaskKind, RootTaskState
from kernel.errors import NotFound
from service.store import queue, tables
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRootTask:
    kind: RootTaskKind
    resource: str = ""
    region: str = ""
    reason: str


class NoSuchRootTask(NotFound):
    def __init__(self, task_id: int) -> None:
        super().__init__(f"there is no root task {task_id}")


def add(
    session: Session, onboarding: Onboarding, wanted: WantedRootTask, *, actor: str, now: datetime
) -> RootTask:
    row = tables.root_security.RootTaskRow(
        payer_account_id=onboarding.payer_account_id,
        account_id=onboarding.account_id,
        onboarding_id=onboarding.id,
        kind=wanted.kind,
        resource=wanted.resource,
        region=wanted.region,
        reason=wanted.reason.strip(),
        state=RootTaskState.ASKED,
        asked_by=actor,
        asked_at=now,
    )
    session.add(row)
    session.flush()
    return _from_row(row)


def root_task(session: Session, task_id: int) -> RootTask:
    """Raises NoSuchRootTask."""
    row = session.get(tables.root_security.RootTaskRow, task_id, populate_existing=True)
    if row is None:
        raise NoSuchRootTask(task_id)
    return _from_row(row)


def living(session: Session, account_id: str, wanted: WantedRootTask) -> RootTask | None:
    """The one about the same that has not ended."""
    row = tables.root_security.RootTaskRow
    found = session.exec(
        select(row).where(
            col(row.account_id) == account_id,
            col(row.kind) == wanted.kind,
            col(row.resource) == wanted.resource,
            col(row.ended_at).is_(None),
        )
    ).one_or_none()
    return _from_row(found) if found is not None else None


def locked(session: Session, task_id: int) -> RootTask:
    """Nobody else moves it until this transaction ends. Raises NoSuchRootTask."""
    row = tables.root_security.RootTaskRow
    found = session.exec(
        select(row)
        .where(col(row.id) == task_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NoSuchRootTask(task_id)
    return _from_row(found)


def root_tasks(
    session: Session,
    *,
    account_id: str | None = None,
    payer_account_id: str | None = None,
    state: RootTaskState | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> tuple[RootTask, ...]:
    """The latest first; `before` is the id of the last one seen."""
    row = tables.root_security.RootTaskRow
    found = select(row)
    if account_id is not None:
        found = found.where(col(row.account_id) == account_id)
    if payer_account_id is not None:
        found = found.where(col(row.payer_account_id) == payer_account_id)
    if state is not None:
        found = found.where(col(row.state) == state)
    if before is not None:
        found = found.where(col(row.id) < before)
    return tuple(map(_from_row, session.exec(found.order_by(col(row.id).desc()).limit(limit))))


def open_recoveries(session: Session, payer_account_id: str) -> tuple[RootTask, ...]:
    """Whose root can be recovered now, or may be."""
    row = tables.root_security.RootTaskRow
    found = session.exec(
        select(row)
        .where(
            col(row.payer_account_id) == payer_account_id,
            col(row.kind) == RootTaskKind.RECOVER_ROOT,
            col(row.state).in_(
                [RootTaskState.PERFORMING, RootTaskState.OPEN, RootTaskState.ENDING]
            ),
        )
        .order_by(col(row.id))
    )
    return tuple(map(_from_row, found))


def change(session: Session, task: RootTask, **changed: Any) -> RootTask:
    row = session.get_one(tables.root_security.RootTaskRow, task.id)
    for name, value in changed.items():
        setattr(row, name, value)
    session.flush()
    return _from_row(row)


def enqueue(session: Session, task: RootTask) -> None:
    queue.enqueue_root_task(session, task.id)


def _from_row(row: tables.root_security.RootTaskRow) -> RootTask:
    assert row.id is not None
    return RootTask(
        id=row.id,
        payer_account_id=row.payer_account_id,
        account_id=row.account_id,
        onboarding_id=row.onboarding_id,
        kind=RootTaskKind(row.kind),
        resource=row.resource,
        region=row.region,
        reason=row.reason,
        state=RootTaskState(row.state),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        approved_by=row.approved_by or "",
        approved_at=row.approved_at,
        shown=row.shown,
        root_before=row.root_before,
        trouble=row.trouble,
        proof=row.proof,
        ended_at=row.ended_at,
    )
