"""Root tasks: root of a member is entered for one thing, once a second key has approved it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from accounts.root_access.root_task import APPROVED_FOR, RootTask, RootTaskKind, RootTaskState
from service.actions.access.root_task import (
    approve_root_task,
    ask_root_task,
    end_root_task,
    perform_root_task,
    withdraw_root_task,
)
from service.api import cursors
from service.api.access import ApproverDep, NowDep, RootDep, SessionDep, StaffDep, actor_of
from service.api.accounts.account_schemas import ACCOUNT_ID
from service.store.accounts import root_tasks
from service.store.accounts.root_tasks import WantedRootTask

router = APIRouter(tags=["root"])
PATH = "/root-tasks/{task_id}"
TaskId = Annotated[int, Path(ge=1, le=2_147_483_647, examples=[1])]


class RootTaskRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account_id: str = Field(pattern=ACCOUNT_ID, examples=["444444444444"])
    task: RootTaskKind
    resource: str = Field(default="", max_length=80, pattern=r"^[A-Za-z0-9._-]*$")
    """The bucket's or queue's name."""
    region: str = Field(default="", max_length=40, pattern=r"^[a-z0-9-]*$")
    reason: str = Field(min_length=10, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")


class RootTaskItem(BaseModel):
    id: int
    account_id: str = Field(pattern=ACCOUNT_ID)
    onboarding_id: str = Field(max_length=30)
    task: RootTaskKind
    resource: str = Field(max_length=80)
    region: str = Field(max_length=40)
    reason: str = Field(max_length=500)
    state: RootTaskState
    asked_by: str = Field(max_length=300)
    asked_at: datetime
    approved_by: str = Field(max_length=300)
    approval_ends_at: datetime | None
    shown: str
    """The policy as it was before anything was changed."""
    root_before: str = Field(max_length=200)
    trouble: str = Field(max_length=600)
    proof: str = Field(max_length=600)
    ended_at: datetime | None


class RootTaskList(BaseModel):
    items: list[RootTaskItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=400)
    has_more: bool


def to_api_root_task(task: RootTask) -> RootTaskItem:
    return RootTaskItem(
        id=task.id,
        account_id=task.account_id,
        onboarding_id=task.onboarding_id,
        task=task.kind,
        resource=task.resource,
        region=task.region,
        reason=task.reason,
        state=task.state,
        asked_by=task.asked_by,
        asked_at=task.asked_at,
        approved_by=task.approved_by,
        approval_ends_at=task.approved_at + APPROVED_FOR if task.approved_at else None,
        shown=task.shown,
        root_before=task.root_before,
        trouble=task.trouble,
        proof=task.proof,
        ended_at=task.ended_at,
    )


@router.post("/root-tasks", operation_id="ask_root_task", status_code=202)
def ask(session: SessionDep, key: RootDep, now: NowDep, asked: RootTaskRequest) -> RootTaskItem:
    """Recorded only: another key approves it before anything happens. Twice is once."""
    wanted = WantedRootTask(
        kind=asked.task, resource=asked.resource, region=asked.region, reason=asked.reason
    )
    made = ask_root_task(session, asked.account_id, wanted, actor=actor_of(key), now=now)
    return to_api_root_task(made)


@router.get("/root-tasks", operation_id="list_root_tasks")
def list_tasks(
    session: SessionDep,
    _key: StaffDep,
    account_id: Annotated[str | None, Query(pattern=ACCOUNT_ID)] = None,
    state: RootTaskState | None = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
) -> RootTaskList:
    """The latest first; `limit` is at most 500."""
    filters = {"list": "root_tasks", "account": account_id, "state": state}
    size, after = min(limit, 500), cursors.after(cursor, filters, r"^[0-9]{1,9}$")
    found = root_tasks.root_tasks(
        session,
        account_id=account_id,
        state=state,
        before=int(after) if after else None,
        limit=size + 1,
    )
    shown, has_more = found[:size], len(found) > size
    return RootTaskList(
        items=[to_api_root_task(each) for each in shown],
        next_cursor=cursors.encode((str(shown[-1].id),), filters) if has_more else None,
        has_more=has_more,
    )


@router.get(PATH, operation_id="get_root_task")
def get_task(session: SessionDep, _key: StaffDep, task_id: TaskId) -> RootTaskItem:
    """Where it stands, what was shown, and the proof."""
    return to_api_root_task(root_tasks.root_task(session, task_id))


@router.post(PATH + "/approve", operation_id="approve_root_task", status_code=202)
def approve(session: SessionDep, key: ApproverDep, now: NowDep, task_id: TaskId) -> RootTaskItem:
    """By another key than the one that asked; a worker then shows what would be changed."""
    return to_api_root_task(approve_root_task(session, task_id, actor=actor_of(key), now=now))


@router.post(PATH + "/perform", operation_id="perform_root_task", status_code=202)
def go_on(session: SessionDep, key: RootDep, now: NowDep, task_id: TaskId) -> RootTaskItem:
    """Within the hour of its approval: what was shown is changed. Twice is once."""
    return to_api_root_task(perform_root_task(session, task_id, actor=actor_of(key), now=now))


@router.post(PATH + "/end", operation_id="end_root_task", status_code=202)
def end(session: SessionDep, key: RootDep, now: NowDep, task_id: TaskId) -> RootTaskItem:
    """The recovery of root is over: its credentials go, and its guard is back."""
    return to_api_root_task(end_root_task(session, task_id, actor=actor_of(key), now=now))


@router.post(PATH + "/withdraw", operation_id="withdraw_root_task", status_code=202)
def withdraw(session: SessionDep, key: RootDep, now: NowDep, task_id: TaskId) -> RootTaskItem:
    """Until something was changed."""
    return to_api_root_task(withdraw_root_task(session, task_id, actor=actor_of(key), now=now))
