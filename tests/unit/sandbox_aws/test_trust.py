"""A role lets in whom it trusts, with the proof it asks for, for as long as it may."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import PAYER, Clock, StrictAWS, code_at, session_from

ROOT = f"arn:aws:iam::{PAYER}:root"


@pytest.fixture
def aws() -> Iterator[StrictAWS]:
    with StrictAWS(clock=Clock(datetime(2026, 3, 10, tzinfo=UTC))) as aws:
        aws.set_up_organization()
        yield aws


def refusal(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


@pytest.fixture
def member(aws: StrictAWS) -> str:
    return aws.create_account(name="acme", email="aws+acme@msp.example")


def trust(condition: dict[str, Any] | None = None, principal: str = ROOT, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    statement |= {"Condition": condition} if condition else {}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | more]})


def role(aws: StrictAWS, member: str, document: str, name: str = "Engineer", **more: Any) -> str:
    made = aws.client("iam", member).create_role(
        RoleName=name, Path="/msp/", AssumeRolePolicyDocument=document, **more
    )
    return str(made["Role"]["Arn"])


class Person:
    """An IAM user of the payer with a virtual MFA device."""

    def __init__(self, aws: StrictAWS, name: str, **tags: str) -> None:
        iam, self.aws, self.name = aws.client("iam"), aws, name
        iam.create_user(
            UserName=name,
            Tags=[{"Key": k.replace("_", "-"), "Value": v} for k, v in tags.items()],
        )
        self.session: Any = session_from(iam.create_access_key(UserName=name)["AccessKey"])
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        self.serial, self._seed = device["SerialNumber"], device["Base32StringSeed"]
        codes = [self._code(seconds=30 * step) for step in (0, 1)]
        iam.enable_mfa_device(
            UserName=name,
            SerialNumber=self.serial,
            AuthenticationCode1=codes[0],
            AuthenticationCode2=codes[1],
        )

    def _code(self, *, seconds: int = 0) -> str:
        at = datetime.fromtimestamp(self.aws.clock.now().timestamp() + seconds, tz=UTC)
        return code_at(self._seed, at)

    def mfa(self) -> dict[str, str]:
        self.aws.clock.advance(seconds=30)
        return {"SerialNumber": self.serial, "TokenCode": self._code()}

    def signed_in(self) -> Any:
        credentials = self.session.client("sts").get_session_token(**self.mfa())["Credentials"]
        return session_from(credentials).client("sts")


def test_the_codes_are_those_of_rfc_6238() -> None:
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    assert code_at(seed, datetime(1970, 1, 1, 0, 0, 59, tzinfo=UTC)) == "287082"
    assert code_at(seed, datetime(2005, 3, 18, 1, 58, 29, tzinfo=UTC)) == "081804"


def test_a_role_that_is_missing_and_one_that_distrusts_look_alike(
    aws: StrictAWS, member: str
) -> None:
    aws.add_standalone("222222222222", email="other@else.example")
    arn = role(aws, member, trust(principal="arn:aws:iam::222222222222:root"))
    assume = aws.client("sts").assume_role

    for unreachable in (arn, arn + "x", "arn:aws:iam::999999999999:role/msp/Engineer"):
        assert refusal(assume, RoleArn=unreachable, RoleSessionName="me") == "AccessDenied"


MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_mfa_comes_from_a_code_with_the_call_or_from_a_session_token(
    aws: StrictAWS, member: str
) -> None:
    arn = role(aws, member, trust(MFA))
    alice = Person(aws, "alice")
    plain = alice.session.client("sts")
    assume = {"RoleArn": arn, "RoleSessionName": "alice"}

    assert refusal(plain.assume_role, **assume) == "AccessDenied"
    wrong = {"SerialNumber": alice.serial, "TokenCode": "000000"}
    assert refusal(plain.assume_role, **assume, **wrong) == "AccessDenied"
    assert plain.assume_role(**assume, **alice.mfa())["Credentials"]
    assert alice.signed_in().assume_role(**assume)["Credentials"]


def test_a_code_is_good_once(aws: StrictAWS, member: str) -> None:
    alice, arn = Person(aws, "alice"), role(aws, member, trust(MFA))
    sts, proof = alice.session.client("sts"), alice.mfa()
    sts.assume_role(RoleArn=arn, RoleSessionName="alice", **proof)

    assert refusal(sts.get_session_token, **proof) == "AccessDenied"


def test_a_device_is_enabled_only_with_two_codes_in_a_row(aws: StrictAWS) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="bob")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="bob")["VirtualMFADevice"]
    wrong = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000001"}

    assert refusal(
        iam.enable_mfa_device, UserName="bob", SerialNumber=device["SerialNumber"], **wrong
    ) == ("InvalidAuthenticationCode")


def test_mfa_grows_old(aws: StrictAWS, member: str) -> None:
    fresh = MFA | {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}
    arn = role(aws, member, trust(fresh))
    signed_in = Person(aws, "alice").signed_in()
    assume = {"RoleArn": arn, "RoleSessionName": "alice"}

    aws.clock.advance(seconds=3_599)
    assert signed_in.assume_role(**assume)["Credentials"]
    aws.clock.advance(seconds=1)
    assert refusal(signed_in.assume_role, **assume) == "AccessDenied"


def test_a_role_session_carries_no_mfa_and_an_absent_key_passes_only_if_exists(
    aws: StrictAWS, member: str
) -> None:
    inner = role(aws, member, trust(MFA, f"arn:aws:iam::{member}:root"), "Inner")
    lax = trust({"BoolIfExists": MFA["Bool"]})
    careless = role(aws, member, lax, "Careless")
    outer = role(aws, member, trust(MFA), "Outer")
    alice = Person(aws, "alice")
    session = alice.signed_in().assume_role(RoleArn=outer, RoleSessionName="alice")
    chained = session_from(session["Credentials"]).client("sts")

    assert refusal(chained.assume_role, RoleArn=inner, RoleSessionName="al") == "AccessDenied"
    plain = alice.session.client("sts")
    assert plain.assume_role(RoleArn=careless, RoleSessionName="me")["Credentials"]


def test_a_third_party_shows_the_external_id(aws: StrictAWS, member: str) -> None:
    arn = role(aws, member, trust({"StringEquals": {"sts:ExternalId": "msp-3f0c9a"}}))
    assume = aws.client("sts").assume_role

    assert refusal(assume, RoleArn=arn, RoleSessionName="bot") == "AccessDenied"
    assert refusal(assume, RoleArn=arn, RoleSessionName="bot", ExternalId="no") == "AccessDenied"
    assert assume(RoleArn=arn, RoleSessionName="bot", ExternalId="msp-3f0c9a")["Credentials"]


def test_trust_may_ask_for_principal_organization_tag_and_session_name(
    aws: StrictAWS, member: str
) -> None:
    organization_id = aws.client("organizations").describe_organization()["Organization"]["Id"]
    condition = {
        "StringEquals": {
            "aws:PrincipalOrgID": organization_id,
            "aws:PrincipalTag/msp-team": "engineers",
        },
        "StringLike": {"sts:RoleSessionName": "${aws:username}"},
        "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{PAYER}:user/*"},
    }
    arn = role(aws, member, trust(condition))
    alice = Person(aws, "alice", msp_team="engineers").session.client("sts")
    mallory = Person(aws, "mallory", msp_team="sales").session.client("sts")

    assert alice.assume_role(RoleArn=arn, RoleSessionName="alice")["Credentials"]
    assert refusal(alice.assume_role, RoleArn=arn, RoleSessionName="bob") == "AccessDenied"
    assert refusal(mallory.assume_role, RoleArn=arn, RoleSessionName="mallory") == "AccessDenied"


def test_a_source_identity_needs_its_own_permission(aws: StrictAWS, member: str) -> None:
    both = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    plain, full = role(aws, member, trust()), role(aws, member, trust(Action=both), "Full")
    assume, named = (
        aws.client("sts").assume_role,
        {"RoleSessionName": "bot", "SourceIdentity": "al"},
    )

    assert refusal(assume, RoleArn=plain, **named) == "AccessDenied"
    assert assume(RoleArn=full, **named)["SourceIdentity"] == "al"


def test_a_session_lasts_no_longer_than_the_role_allows_and_an_hour_when_chained(
    aws: StrictAWS, member: str
) -> None:
    arn = role(aws, member, trust(), MaxSessionDuration=14_400)
    inner = role(aws, member, trust(None, arn), "Inner", MaxSessionDuration=14_400)
    assume = aws.client("sts").assume_role
    asked = {"RoleArn": arn, "RoleSessionName": "bot"}

    assert refusal(assume, **asked, DurationSeconds=43_200) == "ValidationError"
    session = assume(**asked, DurationSeconds=14_400)["Credentials"]
    chained: Any = session_from(session).client("sts")
    next_one = {"RoleArn": inner, "RoleSessionName": "bot"}
    assert refusal(chained.assume_role, **next_one, DurationSeconds=3_601) == "ValidationError"
    assert chained.assume_role(**next_one, DurationSeconds=3_600)["Credentials"]
    aws.clock.advance(hours=4)
    assert refusal(chained.get_caller_identity) == "ExpiredToken"


def test_nobody_assumes_a_role_as_root(aws: StrictAWS, member: str) -> None:
    arn = role(aws, member, trust())
    root = aws.root_session(PAYER).client("sts")

    assert refusal(root.assume_role, RoleArn=arn, RoleSessionName="root") == "AccessDenied"


def test_a_new_role_and_a_changed_trust_take_their_time(aws: StrictAWS, member: str) -> None:
    aws.world.rules = replace(aws.world.rules, role_seconds=30)
    arn, assume = role(aws, member, trust()), aws.client("sts").assume_role
    asked = {"RoleArn": arn, "RoleSessionName": "probe"}

    assert refusal(assume, **asked) == "AccessDenied"
    aws.clock.advance(seconds=30)
    assert assume(**asked)["Credentials"]
    aws.client("iam", member).update_assume_role_policy(
        RoleName="Engineer", PolicyDocument=trust(MFA)
    )
    assert assume(**asked)["Credentials"], "the old trust still holds"
    aws.clock.advance(seconds=30)
    assert refusal(assume, **asked) == "AccessDenied"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{", "MalformedPolicyDocument"),
        (trust(principal="arn:aws:iam::999999999999:root"), "MalformedPolicyDocument"),
        (trust(principal=f"arn:aws:iam::{PAYER}:role/gone"), "MalformedPolicyDocument"),
        (trust(principal="somebody"), "MalformedPolicyDocument"),
        (trust(Resource="*"), "MalformedPolicyDocument"),
        (trust(Action="s3:GetObject"), "MalformedPolicyDocument"),
        (trust(Effect="Perhaps"), "MalformedPolicyDocument"),
        (trust({"StringEquals": {"sts:ExternalId": "x" * 2_048}}), "LimitExceeded"),
    ],
)
def test_a_bad_trust_is_not_written(aws: StrictAWS, member: str, document: str, code: str) -> None:
    iam = aws.client("iam", member)

    assert refusal(iam.create_role, RoleName="R", AssumeRolePolicyDocument=document) == code
    assert [r["RoleName"] for r in iam.list_roles()["Roles"]] == ["OrganizationAccountAccessRole"]


def test_policies_have_sizes(aws: StrictAWS, member: str) -> None:
    iam = aws.client("iam", member)
    role(aws, member, trust())

    def policy(size: int) -> str:
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::" + "a" * size}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def put(name: str, size: int) -> dict[str, str]:
        return {"RoleName": "Engineer", "PolicyName": name, "PolicyDocument": policy(size)}

    iam.put_role_policy(**put("one", 9_000))
    assert refusal(iam.put_role_policy, **put("two", 1_200)) == "LimitExceeded"
    iam.put_role_policy(**put("one", 10_000))
    big = {"PolicyName": "big", "PolicyDocument": policy(6_144)}
    assert refusal(iam.create_policy, **big) == "LimitExceeded"
    broken = {"RoleName": "Engineer", "PolicyName": "x", "PolicyDocument": "{"}
    assert refusal(iam.put_role_policy, **broken) == "MalformedPolicyDocument"


def test_aws_managed_policies_that_matter_are_there(aws: StrictAWS, member: str) -> None:
    role(aws, member, trust())
    iam, stem = aws.client("iam", member), "arn:aws:iam::aws:policy/"
    for name in (
        "AdministratorAccess",
        "PowerUserAccess",
        "ReadOnlyAccess",
        "job-function/Billing",
    ):
        iam.attach_role_policy(RoleName="Engineer", PolicyArn=stem + name)

    attached = iam.list_attached_role_policies(RoleName="Engineer")["AttachedPolicies"]
    assert len(attached) == 4
    nowhere = {"RoleName": "Engineer", "PolicyArn": stem + "NoSuchPolicy"}
    assert refusal(iam.attach_role_policy, **nowhere) == "NoSuchEntity"


def test_a_boundary_must_exist_and_roles_live_in_their_account_alone(
    aws: StrictAWS, member: str
) -> None:
    boundary = f"arn:aws:iam::{member}:policy/msp/boundary"
    other = aws.create_account(name="other", email="other@msp.example")

    with pytest.raises(ClientError, match="does not exist"):
        role(aws, member, trust(), PermissionsBoundary=boundary)
    role(aws, member, trust())
    assert refusal(aws.client("iam", other).get_role, RoleName="Engineer") == "NoSuchEntity"
    with pytest.raises(ClientError, match="already exists"):
        role(aws, member, trust())
