"""Owns the rules of IAM that moto lacks: what is checked before moto writes."""

from __future__ import annotations

import functools
import json
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends

from sandbox.aws.core.calls import Answer, ApiCall, answers
from sandbox.aws.core.errors import AwsError
from sandbox.aws.iam.trust import (
    check_identity_policy,
    check_trust,
    document_size,
    forget_principal,
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


def _check_free(call: ApiCall, kind: str) -> None:
    """Names of one kind are told apart whatever their case (API reference, `CreateRole`, …)."""
    iam, name = _backend(call), call.params[f"{kind}Name"]
    known = {
        "Role": [each.name for each in iam.roles.values()],
        "User": [each.name for each in iam.users.values()],
        "Group": [each.name for each in iam.groups.values()],
        "Policy": [each.name for each in iam.managed_policies.values() if _is_own(each)],
    }[kind]
    if name.lower() in {each.lower() for each in known}:
        raise AwsError("EntityAlreadyExists", f"{kind} with name {name} already exists.")


def _is_own(policy: Any) -> bool:
    return not policy.arn.startswith("arn:aws:iam::aws:")


def _check_boundary(call: ApiCall) -> str:
    boundary = str(call.params.get("PermissionsBoundary", ""))
    if boundary and boundary not in _backend(call).managed_policies:
        raise AwsError(
            "NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable."
        )
    return boundary


@answers("iam", "CreateGroup")
def create_group(call: ApiCall) -> Answer | None:
    _check_free(call, "Group")
    return None


@answers("iam", "CreateUser")
def create_user(call: ApiCall) -> Answer | None:
    """Not moto's where there is a boundary: it knows those of roles only."""
    _check_free(call, "User")
    boundary = _check_boundary(call)
    if not boundary:
        return None
    params = call.params
    user = _backend(call).create_user(
        call.region, params["UserName"], params.get("Path", "/"), params.get("Tags")
    )
    user.permissions_boundary_arn = boundary
    return {
        "User": {
            "Path": user.path,
            "UserName": user.name,
            "UserId": user.id,
            "Arn": user.arn,
            "CreateDate": call.now,
            "PermissionsBoundary": {
                "PermissionsBoundaryType": "Policy",
                "PermissionsBoundaryArn": boundary,
            },
        }
    }


def _user(call: ApiCall) -> Any:
    wanted = call.params["UserName"]
    found = _backend(call).users.get(wanted)
    if found is None:
        raise AwsError("NoSuchEntity", f"The user with name {wanted} cannot be found.")
    return found


@answers("iam", "PutUserPermissionsBoundary")
def put_user_boundary(call: ApiCall) -> Answer:
    _user(call).permissions_boundary_arn = _check_boundary(call)
    return {}


@answers("iam", "DeleteUserPermissionsBoundary")
def delete_user_boundary(call: ApiCall) -> Answer:
    user = _user(call)
    if not getattr(user, "permissions_boundary_arn", ""):
        words = f"The user with name {user.name} does not have a permissions boundary."
        raise AwsError("NoSuchEntity", words)
    user.permissions_boundary_arn = ""
    return {}


@answers("iam", "DeleteUser")
def delete_user(call: ApiCall) -> Answer | None:
    user = _user(call)
    if not user.policies and not user.managed_policies:
        forget_principal(call.world, user)
    return None


@answers("iam", "CreateRole")
def create_role(call: ApiCall) -> Answer | None:
    params, iam = call.params, _backend(call)
    check_trust(call.world, params["AssumeRolePolicyDocument"])
    _check_boundary(call)
    _check_free(call, "Role")
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
    if call.operation == "CreatePolicy":
        _check_free(call, "Policy")
    if document_size(call.params["PolicyDocument"]) > MANAGED_MAX:
        raise _exceeded(f"Cannot exceed quota for PolicySize: {MANAGED_MAX}")
    return None


@functools.cache
def _of_aws() -> dict[str, Any]:
    """AWS's own policies as moto lists them, by ARN; an account starts with those we need."""
    every: dict[str, Any] = json.loads(aws_managed_policies_data)
    return {
        f"arn:aws:iam::aws:policy{data['Path']}{name}": (name, data) for name, data in every.items()
    }


def _know_policy(call: ApiCall) -> None:
    iam, arn = _backend(call), call.params["PolicyArn"]
    if arn not in iam.managed_policies and arn in _of_aws():
        name, data = _of_aws()[arn]
        iam.managed_policies[arn] = AWSManagedPolicy.from_data(
            name, call.account_id, call.region, data
        )


@answers("iam", "AttachGroupPolicy", "AttachUserPolicy", "GetPolicy")
def attach_to_others(call: ApiCall) -> Answer | None:
    _know_policy(call)
    return None


@answers("iam", "AttachRolePolicy")
def attach(call: ApiCall) -> Answer | None:
    _know_policy(call)
    role = _role(call)
    attached = set(role.managed_policies) | {call.params["PolicyArn"]}
    if len(attached) > ATTACHED_MAX:
        raise _exceeded(f"Cannot exceed quota for PoliciesPerRole: {ATTACHED_MAX}")
    return None


@answers("iam", "PutRolePermissionsBoundary")
def put_boundary(call: ApiCall) -> Answer | None:
    _role(call)
    _check_boundary(call)
    return None


@answers("iam", "DeleteRole")
def delete_role(call: ApiCall) -> Answer | None:
    role = _role(call)
    if role.policies:
        raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.")
    if not role.managed_policies and role_with(call.account_id, role.arn) is not None:
        call.world.trusts.pop(role.arn, None)
        forget_principal(call.world, role)
    return None
