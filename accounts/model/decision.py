"""Owns what a decision can be: a call to AWS, an entry in our store, a wait, a person, the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from accounts.model.lifecycle import Stage, WaitKind
from kernel.findings import Finding


class Actor(StrEnum):
    """Whose credentials sign a call. The shell gets them, keeps them in memory, stores none."""

    ONBOARD = "onboard"
    """Our onboarding role in the payer account (`svc_onboard.json`)."""
    OFFBOARD = "offboard"
    """Our offboarding role in the payer account (`svc_offboard.json`), assumed by a person."""
    SETUP = "setup"
    """Whoever sets the organization up once (`svc_setup.json`)."""
    ACCESS = "access"
    """Whoever sets the access account up (`svc_access.json`)."""
    MEMBER = "member"
    """A role of ours in the member account, assumed with `role_arn` and `external_id`."""
    ROOT = "root"
    """AssumeRoot into `account_id` with `task_policy_arn`, at a regional endpoint, <= 900 s."""
    PERSON = "person"
    """The probe user of `team`, without MFA."""
    PERSON_WITH_MFA = "person_with_mfa"
    """The probe user of `team`; the shell adds SerialNumber and TokenCode to the AssumeRole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    actor: Actor = Actor.ONBOARD
    account_id: str = ""
    role_arn: str = ""
    external_id: str = ""
    task_policy_arn: str = ""
    team: str = ""
    via: Actor = Actor.ONBOARD
    """Who assumes the role of a MEMBER session, or root."""


class Send(StrEnum):
    """How a call may be sent."""

    READ = "read"
    """Retry as you like."""
    REPEATABLE = "repeatable"
    """A write that can be repeated, or that AWS refuses harmlessly the second time."""
    ONCE = "once"
    """Not idempotent: store the intent first, then send it exactly once, with no retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One AWS operation with all its arguments, named as boto3 names them.

    A paginated READ is sent page by page and its pages merged into one answer.
    """

    step: str
    """Stable word for the steps table, such as `create_account`."""
    service: str
    operation: str
    arguments: Mapping[str, Any]
    send: Send
    session: Session = field(default=Session())
    subject: str = ""
    """Which role, contact or probe of several, or ''."""
    fills: str = ""
    """The field of `Observed` that a READ's answer fills."""
    invalidates: tuple[str, ...] = ()
    """The fields of `Observed` that a write makes stale, so that they are read again."""
    batch: bool = False
    """A write after which others of its kind may be sent before all are looked at again."""
    uses_code_of: str = ""
    """The item whose one-time code it carries: good until AWS has answered, and never twice."""
    resends: str = ""
    """The write that has another code sent, to be made again when AWS refuses this one."""
    region: str = ""
    """Of the endpoint, where it matters; '' for the one of all others."""
    secrets: tuple[str, ...] = ()
    """Arguments never to be stored or logged, such as a one-time code."""
    expects_refusal: bool = False
    """A probe that is right when AWS says AccessDenied: a refusal is its answer, not trouble."""

    awaits_client: bool = False
    """AccessDenied means that the client has not done its part yet, however long it takes."""

    @property
    def key(self) -> str:
        return f"{self.step}:{self.subject}" if self.subject else self.step


@dataclass(frozen=True, slots=True)
class Reserve:
    """Keep e-mail and name for this onboarding, under a unique index."""

    email: str
    account_name: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """This member account is the one that was asked for, by its tag or its accepted handshake."""

    account_id: str


@dataclass(frozen=True, slots=True)
class Assign:
    """The account belongs to the client from that day on; billing follows by itself."""

    account_id: str
    client_key: str
    from_on: date


@dataclass(frozen=True, slots=True)
class Unassign:
    """The account's assignment ends before `until_on`."""

    account_id: str
    until_on: date


@dataclass(frozen=True, slots=True)
class RevokeGrants:
    """Nobody's link leads to the account any more: its grants end, links are exported anew."""

    account_id: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything that this stage requires has been observed."""

    stage: Stage


Entry = Reserve | Adopt | Assign | Unassign | RevokeGrants | Reach
Step = Call | Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do before `again_at`; costs nothing meanwhile."""

    kind: WaitKind
    reason: str
    again_at: datetime
    aws_words: str = ""
    expires_at: datetime | None = None
    """When AWS gives up waiting, such as an invitation's ExpirationTimestamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsHuman:
    """Only a person can go on; `retry` asks again once they did what `what_to_do` says."""

    reason: str
    what_to_do: str
    aws_words: str = ""
    stops_all: bool = False
    """It is the payer account that is unfit: no other onboarding can go on either."""


@dataclass(frozen=True, slots=True)
class Done:
    """The goal is reached; `findings` are what a person should still look at."""

    findings: tuple[Finding, ...] = ()


Decision = Step | Wait | NeedsHuman | Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """AWS's error, verbatim: `code`, and the `Reason` some exceptions carry.

    The shell says `ResponseLost` for a timeout, a broken connection or any answer it cannot read.
    """

    code: str
    reason: str = ""
    message: str = ""

    @property
    def words(self) -> str:
        return " ".join(part for part in (self.code, self.reason, self.message) if part)


Answer = Mapping[str, Any] | Refusal
