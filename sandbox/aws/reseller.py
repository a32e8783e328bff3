"""Owns the reseller's own part of the pretend AWS: its service roles, its people with MFA, how each
signs in; and what clients deploy in their accounts."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3

from sandbox.aws.core.sessions import Principal, new_key
from sandbox.aws.iam.mfa import STEP_SECONDS, code_at
from sandbox.aws.strict import StrictAWS, session_of

ACCESS = "222222222222"
"""The member account in which the reseller's people have their users."""

TEAMS = ("admins", "engineers", "finance", "oncall")
_BY_MACHINES = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
_BY_PEOPLE = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCESS}:root"},
    "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
}
ROLES = {"msp-onboard": _BY_MACHINES, "msp-offboard": _BY_PEOPLE, "msp-approver": _BY_PEOPLE}
"""The service's own, and whom each trusts."""
_ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_MAY_PROBE = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Resource": "arn:aws:iam::*:role/msp/*",
}


@dataclass(frozen=True, slots=True)
class SignIn:
    """Keys, and of a person the MFA device."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    mfa_serial: str = ""
    mfa_seed: str = field(default="", repr=False)

    def session(self) -> boto3.Session:
        return session_of(self.access_key_id, self.secret_access_key, self.session_token)

    def code(self, aws: StrictAWS) -> str:
        """Each code is good once: a person would wait for the next one."""
        aws.clock.advance(seconds=STEP_SECONDS + 1)
        return code_at(self.mfa_seed, aws.clock.now())


def open_organization(aws: StrictAWS) -> None:
    """All that AWS asks a person for: an organization, a passkey of its root, an access account."""
    aws.client("organizations").create_organization(FeatureSet="ALL")
    aws.owner(aws.world.payer_id).add_root_passkey()
    aws.add_member(ACCESS, name="Access", email=f"aws+{ACCESS}@msp.example")


def administrator_sign_in(aws: StrictAWS, account_id: str = "") -> SignIn:
    """The payer's administrator, or another account's: they set up, and no more."""
    caller = aws.world.administrator_of(account_id or aws.world.payer_id)
    return SignIn(caller.access_key_id, caller.secret_access_key, caller.session_token)


def sign_everybody_in(
    aws: StrictAWS, policies: Mapping[str, str] | None = None
) -> dict[str, SignIn]:
    """By the profile that names it. A role without a policy among `policies` may do anything."""
    signed_in = {
        "msp-setup": administrator_sign_in(aws),
        "msp-access": administrator_sign_in(aws, ACCESS),
    }
    for role, statement in ROLES.items():
        trust = _document({**statement, "Action": "sts:AssumeRole"})
        policy = (policies or {}).get(role, _document(_ANYTHING))
        signed_in[role] = add_role(aws, role, trust=trust, policy=policy)
    for team in TEAMS:
        user = f"msp-probe-{team}"
        signed_in[user] = add_user(aws, user, tags={"msp-team": team}, policy=_document(_MAY_PROBE))
    return signed_in


def add_role(aws: StrictAWS, role: str, *, trust: str, policy: str, account_id: str = "") -> SignIn:
    """A role in the payer, and a session of it that never runs out, as a worker's is renewed."""
    home = account_id or aws.world.payer_id
    iam = aws.client("iam", home)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=role, PolicyName="msp", PolicyDocument=policy)
    caller = Principal(
        home,
        arn=f"arn:aws:sts::{home}:assumed-role/{role}/worker",
        principal_arn=f"arn:aws:iam::{home}:role/{role}",
        kind="role",
        user_id="AROASANDBOX:worker",
        chained=True,
        **new_key(aws.world, prefix="ASIA"),
    )
    aws.world.sessions[caller.access_key_id] = caller
    return SignIn(caller.access_key_id, caller.secret_access_key, caller.session_token)


def add_user(aws: StrictAWS, user: str, *, tags: Mapping[str, str], policy: str) -> SignIn:
    """An IAM user in the access account, with a virtual MFA device."""
    iam = aws.client("iam", ACCESS)
    iam.create_user(UserName=user, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    iam.put_user_policy(UserName=user, PolicyName="msp", PolicyDocument=policy)
    return register(aws, user)


def register(aws: StrictAWS, user: str) -> SignIn:
    """What a person does for a user who is there: an MFA device, and an access key."""
    iam = aws.client("iam", ACCESS)
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
    seed, now = device["Base32StringSeed"], aws.clock.now()
    iam.enable_mfa_device(
        UserName=user,
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=code_at(seed, now),
        AuthenticationCode2=code_at(seed, now + timedelta(seconds=STEP_SECONDS)),
    )
    key = iam.create_access_key(UserName=user)["AccessKey"]
    text = seed.decode() if isinstance(seed, bytes) else seed
    return SignIn(key["AccessKeyId"], key["SecretAccessKey"], "", device["SerialNumber"], text)


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def deploy(aws: StrictAWS, account_id: str, template: Mapping[str, Any]) -> None:
    """What CloudFormation makes of a template of roles, by an administrator of the account."""
    iam = aws.client("iam", account_id)
    there = {each["RoleName"] for each in iam.list_roles()["Roles"]}
    for resource in template["Resources"].values():
        role = resource["Properties"]
        name = role["RoleName"]
        if name in there:
            continue
        iam.create_role(
            RoleName=name,
            Path=role["Path"],
            AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]),
            Tags=role["Tags"],
        )
        for arn in role.get("ManagedPolicyArns", ()):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        for policy in role.get("Policies", ()):
            iam.put_role_policy(
                RoleName=name,
                PolicyName=policy["PolicyName"],
                PolicyDocument=json.dumps(policy["PolicyDocument"]),
            )


def configuration_file(sign_ins: Mapping[str, SignIn], *, own: str) -> str:
    """For AWS_CONFIG_FILE: a profile for each, `own` as the default one.

    The codes are those of the machine's clock, so the sandbox's has to run with it.
    """
    lines: list[str] = []
    for name, each in sign_ins.items():
        lines += ["[default]" if name == own else f"[profile {name}]", "region = us-east-1"]
        lines += [f"aws_access_key_id = {each.access_key_id}"]
        lines += [f"aws_secret_access_key = {each.secret_access_key}"]
        if each.session_token:
            lines += [f"aws_session_token = {each.session_token}"]
        if each.mfa_serial:
            command = shlex.join([sys.executable, "-m", "sandbox", "code", each.mfa_seed])
            lines += [f"mfa_serial = {each.mfa_serial}", f"mfa_process = {command}"]
        lines += [""]
    return "\n".join(lines)
