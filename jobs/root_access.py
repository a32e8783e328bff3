"""Owns moving a root task: what `accounts` says is next is sent, and what came of it is kept.

Sessions of root live in the caller's memory, for a quarter of an hour at most; nothing of them is
stored. What is to be changed is in the store before it is changed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.model.decision import Answer, Call, Refusal, Send
from accounts.model.organization import Reseller
from accounts.root_access.root_task import (
    AT_WORK,
    Move,
    RootTask,
    RootTaskState,
    check_approved,
    moved,
)
from accounts.root_access.steps import (
    ALREADY,
    Performed,
    RootContext,
    RootStep,
    Shown,
    Stuck,
    next_root_step,
)
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.performing import perform, to_answer, to_event
from kernel.errors import Refused
from service.store.access import audit
from service.store.accounts import onboarding_events, resellers, root_tasks
from service.store.accounts.onboarding_events import Event
from service.store.session import Session
from service.store.tables.onboarding import EventKind

WORKER = "worker"
CALLS_MAX = 60


def run_root_task(environment: OnboardingEnvironment, task_id: int) -> RootTask:
    """As it stands then. Twice is once; while another one is at it, only looked at."""
    with environment.database.try_lock(f"root task {task_id}") as is_ours:
        with environment.database.transaction() as session:
            task = root_tasks.root_task(session, task_id)
            reseller = resellers.reseller(session, task.payer_account_id)
        if not is_ours or task.state not in AT_WORK:
            return task
        if task.state is not RootTaskState.ENDING:
            try:
                check_approved(task, environment.now())
            except Refused as over:
                return _settle(environment, task, Stuck(str(over)))
        return _settle(environment, task, _moved(environment, reseller, task))


def _moved(environment: OnboardingEnvironment, reseller: Reseller, task: RootTask) -> RootStep:
    """Look, write, look again, until it is shown, done or stuck."""
    context = RootContext(reseller=reseller, task=task, answers={})
    written: set[str] = set()
    for _ in range(CALLS_MAX):
        step = next_root_step(context)
        if not isinstance(step, Call):
            return step
        if step.key in written:
            return Stuck("AWS took it, and does not show it yet: perform it again in a minute")
        is_write = step.send is not Send.READ
        if is_write and not _is_as_decided(environment, task):
            return Stuck("somebody else moved it meanwhile")
        if is_write:
            written.add(step.key)
        answer = _sent(environment, task, step)
        if isinstance(answer, Refusal) and is_write and answer.code not in ALREADY:
            return Stuck(f"{step.operation}: {answer.words}"[:500])
        context = context.with_answer(step, answer)
    raise AssertionError(f"root task {task.id} comes to no end")


def _is_as_decided(environment: OnboardingEnvironment, task: RootTask) -> bool:
    """Who withdraws it is obeyed at once."""
    with environment.database.transaction() as session:
        return root_tasks.root_task(session, task.id).state is task.state


def _sent(environment: OnboardingEnvironment, task: RootTask, step: Call) -> Answer:
    reply = perform(
        environment.caller, step, onboarding_id=task.onboarding_id, person=task.asked_by
    )
    now = environment.now()
    with environment.database.transaction() as session:
        answer = to_answer(reply)
        onboarding_events.record(session, task.onboarding_id, to_event(step, reply, now))
        if step.send is not Send.READ and not isinstance(answer, Refusal):
            _audit(session, task, step.operation, now)
    return answer


def _audit(session: Session, task: RootTask, operation: str, now: datetime) -> None:
    """With what was there before: whoever needs the policy again finds it here."""
    audit.record(
        session,
        actor=WORKER,
        action="act_as_root",
        subject=f"root of {task.account_id}",
        before={"policy": task.shown} if task.shown else None,
        after={
            "id": task.id,
            "call": operation,
            "resource": task.resource,
            "asked_by": task.asked_by,
            "approved_by": task.approved_by,
            "reason": task.reason,
        },
        now=now,
    )


def _settle(environment: OnboardingEnvironment, task: RootTask, step: RootStep) -> RootTask:
    now = environment.now()
    with environment.database.transaction() as session:
        latest = root_tasks.locked(session, task.id)
        if latest.state is not task.state:  # Withdrawn meanwhile: nothing was changed yet.
            return latest
        kept: dict[str, Any]
        match step:
            case Shown(policy=policy, root=root):
                state = moved(task, Move.SHOW, now)
                kept = {"state": state, "shown": policy, "root_before": root, "trouble": ""}
            case Performed(proof=proof, is_open=is_open):
                state = moved(task, Move.OPEN if is_open else Move.FINISH, now)
                ended_at = None if is_open else now
                kept = {"state": state, "proof": proof, "trouble": "", "ended_at": ended_at}
            case Stuck(words=words):
                kept = {"trouble": words}
            case _:
                raise AssertionError("a call is not where a task rests")
        event = Event(
            at=now,
            kind=EventKind.DONE if isinstance(step, Performed) else EventKind.WAIT,
            step=f"root_task {task.id}",
            words=str(kept.get("trouble") or kept.get("proof") or "shown, and waits for its word"),
        )
        onboarding_events.record(session, task.onboarding_id, event)
        return root_tasks.change(session, task, **kept)
