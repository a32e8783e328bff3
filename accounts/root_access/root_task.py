"""Owns what a root task is: what is asked for, by whom, and the table of its life."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kernel.errors import BadInput, Refused
from kernel.findings import Finding, critical

APPROVED_FOR = timedelta(hours=1)
"""So long after its approval a task may be performed; a session of root ends after 15 minutes."""
RECOVERY_APPROVED = "recovery-approved"
"""The value of the approver's tag with which AWS lets the root guard be lifted off an account."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_QUEUE = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
REASON_CHARS = (10, 500)


class RootTaskKind(StrEnum):
    """What root is entered for: AWS allows these, and a session for each."""

    UNLOCK_BUCKET = "unlock_bucket"
    UNLOCK_QUEUE = "unlock_queue"
    RECOVER_ROOT = "recover_root"


class RootTaskState(StrEnum):
    ASKED = "asked"
    LOOKING = "looking"
    """Approved: a worker looks at what is to be changed, and writes it down."""
    SHOWN = "shown"
    PERFORMING = "performing"
    OPEN = "open"
    """Root's password can be recovered, until somebody ends it."""
    ENDING = "ending"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class Move(StrEnum):
    APPROVE = "approve"
    SHOW = "show"
    PERFORM = "perform"
    OPEN = "open"
    FINISH = "finish"
    END = "end"
    WITHDRAW = "withdraw"


_ASKED, _LOOKING, _SHOWN = RootTaskState.ASKED, RootTaskState.LOOKING, RootTaskState.SHOWN
MOVES: Mapping[Move, tuple[frozenset[RootTaskState], RootTaskState]] = {
    Move.APPROVE: (frozenset({_ASKED}), _LOOKING),
    Move.SHOW: (frozenset({_LOOKING}), _SHOWN),
    Move.PERFORM: (frozenset({_SHOWN}), RootTaskState.PERFORMING),
    Move.OPEN: (frozenset({RootTaskState.PERFORMING}), RootTaskState.OPEN),
    Move.FINISH: (
        frozenset({RootTaskState.PERFORMING, RootTaskState.ENDING}), RootTaskState.DONE,
    ),
    Move.END: (frozenset({RootTaskState.OPEN, RootTaskState.PERFORMING}), RootTaskState.ENDING),
    Move.WITHDRAW: (
        frozenset({_ASKED, _LOOKING, _SHOWN, RootTaskState.PERFORMING}), RootTaskState.WITHDRAWN,
    ),
}  # fmt: skip
"""From where, and to where."""
AT_WORK = frozenset({_LOOKING, RootTaskState.PERFORMING, RootTaskState.ENDING})
"""A worker has something to do."""


class WrongMove(Refused):
    code = "root_task_state"


class ApprovalOver(Refused):
    code = "root_task_approval_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class RootTask:
    id: int
    payer_account_id: str
    account_id: str
    onboarding_id: str
    kind: RootTaskKind
    resource: str
    """The bucket's or queue's name; '' for the recovery of root."""
    region: str
    reason: str
    state: RootTaskState
    asked_by: str
    asked_at: datetime
    approved_by: str = ""
    approved_at: datetime | None = None
    shown: str = ""
    """What a worker saw before anything was changed: the policy itself, word for word."""
    root_before: str = ""
    """What root could sign in with then, in words."""
    trouble: str = ""
    """Why it does not go on, in AWS's words and ours."""
    proof: str = ""
    """What was seen at the end."""
    ended_at: datetime | None = None


def check_wanted(kind: RootTaskKind, *, resource: str, region: str, reason: str) -> None:
    """Raises BadInput."""
    least, most = REASON_CHARS
    if not least <= len(reason.strip()) <= most or not reason.isprintable():
        raise BadInput(
            f"reason: say in {least} to {most} characters of one line why root is needed"
        )
    match kind:
        case RootTaskKind.UNLOCK_BUCKET if not _BUCKET.fullmatch(resource):
            raise BadInput(f"{resource[:80]!r} is no name of a bucket")
        case RootTaskKind.UNLOCK_QUEUE if not _QUEUE.fullmatch(resource):
            raise BadInput(f"{resource[:80]!r} is no name of a queue")
        case RootTaskKind.UNLOCK_QUEUE if not region:
            raise BadInput("a queue is in a region: say in which")
        case RootTaskKind.RECOVER_ROOT if resource or region:
            raise BadInput(
                "the recovery of root is of the account: name no bucket, queue or region"
            )
    if region and not _REGION.fullmatch(region):
        raise BadInput(f"{region[:40]!r} is no region; an example is eu-central-1")


def moved(task: RootTask, move: Move, now: datetime) -> RootTaskState:
    """Where it stands after the move. Raises WrongMove, ApprovalOver."""
    sources, target = MOVES[move]
    is_recovery = task.kind is RootTaskKind.RECOVER_ROOT
    if move is Move.END and not is_recovery:
        raise WrongMove(f"root task {task.id} recovers no root: there is nothing to end")
    if move is Move.WITHDRAW and is_recovery and task.state is RootTaskState.PERFORMING:
        raise WrongMove(f"root task {task.id} may have begun: end it, and all is as before")
    if task.state not in sources:
        raise WrongMove(f"root task {task.id} is {task.state}: it cannot {move} now")
    if move is Move.PERFORM:
        check_approved(task, now)
    return target


def check_approved(task: RootTask, now: datetime) -> None:
    """Raises ApprovalOver."""
    if task.approved_at is None or now >= task.approved_at + APPROVED_FOR:
        raise ApprovalOver(
            f"the approval of root task {task.id} is over: withdraw it, and ask anew"
        )


def recovery_finding(task: RootTask) -> Finding:
    """While it is open, whoever reads the root mailbox can become root."""
    words = (
        f"its root can be recovered, as {task.asked_by} asked and {task.approved_by} approved "
        f"({task.reason}); once it is done: rebill root end {task.id}"
    )
    return critical("root_recovery_open", task.account_id, words)
