"""Owns what a bucket's or queue's own policy forbids, and that its owner's root is not shut out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.request import Request
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from sandbox.aws.core.calls import ApiCall
from sandbox.aws.core.errors import AwsError
from sandbox.aws.core.sessions import Principal
from sandbox.aws.iam.context import context_of, queue_name
from sandbox.aws.iam.evaluator import AuthorizationRequest, as_list, verdict
from sandbox.aws.iam.root_tasks import is_within

_POLICY = {"GET": "s3:GetBucketPolicy", "PUT": "s3:PutBucketPolicy",
           "DELETE": "s3:DeleteBucketPolicy"}  # fmt: skip
_OBJECTS = {"GET": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}
OF_ROOT = frozenset(
    {*_POLICY.values(), "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SetQueueAttributes"}
)
"""Root of the owner is never shut out of these (S3's API reference, `DeleteBucketPolicy`; IAM User
Guide, "Perform a privileged task", for the queue's)."""


def check_bucket(caller: Principal, request: Request) -> None:
    """Of S3 the bodies are not read here, so that the action is known by method and query."""
    bucket, action = _asked_of_s3(request)
    where = f"arn:aws:s3:::{bucket}" if bucket else "*"
    context = {
        "aws:principalarn": [caller.principal_arn],
        "aws:principalaccount": [caller.account_id],
    }
    ask = AuthorizationRequest(action, where, context)
    if caller.task and not is_within(caller.task, ask):
        raise _refused(caller, action, where, "a session policy")
    there = s3_backends[caller.account_id]["aws"].buckets.get(bucket)
    policy = there.policy if there is not None else None
    if policy and _forbids(_text(policy), ask, caller):
        raise _refused(caller, action, where, "a resource-based policy")


def _asked_of_s3(request: Request) -> tuple[str, str]:
    host = request.host.partition(":")[0]
    named = host.partition(".s3")[0] if ".s3" in host else ""
    bucket = named or request.path.strip("/").partition("/")[0]
    if not bucket:
        return "", "s3:ListAllMyBuckets"
    if "policy" in request.args:
        return bucket, _POLICY.get(request.method, "s3:GetBucketPolicy")
    inside = request.path.strip("/") if named else request.path.strip("/").partition("/")[2]
    if inside:
        return bucket, _OBJECTS.get(request.method, "s3:GetObject")
    return bucket, "s3:ListBucket"


def check_queue(call: ApiCall) -> None:
    queue = sqs_backends[call.account_id][call.region].queues.get(queue_name(call))
    policy = getattr(queue, "policy", None)
    if not policy:
        return
    action = f"sqs:{call.operation}"
    ask = AuthorizationRequest(action, queue.queue_arn, context_of(call))  # type: ignore[union-attr]
    if _forbids(_text(policy), ask, call.caller):
        raise _refused(call.caller, action, ask.resource, "a resource-based policy")


def _forbids(policy: str, ask: AuthorizationRequest, caller: Principal) -> bool:
    if caller.kind == "root" and ask.action in OF_ROOT:
        return False
    return verdict([policy], ask, principal=_means(caller)) == "Deny"


def _means(caller: Principal) -> Callable[[Any], bool]:
    names = {"*", caller.account_id, f"arn:aws:iam::{caller.account_id}:root", caller.arn,
             caller.principal_arn}  # fmt: skip

    def means(principal: Any) -> bool:
        listed = principal.get("AWS", []) if isinstance(principal, dict) else principal
        return bool(names & set(as_list(listed)))

    return means


def _text(policy: Any) -> str:
    return policy.decode() if isinstance(policy, bytes) else str(policy)


def _refused(caller: Principal, action: str, where: str, what: str) -> AwsError:
    return AwsError(
        "AccessDenied",
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {where}"
        f" with an explicit deny in {what}",
    )
