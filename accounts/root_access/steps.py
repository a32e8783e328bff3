"""Owns the next step of a root task, from what AWS was seen to say: look, write once, look again.

Root is entered for one of AWS's tasks at a time (IAM User Guide, "Perform a privileged task on an
AWS Organizations member account"); nothing is done there that is not named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from accounts.aws.calls import read, write
from accounts.aws.reads import read_account_tags, read_root, read_scps, root_session
from accounts.aws.responses import to_observed_root
from accounts.model.decision import Actor, Answer, Call, Refusal, Session
from accounts.model.observed import ObservedRoot
from accounts.model.organization import TAG_OFFBOARDING, Reseller
from accounts.root_access.root_task import (
    RECOVERY_APPROVED,
    RootTask,
    RootTaskKind,
    RootTaskState,
)

NOTHING_THERE = frozenset({"NoSuchBucketPolicy"})
"""Refusals that are an answer: there is no such policy."""
ALREADY = frozenset({
    "EntityAlreadyExists", "PolicyNotAttachedException", "DuplicatePolicyAttachmentException",
    "NoSuchBucketPolicy", "NoSuchEntity",
})  # fmt: skip
"""Refusals of a write that say that it was done, by our own lost attempt or by somebody."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be changed was seen; nothing was changed."""

    policy: str
    root: str


@dataclass(frozen=True, slots=True)
class Performed:
    proof: str
    is_open: bool = False
    """Root can be recovered: it has to be ended."""


@dataclass(frozen=True, slots=True)
class Stuck:
    words: str


RootStep = Call | Shown | Performed | Stuck


@dataclass(frozen=True, slots=True, kw_only=True)
class RootContext:
    """Answers by the key of the look; what a write makes stale is taken out again."""

    reseller: Reseller
    task: RootTask
    answers: Mapping[str, Answer]

    def with_answer(self, call: Call, answer: Answer) -> RootContext:
        if call.invalidates:
            kept = {k: v for k, v in self.answers.items() if k not in call.invalidates}
            return replace(self, answers=kept)
        return replace(self, answers={**self.answers, call.key: answer})

    def root(self, task: str) -> Session:
        """By the offboarding role, which a person with MFA assumes; the audit by the worker's."""
        session = root_session(self.reseller.partition, self.task.account_id, task)
        return replace(session, via=Actor.OFFBOARD)


def next_root_step(context: RootContext) -> RootStep:
    """The first thing that is not seen or not so, in order."""
    match context.task.state, context.task.kind:
        case (RootTaskState.ENDING, _):
            return _end_recovery(context)
        case (_, RootTaskKind.RECOVER_ROOT):
            return _recover_root(context)
    return _unlock(context)


def _refused(call: Call, answer: Refusal) -> Stuck:
    return Stuck(f"{call.operation}: {answer.words}"[:500])


# A policy that shuts everybody out. ----------------------------------------------------


def _unlock(context: RootContext) -> RootStep:
    audit = _audited(context)
    if not isinstance(audit, ObservedRoot):
        return audit
    policy = _policy(context)
    if not isinstance(policy, str):
        return policy
    task = context.task
    what = "bucket" if task.kind is RootTaskKind.UNLOCK_BUCKET else "queue"
    if task.state is RootTaskState.LOOKING:
        if not policy:
            return Stuck(f"the {what} {task.resource} has no policy: nothing to unlock")
        return Shown(policy, _words_of(audit))
    if not policy:
        now = _words_of(audit)
        if now != task.root_before:
            return Stuck(f"the policy is gone, but root {now}; before it {task.root_before}")
        return Performed(f"the {what} {task.resource} has no policy; root {now}, as before")
    if policy != task.shown:
        return Stuck(f"the {what}'s policy is another than the one that was shown: ask anew")
    return _delete_policy(context)


def _audited(context: RootContext) -> ObservedRoot | RootStep:
    look = read_root(context.reseller.partition, context.task.account_id)
    answer = context.answers.get(look.key)
    if answer is None:
        return look
    return _refused(look, answer) if isinstance(answer, Refusal) else to_observed_root(answer)


def _words_of(root: ObservedRoot) -> str:
    held = {
        "a password": root.password, "access keys": root.access_keys,
        "signing certificates": root.signing_certificates, "an MFA device": root.mfa,
    }  # fmt: skip
    there = [words for words, is_there in held.items() if is_there]
    return f"has {', '.join(there)}" if there else "has no credentials"


def _policy(context: RootContext) -> str | RootStep:
    """'' where there is none. Root reads and deletes it whatever it says (API reference,
    `DeleteBucketPolicy`), unless an SCP of ours or the client's forbids."""
    task = context.task
    if task.kind is RootTaskKind.UNLOCK_BUCKET:
        look = _at(context, "see_policy", "s3", "GetBucketPolicy", **_bucket(task))
        answer = context.answers.get(look.key)
        if answer is None:
            return look
        if isinstance(answer, Refusal):
            return "" if answer.code in NOTHING_THERE else _refused(look, answer)
        return str(answer["Policy"])
    url = _queue_url(context)
    if not isinstance(url, str):
        return url
    look = _at(
        context, "see_policy", "sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"]
    )
    answer = context.answers.get(look.key)
    if answer is None:
        return look
    if isinstance(answer, Refusal):
        return _refused(look, answer)
    return str(answer.get("Attributes", {}).get("Policy", ""))


def _bucket(task: RootTask) -> dict[str, str]:
    """A bucket of that name in somebody else's account is refused by S3 itself."""
    return {"Bucket": task.resource, "ExpectedBucketOwner": task.account_id}


def _queue_url(context: RootContext) -> str | RootStep:
    look = _at(context, "see_queue", "sqs", "GetQueueUrl", QueueName=context.task.resource)
    answer = context.answers.get(look.key)
    if answer is None:
        return look
    return _refused(look, answer) if isinstance(answer, Refusal) else str(answer["QueueUrl"])


_TASKS = {
    RootTaskKind.UNLOCK_BUCKET: "S3UnlockBucketPolicy",
    RootTaskKind.UNLOCK_QUEUE: "SQSUnlockQueuePolicy",
}


def _at(context: RootContext, step: str, service: str, operation: str, **arguments: Any) -> Call:
    session = context.root(_TASKS[context.task.kind])
    call = read(step, service, operation, session=session, **arguments)
    return replace(call, region=context.task.region)


def _delete_policy(context: RootContext) -> Call:
    task = context.task
    if task.kind is RootTaskKind.UNLOCK_BUCKET:
        service, operation, arguments = "s3", "DeleteBucketPolicy", dict[str, Any](_bucket(task))
    else:
        # An empty policy is none (API reference, `SetQueueAttributes`).
        service, operation = "sqs", "SetQueueAttributes"
        arguments = {"QueueUrl": _queue_url(context), "Attributes": {"Policy": ""}}
    call = write(
        "delete_policy", service, operation, session=context.root(_TASKS[task.kind]),
        invalidates=("see_policy", "audit_root"), **arguments,
    )  # fmt: skip
    return replace(call, region=task.region)


# Root itself. --------------------------------------------------------------------------


def _recover_root(context: RootContext) -> RootStep:
    audit = _audited(context)
    if not isinstance(audit, ObservedRoot):
        return audit
    if context.task.state is RootTaskState.LOOKING:
        if audit.has_credentials or audit.mfa:
            # AWS allows it of an account without root credentials only (IAM User Guide, "Allow
            # password recovery").
            return Stuck(f"root {_words_of(audit)}: there is nothing to recover")
        return Shown("", _words_of(audit))
    if audit.password:
        return Performed("root's password can be recovered by its e-mail", is_open=True)
    guards = _guards(context)
    if not isinstance(guards, frozenset):
        return guards
    if context.reseller.root_scp_id in guards:
        return _lift_root_guard(context)
    return write(
        "allow_recovery", "iam", "CreateLoginProfile",
        session=context.root("IAMCreateRootUserPassword"), invalidates=("audit_root",),
    )  # fmt: skip


def _guards(context: RootContext) -> frozenset[str] | RootStep:
    look = read_scps(context.task.account_id)
    answer = context.answers.get(look.key)
    if answer is None:
        return look
    if isinstance(answer, Refusal):
        return _refused(look, answer)
    return frozenset(str(each["Id"]) for each in answer["Policies"])


def _lift_root_guard(context: RootContext) -> RootStep:
    """The guard denies the recovery, and root everything; lifting it needs the approver's tag."""
    look = read_account_tags(context.task.account_id)
    answer = context.answers.get(look.key)
    if answer is None:
        return look
    if isinstance(answer, Refusal):
        return _refused(look, answer)
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in answer["Tags"]}
    if tags.get(TAG_OFFBOARDING) != RECOVERY_APPROVED:
        return Stuck(
            f"an approver tags the account {TAG_OFFBOARDING}={RECOVERY_APPROVED} in AWS first; "
            "then perform it again"
        )
    return _guard_call(context, "lift_guard", "DetachPolicy", Actor.OFFBOARD)


def _guard_call(context: RootContext, step: str, operation: str, actor: Actor) -> Call:
    return write(
        step, "organizations", operation, session=Session(actor=actor),
        invalidates=("see_guards",),
        PolicyId=context.reseller.root_scp_id, TargetId=context.task.account_id,
    )  # fmt: skip


def _end_recovery(context: RootContext) -> RootStep:
    """Whatever root can sign in with goes, and the guard is back: as it was before."""
    deletion = _next_deletion(context)
    if deletion is not None:
        return deletion
    guards = _guards(context)
    if not isinstance(guards, frozenset):
        return guards
    if context.reseller.root_scp_id not in guards:
        return _guard_call(context, "attach_guard", "AttachPolicy", Actor.ONBOARD)
    look = read_account_tags(context.task.account_id)
    answer = context.answers.get(look.key)
    if answer is None:
        return look
    left = "" if isinstance(answer, Refusal) else next(
        (
            f"; an approver takes the tag {TAG_OFFBOARDING} off the account"
            for tag in answer["Tags"] if tag["Key"] == TAG_OFFBOARDING
        ),
        "",
    )  # fmt: skip
    return Performed(f"root has no credentials, and its guard is attached, as before{left}")


_LISTS = (
    ("ListAccessKeys", "AccessKeyMetadata", "AccessKeyId", "DeleteAccessKey"),
    ("ListSigningCertificates", "Certificates", "CertificateId", "DeleteSigningCertificate"),
    ("ListMFADevices", "MFADevices", "SerialNumber", "DeactivateMFADevice"),
)
"""Of what root can have several: how it is listed, where, by what, and how one is deleted."""


def _next_deletion(context: RootContext) -> RootStep | None:
    audit = _audited(context)
    if not isinstance(audit, ObservedRoot):
        return audit
    if not audit.has_credentials and not audit.mfa:
        return None
    if audit.password:
        return _deletion(context, "DeleteLoginProfile", "")
    for operation, many, key, delete in _LISTS:
        session = _deleting(context)
        look = read("see_root_ids", "iam", operation, session=session, subject=operation)
        answer = context.answers.get(look.key)
        if answer is None:
            return look
        if isinstance(answer, Refusal):
            return _refused(look, answer)
        for each in answer[many]:
            return _deletion(context, delete, operation, **{key: each[key]})
    return Stuck(f"root {_words_of(audit)}, and AWS lists none of it: look in its console")


def _deleting(context: RootContext) -> Session:
    """By the worker's own role: nobody has to be there to make it safe again."""
    task = "IAMDeleteRootUserCredentials"
    return root_session(context.reseller.partition, context.task.account_id, task)


def _deletion(context: RootContext, operation: str, listed: str, **arguments: Any) -> Call:
    return write(
        "delete_root", "iam", operation, session=_deleting(context),
        subject="".join(arguments.values()),
        invalidates=("audit_root", f"see_root_ids:{listed}"), **arguments,
    )  # fmt: skip
