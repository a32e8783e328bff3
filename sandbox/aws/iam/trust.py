"""Owns trust: who may assume a role, and which trust policies IAM accepts."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import botocore.session
from moto.iam.models import iam_backends

from sandbox.aws.core.calls import ApiCall
from sandbox.aws.core.errors import AwsError
from sandbox.aws.core.world import World
from sandbox.aws.iam.evaluator import AuthorizationRequest, Values, as_list, statements, verdict

TRUST_MAX = 2_048
PRINCIPAL = re.compile(
    r"arn:aws:(iam|sts)::(?P<account>\d{12}):(?P<kind>root|user|role|assumed-role)(/.+)?"
)


def check_trust(world: World, document: str) -> None:
    """Size, form, and that every principal it names exists, as IAM does at the write."""
    if len(re.sub(r"\s", "", document)) > TRUST_MAX:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_MAX}")
    try:
        found = statements(document)
    except (ValueError, KeyError, TypeError):
        raise malformed("This policy contains invalid Json") from None
    check_sids(found)
    for statement in found:
        _check_statement(world, statement)


def malformed(words: str) -> AwsError:
    return AwsError("MalformedPolicyDocument", words)


SID = re.compile(r"[0-9A-Za-z]*")


def check_sids(found: Sequence[Any]) -> None:
    """IAM User Guide, "IAM JSON policy elements: Sid": ASCII letters and digits, each once."""
    sids = [str(each["Sid"]) for each in found if isinstance(each, Mapping) and "Sid" in each]
    if any(SID.fullmatch(each) is None for each in sids):
        raise malformed(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
            "regular expression [0-9A-Za-z]*"
        )
    if len(set(sids)) < len(sids):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")


@functools.cache
def _services() -> frozenset[str]:
    """The names before `.amazonaws.com` that botocore knows, and a few of no endpoint."""
    partitions = botocore.session.Session().get_component("data_loader").load_data("endpoints")
    named = {name for each in partitions["partitions"] for name in each["services"]}
    return frozenset(named | {"ecs-tasks", "edgelambda", "ssm-incidents", "vpc-flow-logs"})


def _is_service(principal: str) -> bool:
    """IAM User Guide, "AWS JSON policy elements: Principal"; some are named with a region."""
    name, _, home = principal.partition(".")
    return principal.endswith(".amazonaws.com") and (
        name in _services() or (home != "amazonaws.com" and home.split(".")[-3] in _services())
    )


def _check_statement(world: World, statement: Any) -> None:
    if not isinstance(statement, Mapping) or statement.get("Effect") not in {"Allow", "Deny"}:
        raise malformed("Syntax errors in policy.")
    if "Principal" not in statement and "NotPrincipal" not in statement:
        raise malformed("Missing required field Principal")
    if "Resource" in statement or "NotResource" in statement:
        raise malformed("Has prohibited field Resource")
    if "Action" not in statement:
        raise malformed("Missing required field Action")
    if any(not str(a).lower().startswith("sts:") for a in as_list(statement["Action"])):
        raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        for arn in as_list(principal.get("AWS", [])):
            _check_principal(world, str(arn))
        for service in as_list(principal.get("Service", [])):
            if not _is_service(str(service)):
                raise malformed(f'Invalid principal in policy: "SERVICE":"{service}"')


def _check_principal(world: World, arn: str) -> None:
    if arn == "*":
        return
    found = PRINCIPAL.fullmatch(arn)
    account = arn if re.fullmatch(r"\d{12}", arn) else found["account"] if found else ""
    known = account in world.accounts
    if known and found and found["kind"] in {"user", "role"}:
        iam: Any = iam_backends[account]["aws"]
        holders = iam.users.values() if found["kind"] == "user" else iam.roles.values()
        known = any(holder.arn == arn for holder in holders)
        known = known or arn == f"arn:aws:iam::{account}:user/administrator"
    if not known:
        raise malformed(f'Invalid principal in policy: "AWS":"{arn}"')


def remember_trust(world: World, role_arn: str, document: str) -> None:
    world.trusts.setdefault(role_arn, []).append((world.now(), document))


def effective_trust(world: World, role: Any) -> str | None:
    """The newest trust policy that has spread; None while the role itself has not."""
    written = world.trusts.get(role.arn)
    if not written:
        return str(role.assume_role_policy_document)
    lag = timedelta(seconds=world.rules.role_seconds)
    spread = [document for at, document in written if at + lag <= world.now()]
    return spread[-1] if spread else None


def trusted(call: ApiCall, document: str, *, role_arn: str, context: Mapping[str, Values]) -> bool:
    """Tags and a source identity need actions of their own, besides AssumeRole."""
    actions = ["sts:AssumeRole"]
    actions += ["sts:TagSession"] if call.params.get("Tags") else []
    actions += ["sts:SetSourceIdentity"] if call.params.get("SourceIdentity") else []
    return all(
        verdict([document], AuthorizationRequest(action, role_arn, context), principal=_names(call))
        == "Allow"
        for action in actions
    )


def _names(call: ApiCall) -> Callable[[Any], bool]:
    """A principal is named by its own ARN, its session's, or all of its account."""
    caller = call.caller
    names = {
        "*",
        caller.account_id,
        f"arn:aws:iam::{caller.account_id}:root",
        caller.principal_arn,
        caller.arn,
    }

    def named(principal: Any) -> bool:
        if isinstance(principal, Mapping):
            return any(str(name) in names for name in as_list(principal.get("AWS", [])))
        return bool(principal == "*")

    return named


def forget_principal(world: World, holder: Any) -> None:
    """A trust that names a role or user by ARN holds its id, which another of its name has not.

    IAM User Guide, "AWS JSON policy elements: Principal": once it is deleted, the id is shown.
    """
    named, stored = json.dumps(holder.arn), json.dumps(holder.id)
    for account_id in world.accounts:
        iam: Any = iam_backends[account_id]["aws"]
        for role in iam.roles.values():
            text = str(role.assume_role_policy_document)
            role.assume_role_policy_document = text.replace(named, stored)
    for arn, written in world.trusts.items():
        world.trusts[arn] = [(at, text.replace(named, stored)) for at, text in written]


def role_with(account_id: str, arn: str) -> Any:
    iam: Any = iam_backends[account_id]["aws"]
    return next((role for role in iam.roles.values() if role.arn == arn), None)


def document_size(document: str) -> int:
    """IAM does not count white space."""
    return len(re.sub(r"\s", "", document))


def check_identity_policy(document: str) -> None:
    try:
        found = json.loads(document)
    except ValueError:
        raise malformed("Syntax errors in policy.") from None
    if not isinstance(found, Mapping) or "Statement" not in found:
        raise malformed("Syntax errors in policy.")
    check_sids(as_list(found["Statement"]))
