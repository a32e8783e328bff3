"""Owns whether a call is allowed: by SCPs, by the root task, by the caller's own policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.utils import get_service_model
from moto.iam.models import iam_backends

from sandbox.aws.core.calls import ApiCall
from sandbox.aws.core.errors import AwsError
from sandbox.aws.core.sessions import Principal
from sandbox.aws.iam.context import action_of, context_of, resources_of
from sandbox.aws.iam.evaluator import AuthorizationRequest, verdict
from sandbox.aws.iam.resource_policies import check_queue
from sandbox.aws.iam.root_tasks import is_within
from sandbox.aws.organizations.organization import ancestors

FREE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Nobody needs a permission for these."""
WITH_TAGS = {
    "organizations:CreateAccount": "organizations:TagResource",
    "organizations:InviteAccountToOrganization": "organizations:TagResource",
    "organizations:InviteOrganizationToTransferResponsibility": "organizations:TagResource",
    "iam:CreateRole": "iam:TagRole",
    "iam:CreatePolicy": "iam:TagPolicy",
    "iam:CreateUser": "iam:TagUser",
}
"""Giving tags at creation needs the right to tag as well."""


def authorize(call: ApiCall) -> None:
    """SCPs and root tasks bind always; identity policies while rights are enforced."""
    caller = call.caller
    if action_of(call) in FREE:
        return
    if caller.task:
        _check_task(call)
    if call.service == "sqs":
        check_queue(call)
    if _is_bare_token(caller) and call.service == "iam":
        raise AwsError(
            "InvalidClientTokenId", "The security token included in the request is invalid"
        )
    if not call.world.enforcing and not _control_policies(call):
        return
    context = context_of(call)
    for action, resource in _asked(call):
        _check(call, AuthorizationRequest(action, resource, context))


def _check_task(call: ApiCall) -> None:
    context = context_of(call)
    for action, resource in _asked(call):
        if not is_within(call.caller.task, AuthorizationRequest(action, resource, context)):
            raise _denied(call, action, resource, "with an explicit deny in a session policy")


def _is_bare_token(caller: Principal) -> bool:
    """GetSessionToken without MFA is no use for IAM."""
    temporary = caller.access_key_id.startswith("ASIA")
    return caller.kind == "user" and temporary and caller.mfa_at is None


def _asked(call: ApiCall) -> Iterator[tuple[str, str]]:
    action = action_of(call)
    for resource in resources_of(call):
        yield action, resource
        if action == "sts:AssumeRole" and call.params.get("SourceIdentity"):
            yield "sts:SetSourceIdentity", resource
    if call.params.get("Tags") and action in WITH_TAGS:
        yield WITH_TAGS[action], _resource_to_tag(call)


def _resource_to_tag(call: ApiCall) -> str:
    """An account that is not there yet is any account of the organization."""
    account = call.world.accounts.get(call.account_id)
    if call.service == "iam" or account is None or account.organization is None:
        return resources_of(call)[0]
    organization = account.organization
    return f"arn:aws:organizations::{organization.payer_id}:account/{organization.id}/*"


def _check(call: ApiCall, ask: AuthorizationRequest) -> None:
    for level in _control_policies(call):
        said = verdict(level, ask)
        if said != "Allow":
            how = "an explicit deny in" if said == "Deny" else "no allow by"
            raise _denied(call, ask.action, ask.resource, f"with {how} a service control policy")
    if not call.world.enforcing or call.caller.unrestricted or call.caller.task:
        return
    for layer in _layers(call.caller):
        said = verdict(layer, ask)
        if said != "Allow":
            why = "with an explicit deny in an identity-based policy"
            none = "because no identity-based policy allows the action"
            raise _denied(call, ask.action, ask.resource, why if said == "Deny" else none)


def _denied(call: ApiCall, action: str, resource: str, why: str) -> AwsError:
    query = get_service_model(call.service).protocol == "query"
    who = f"User: {call.caller.arn} is not authorized to perform: {action}"
    words = f"{who} on resource: {resource} {why}"
    return AwsError("AccessDenied" if query else "AccessDeniedException", words)


def _control_policies(call: ApiCall) -> list[list[str]]:
    """The SCPs over the caller's account, level by level; none bind the payer."""
    account = call.world.accounts.get(call.account_id)
    organization = account.organization if account else None
    if (
        account is None
        or organization is None
        or account.id == organization.payer_id
        or "SERVICE_CONTROL_POLICY" not in organization.policy_types
    ):
        return []
    levels = [account.id, *ancestors(organization, account.parent_id)]
    found = [
        [
            organization.policies[p].content
            for p in organization.attached.get(level, [])
            if organization.policies[p].type == "SERVICE_CONTROL_POLICY"
        ]
        for level in levels
    ]
    only_full = all(
        organization.attached.get(level, [])[:1] == ["p-FullAWSAccess"] and len(policies) == 1
        for level, policies in zip(levels, found, strict=True)
    )
    return [] if only_full else found


def _layers(caller: Principal) -> Iterator[list[str]]:
    """Each must allow: the principal's policies, its boundary, and the session's own policy."""
    iam: Any = iam_backends[caller.account_id]["aws"]
    if caller.kind == "user":
        holder = iam.users.get(caller.name)
        holders = [holder, *iam.get_groups_for_user(caller.name)] if holder else []
    else:
        holder = next((r for r in iam.roles.values() if r.arn == caller.principal_arn), None)
        holders = [holder] if holder else []
    yield [document for each in holders for document in _written(each)]
    boundary = getattr(holder, "permissions_boundary_arn", None)
    if boundary:
        policy = iam.managed_policies.get(boundary)
        yield [_default_version(policy)] if policy else []
    if caller.session_policy:
        yield [caller.session_policy]


def _written(holder: Any) -> Iterator[str]:
    yield from holder.policies.values()
    for policy in holder.managed_policies.values():
        yield _default_version(policy)


def _default_version(policy: Any) -> str:
    version = next(v for v in policy.versions if v.version_id == policy.default_version_id)
    return str(version.document)
