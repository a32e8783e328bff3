"""Owns STS: whom it lets in as what, for how long, and with which proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sandbox.aws.core.calls import Answer, ApiCall, answers
from sandbox.aws.core.errors import AwsError
from sandbox.aws.core.sessions import Principal, new_key
from sandbox.aws.core.world import AwsAccount, state_of
from sandbox.aws.iam.context import context_of
from sandbox.aws.iam.mfa import check_code
from sandbox.aws.iam.root_tasks import root_tasks
from sandbox.aws.iam.trust import effective_trust, role_with, trusted

CHAINED_SECONDS_MAX = 3_600
ROOT_SECONDS_MAX = 900
USABLE_WORDS = {
    "RegionDisabledException": "STS is not activated in this region for the requested account.",
    "InvalidClientTokenId": "The security token included in the request is invalid.",
    "OptInRequired": "The AWS Access Key Id needs a subscription for the service.",
}


@answers("sts", "GetCallerIdentity")
def get_caller_identity(call: ApiCall) -> Answer:
    caller = call.caller
    return {"UserId": caller.user_id, "Account": caller.account_id, "Arn": caller.arn}


# AssumeRole. ---------------------------------------------------------------------------


@answers("sts", "AssumeRole")
def assume_role(call: ApiCall) -> Answer:
    role_arn = call.params["RoleArn"]
    parts = role_arn.split(":", 5)
    account = call.world.accounts.get(parts[4]) if len(parts) == 6 else None
    if account is None:
        raise refused(call, role_arn)
    if call.caller.kind == "root":
        raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.")
    _check_alive(call, account, role_arn)
    role = role_with(account.id, role_arn)
    document = effective_trust(call.world, role) if role else None
    if document is None:
        raise refused(call, role_arn)
    context = context_of(call) | _proof(call)
    if not trusted(call, document, role_arn=role_arn, context=context):
        raise refused(call, role_arn)
    seconds = _duration(call, role)
    session = _role_session(call, account.id, role, seconds)
    return {
        "Credentials": _credentials(session),
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
        "PackedPolicySize": 0,
    } | ({"SourceIdentity": session.source_identity} if session.source_identity else {})


def refused(call: ApiCall, resource: str) -> AwsError:
    """The same words whether the role is missing or does not trust the caller."""
    return AwsError(
        "AccessDenied",
        f"User: {call.caller.arn} is not authorized to perform: sts:{call.operation}"
        f" on resource: {resource}",
    )


def _check_alive(call: ApiCall, account: AwsAccount, resource: str) -> None:
    rules = call.world.rules
    if state_of(account, rules, call.now) not in {"ACTIVE", "PENDING_ACTIVATION"}:
        raise refused(call, resource)
    usable_at = account.created_at + timedelta(seconds=rules.usable_seconds)
    if account.joined_method == "CREATED" and call.now < usable_at:
        words = USABLE_WORDS.get(rules.usable_error)
        raise AwsError(rules.usable_error, words) if words else refused(call, resource)


def _proof(call: ApiCall) -> dict[str, list[str]]:
    """A code given with the call itself is MFA of this very moment."""
    code, serial = call.params.get("TokenCode"), call.params.get("SerialNumber")
    if code is None and serial is None:
        return {}
    if call.caller.kind != "user" or code is None or serial is None:
        raise AwsError("AccessDenied", "MultiFactorAuthentication failed, unable to validate MFA.")
    check_code(call.world, call.account_id, call.caller.name, serial=serial, code=code)
    return {"aws:multifactorauthpresent": ["true"], "aws:multifactorauthage": ["0"]}


def _duration(call: ApiCall, role: Any) -> int:
    seconds = int(call.params.get("DurationSeconds") or 3_600)
    if call.caller.chained and seconds > CHAINED_SECONDS_MAX:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by"
            " role chaining",
        )
    if seconds > int(role.max_session_duration or 3_600):
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    return seconds


def _role_session(call: ApiCall, account_id: str, role: Any, seconds: int) -> Principal:
    name = call.params["RoleSessionName"]
    session = Principal(
        account_id,
        arn=f"arn:aws:sts::{account_id}:assumed-role/{role.name}/{name}",
        principal_arn=role.arn,
        kind="role",
        user_id=f"{role.id}:{name}",
        expires_at=call.now + timedelta(seconds=seconds),
        chained=True,
        session_policy=call.params.get("Policy", ""),
        source_identity=call.params.get("SourceIdentity", call.caller.source_identity),
        tags={tag["Key"]: tag["Value"] for tag in call.params.get("Tags", [])},
        **new_key(call.world, prefix="ASIA"),
    )
    call.world.sessions[session.access_key_id] = session
    return session


def _credentials(session: Principal) -> Answer:
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "Expiration": session.expires_at,
    }


# GetSessionToken. ----------------------------------------------------------------------


@answers("sts", "GetSessionToken")
def get_session_token(call: ApiCall) -> Answer:
    """The only credentials that carry MFA, besides a code given to AssumeRole."""
    caller, code = call.caller, call.params.get("TokenCode")
    if caller.kind != "user" or (caller.session_token and not caller.unrestricted):
        raise AwsError("AccessDenied", "Cannot call GetSessionToken with session credentials")
    if code is not None:
        serial = call.params.get("SerialNumber", "")
        check_code(call.world, caller.account_id, caller.name, serial=serial, code=code)
    session = replace(
        caller,
        expires_at=call.now + timedelta(seconds=int(call.params.get("DurationSeconds") or 43_200)),
        mfa_at=call.now if code is not None else None,
        **new_key(call.world, prefix="ASIA"),
    )
    call.world.sessions[session.access_key_id] = session
    return {"Credentials": _credentials(session)}


# AssumeRoot. ---------------------------------------------------------------------------


@answers("sts", "AssumeRoot")
def assume_root(call: ApiCall) -> Answer:
    """For a member, by its payer or the delegate for IAM, for one task and a quarter of an hour."""
    target, task = call.params["TargetPrincipal"], call.params["TaskPolicyArn"]["arn"]
    account_id = target.split(":")[4] if ":" in target else target
    payer = call.world.account(call.account_id)
    organization = payer.organization
    if call.host == "sts.amazonaws.com":
        raise AwsError("AccessDenied", "AssumeRoot is refused at the global endpoint.")
    delegated = organization and (payer.id, "iam.amazonaws.com") in organization.delegates
    if (
        organization is None
        or (organization.payer_id != payer.id and not delegated)
        or "RootSessions" not in organization.root_features
        or account_id not in organization.members
        or account_id == organization.payer_id
        or task not in root_tasks()
        or call.caller.kind == "root"
    ):
        raise refused(call, f"arn:aws:iam::{account_id}:root")
    seconds = int(call.params.get("DurationSeconds") or ROOT_SECONDS_MAX)
    if seconds > ROOT_SECONDS_MAX:
        raise AwsError("ValidationError", "DurationSeconds must be at most 900 for AssumeRoot.")
    _check_alive(call, organization.members[account_id], f"arn:aws:iam::{account_id}:root")
    arn = f"arn:aws:iam::{account_id}:root"
    session = Principal(
        account_id,
        arn,
        arn,
        "root",
        account_id,
        expires_at=call.now + timedelta(seconds=seconds),
        chained=True,
        task=task,
        **new_key(call.world, prefix="ASIA"),
    )
    call.world.sessions[session.access_key_id] = session
    return {"Credentials": _credentials(session)}
