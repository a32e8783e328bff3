"""Owns the rules of IAM that moto lacks: what is checked before moto writes."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.core.calls import Answer, ApiCall, answers
from sandbox.aws.core.errors import AwsError
from sandbox.aws.iam.trust import (
    check_identity_policy,
    check_trust,
    document_size,
    remember_trust,
    role_with,
)

INLINE_MAX = {"RoleName": 10_240, "UserName": 2_048, "GroupName": 5_120}
MANAGED_MAX = 6_144
ATTACHED_MAX = 10


def _backend(call: ApiCall) -> Any:
    return iam_backends[call.account_id]["aws"]


def _role(call: ApiCall) -> Any:
    wanted = call.params["RoleName"]
    found = next((role for role in _backend(call).roles.values() if role.name == wanted), None)
    if found is None:
        raise AwsError("NoSuchEntity", f"The role with name {wanted} cannot be found.")
    return found


def _exceeded(words: str) -> AwsError:
    return AwsError("LimitExceeded", words)


@answers("iam", "CreateRole")
def create_role(call: ApiCall) -> Answer | None:
    params, iam = call.params, _backend(call)
    check_trust(call.world, params["AssumeRolePolicyDocument"])
    boundary = params.get("PermissionsBoundary")
    if boundary and boundary not in iam.managed_policies:
        raise AwsError(
            "NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable."
        )
    if not any(role.name == params["RoleName"] for role in iam.roles.values()):
        arn = f"arn:aws:iam::{call.account_id}:role{params.get('Path', '/')}{params['RoleName']}"
        call.world.trusts.pop(arn, None)
        remember_trust(call.world, arn, params["AssumeRolePolicyDocument"])
    return None


@answers("iam", "UpdateAssumeRolePolicy")
def update_trust(call: ApiCall) -> Answer:
    """Not moto's: it refuses sts:SetSourceIdentity and sts:TagSession in a trust policy."""
    role = _role(call)
    check_trust(call.world, call.params["PolicyDocument"])
    if role.arn not in call.world.trusts:
        call.world.trusts[role.arn] = [(role_birth(call), role.assume_role_policy_document)]
    remember_trust(call.world, role.arn, call.params["PolicyDocument"])
    role.assume_role_policy_document = call.params["PolicyDocument"]
    return {}


def role_birth(call: ApiCall) -> Any:
    """Roles that came with the account are as old as it is."""
    return call.world.account(call.account_id).created_at.replace(year=2000)


@answers("iam", "PutRolePolicy", "PutUserPolicy", "PutGroupPolicy")
def put_inline(call: ApiCall) -> Answer | None:
    key = next(key for key in INLINE_MAX if key in call.params)
    check_identity_policy(call.params["PolicyDocument"])
    others = _inline_of(call, key)
    others.pop(call.params["PolicyName"], None)
    size = sum(map(document_size, [*others.values(), call.params["PolicyDocument"]]))
    if size > INLINE_MAX[key]:
        words = f"Maximum policy size of {INLINE_MAX[key]} bytes exceeded for "
        raise _exceeded(words + f"{key.removesuffix('Name').lower()} {call.params[key]}")
    return None


def _inline_of(call: ApiCall, key: str) -> dict[str, str]:
    iam = _backend(call)
    if key == "RoleName":
        return dict(_role(call).policies)
    holder = (iam.users if key == "UserName" else iam.groups).get(call.params[key])
    return dict(holder.policies) if holder else {}


@answers("iam", "CreatePolicy", "CreatePolicyVersion")
def create_policy(call: ApiCall) -> Answer | None:
    check_identity_policy(call.params["PolicyDocument"])
    if document_size(call.params["PolicyDocument"]) > MANAGED_MAX:
        raise _exceeded(f"Cannot exceed quota for PolicySize: {MANAGED_MAX}")
    return None


@answers("iam", "AttachRolePolicy")
def attach(call: ApiCall) -> Answer | None:
    role = _role(call)
    attached = set(role.managed_policies) | {call.params["PolicyArn"]}
    if len(attached) > ATTACHED_MAX:
        raise _exceeded(f"Cannot exceed quota for PoliciesPerRole: {ATTACHED_MAX}")
    return None


@answers("iam", "PutRolePermissionsBoundary")
def put_boundary(call: ApiCall) -> Answer | None:
    _role(call)
    boundary = call.params["PermissionsBoundary"]
    if boundary not in _backend(call).managed_policies:
        raise AwsError(
            "NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable."
        )
    return None


@answers("iam", "DeleteRole")
def delete_role(call: ApiCall) -> Answer | None:
    role = _role(call)
    if role.policies:
        raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.")
    if not role.managed_policies and role_with(call.account_id, role.arn) is not None:
        call.world.trusts.pop(role.arn, None)
    return None
