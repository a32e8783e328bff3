"""Owns what people do about a root task: ask, approve, perform, end, withdraw."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.model.lifecycle import Stage
from accounts.model.organization import OnboardingKind
from accounts.root_access.root_task import (
    AT_WORK,
    Move,
    RootTask,
    RootTaskState,
    check_wanted,
    moved,
)
from kernel.errors import NotFound, Refused
from service.actions.access.note_person import note_person
from service.store.access import audit
from service.store.access.second_person import check_second_person
from service.store.accounts import onboardings, root_tasks
from service.store.accounts.root_tasks import WantedRootTask
from service.store.session import Session


class NoLiveAccount(NotFound):
    def __init__(self, account_id: str) -> None:
        super().__init__(
            f"{account_id} is no live account of ours: root is entered of those that were onboarded"
        )


class AskedAlready(Refused):
    code = "root_task_asked_already"


class NotOurMember(Refused):
    code = "not_our_member"


def ask_root_task(
    session: Session, account_id: str, wanted: WantedRootTask, *, actor: str, now: datetime
) -> RootTask:
    """Recorded only: nothing is sent before another person approves it.

    Twice is once. Raises BadInput, NoLiveAccount, NotOurMember, AskedAlready.
    """
    check_wanted(wanted.kind, resource=wanted.resource, region=wanted.region, reason=wanted.reason)
    onboarding = onboardings.onboarding_of(session, account_id)
    if onboarding is None or onboarding.stage is not Stage.LIVE:
        raise NoLiveAccount(account_id)
    if onboarding.request.kind is OnboardingKind.BILLING_TRANSFER:
        raise NotOurMember(f"{account_id} is in an organization of its client's own")
    before = root_tasks.living(session, account_id, wanted)
    if before is not None:
        if (before.asked_by, before.reason) == (actor, wanted.reason.strip()):
            return before
        raise AskedAlready(
            f"root task {before.id}, asked for by {before.asked_by}, is about the same and "
            f"{before.state.value}: go on with it, or withdraw it"
        )
    task = root_tasks.add(session, onboarding, wanted, actor=actor, now=now)
    _note(session, task, "ask", actor, now, reason=task.reason)
    return task


def approve_root_task(session: Session, task_id: int, *, actor: str, now: datetime) -> RootTask:
    """A worker then looks at what would be changed. Raises NoSuchRootTask, WrongMove,
    SamePerson."""
    task = root_tasks.locked(session, task_id)
    state = moved(task, Move.APPROVE, now)
    check_second_person(asked_by=task.asked_by, approver=actor)
    task = root_tasks.change(
        session, task, state=state, approved_by=actor, approved_at=now, trouble=""
    )
    return _begun(session, task, Move.APPROVE, actor, now)


def perform_root_task(session: Session, task_id: int, *, actor: str, now: datetime) -> RootTask:
    """What was shown is changed, once; asked again it goes on. Raises NoSuchRootTask, WrongMove,
    ApprovalOver."""
    task = root_tasks.locked(session, task_id)
    if task.state not in AT_WORK:
        state = moved(task, Move.PERFORM, now)
        task = root_tasks.change(session, task, state=state, trouble="")
    return _begun(session, task, Move.PERFORM, actor, now)


def end_root_task(session: Session, task_id: int, *, actor: str, now: datetime) -> RootTask:
    """Root is as before the recovery. That makes it safer, and needs nobody else."""
    task = root_tasks.locked(session, task_id)
    if task.state is not RootTaskState.ENDING:
        task = root_tasks.change(session, task, state=moved(task, Move.END, now), trouble="")
    return _begun(session, task, Move.END, actor, now)


def withdraw_root_task(session: Session, task_id: int, *, actor: str, now: datetime) -> RootTask:
    """Until something was changed."""
    task = root_tasks.locked(session, task_id)
    state = moved(task, Move.WITHDRAW, now)
    task = root_tasks.change(session, task, state=state, trouble="", ended_at=now)
    _note(session, task, Move.WITHDRAW, actor, now)
    return task


def _begun(session: Session, task: RootTask, move: Move, actor: str, now: datetime) -> RootTask:
    _note(session, task, move, actor, now)
    root_tasks.enqueue(session, task)
    return task


def _note(
    session: Session, task: RootTask, verb: str, actor: str, now: datetime, **more: Any
) -> None:
    """In the audit, and among the account's events."""
    after = {"task": task.kind.value, "resource": task.resource, "state": task.state.value, **more}
    audit.record(
        session,
        actor=actor,
        action=f"{verb}_root_task",
        subject=f"root of {task.account_id}",
        after={"id": task.id, **after},
        now=now,
    )
    onboarding = onboardings.onboarding(session, task.onboarding_id)
    words = f"{task.id} {task.kind.value} {task.resource}".strip()
    note_person(session, onboarding, f"{verb}_root_task", words=words, actor=actor, now=now)
