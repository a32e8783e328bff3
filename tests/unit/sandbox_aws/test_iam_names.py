"""IAM's rules for names and principals, which moto lacks; each test names AWS's document."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.aws import PAYER, Clock, Rules, StrictAWS, session_from
from tests.unit.sandbox_aws.test_rights import allow, deny, document, refusal

STEM = f"arn:aws:iam::{PAYER}:"


def trust(principal: Any, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return document(statement | more)


OWN = trust({"AWS": PAYER})


@pytest.fixture
def aws() -> Iterator[StrictAWS]:
    rules = Rules(role_seconds=0)
    with StrictAWS(clock=Clock(datetime(2026, 3, 10, tzinfo=UTC)), rules=rules) as aws:
        aws.set_up_organization()
        yield aws


def test_names_are_told_apart_whatever_their_case(aws: StrictAWS) -> None:
    """API reference, `CreateRole`: you cannot create both "MyResource" and "myresource"."""
    iam = aws.client("iam")
    policy = document(allow("s3:*"))
    iam.create_role(RoleName="App", AssumeRolePolicyDocument=OWN)
    iam.create_user(UserName="Ann")
    iam.create_group(GroupName="Staff")
    iam.create_policy(PolicyName="Own", PolicyDocument=policy)

    taken = "EntityAlreadyExists"
    assert refusal(iam.create_role, RoleName="APP", AssumeRolePolicyDocument=OWN) == taken
    assert refusal(iam.create_user, UserName="ann") == taken
    assert refusal(iam.create_group, GroupName="STAFF") == taken
    assert refusal(iam.create_policy, PolicyName="own", PolicyDocument=policy) == taken
    # One of AWS's is another name's: nobody's policy is called AdministratorAccess yet.
    iam.create_policy(PolicyName="AdministratorAccess", PolicyDocument=policy)


def test_letters_of_a_name_are_ascii(aws: StrictAWS) -> None:
    """API reference, `CreateRole`: "upper and lowercase alphanumeric characters"."""
    iam = aws.client("iam")

    for name in ("Büro", "App\u0661", "Ａpp"):
        refused = refusal(iam.create_role, RoleName=name, AssumeRolePolicyDocument=OWN)
        assert refused == "ValidationError"
    tags = [{"Key": "Büro", "Value": "Straße"}]
    iam.create_role(RoleName="App", AssumeRolePolicyDocument=OWN, Tags=tags)


def test_a_sid_has_letters_and_digits_and_is_there_once(aws: StrictAWS) -> None:
    """IAM User Guide, "IAM JSON policy elements: Sid"."""
    iam = aws.client("iam")
    once, odd = allow("s3:*", Sid="One"), allow("s3:*", Sid="One-more")

    for statements in ([odd], [once, once]):
        refused = refusal(iam.create_policy, PolicyName="P", PolicyDocument=document(*statements))
        assert refused == "MalformedPolicyDocument"
    spaced = trust({"AWS": PAYER}, Sid="Our role")
    malformed = refusal(iam.create_role, RoleName="R", AssumeRolePolicyDocument=spaced)
    assert malformed == "MalformedPolicyDocument"
    iam.create_policy(PolicyName="P", PolicyDocument=document(once, allow("ec2:*", Sid="Two")))


def test_a_service_that_aws_does_not_have_is_no_principal(aws: StrictAWS) -> None:
    """IAM User Guide, "AWS JSON policy elements: Principal"."""
    iam = aws.client("iam")

    for number, service in enumerate(("lambda", "ec2", "ecs-tasks", "logs.eu-west-1")):
        iam.create_role(
            RoleName=f"R{number}",
            AssumeRolePolicyDocument=trust({"Service": f"{service}.amazonaws.com"}),
        )
    for service in ("lambada.amazonaws.com", "lambda.amazon.com", "lambda", "x.eu-west-1.aws"):
        document_ = trust({"Service": service})
        refused = refusal(iam.create_role, RoleName="X", AssumeRolePolicyDocument=document_)
        assert refused == "MalformedPolicyDocument"


def test_a_role_that_is_made_again_is_not_trusted_for_its_name(aws: StrictAWS) -> None:
    """IAM User Guide, "AWS JSON policy elements: Principal": the trust keeps the old one's id."""
    iam, robot = aws.client("iam"), f"{STEM}role/Robot"

    def assumed(name: str, by: Any) -> Any:
        sts = by.client("sts")
        return sts.assume_role(RoleArn=f"{STEM}role/{name}", RoleSessionName="xx")["Credentials"]

    def make_robot() -> Any:
        iam.create_role(RoleName="Robot", AssumeRolePolicyDocument=OWN)
        return session_from(assumed("Robot", aws.session()))

    first = make_robot()
    iam.create_role(RoleName="Vault", AssumeRolePolicyDocument=trust({"AWS": robot}))
    assert assumed("Vault", first)
    first_id = iam.get_role(RoleName="Robot")["Role"]["RoleId"]
    iam.delete_role(RoleName="Robot")
    again = make_robot()

    vault = {"RoleArn": f"{STEM}role/Vault", "RoleSessionName": "xx"}
    assert refusal(again.client("sts").assume_role, **vault) == "AccessDenied"
    shown = iam.get_role(RoleName="Vault")["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": first_id}
    iam.update_assume_role_policy(RoleName="Vault", PolicyDocument=trust({"AWS": robot}))
    assert assumed("Vault", again)


def test_a_user_has_a_boundary_from_its_creation_or_later(aws: StrictAWS) -> None:
    """API reference, `CreateUser`, `PutUserPermissionsBoundary`; moto knows it of roles only."""
    iam = aws.client("iam")
    bound = iam.create_policy(
        PolicyName="Bound", PolicyDocument=document(allow("*"), deny("iam:ListUsers"))
    )["Policy"]["Arn"]
    missing = f"{STEM}policy/None"
    assert refusal(iam.create_user, UserName="ann", PermissionsBoundary=missing) == "NoSuchEntity"
    iam.create_user(UserName="ann", PermissionsBoundary=bound)
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document(allow("iam:*")))
    ann = session_from(iam.create_access_key(UserName="ann")["AccessKey"]).client("iam")

    with aws.enforced():
        assert refusal(ann.list_users) == "AccessDenied"
    iam.delete_user_permissions_boundary(UserName="ann")
    with aws.enforced():
        assert len(ann.list_users()["Users"]) == 1
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=bound)
    with aws.enforced():
        assert refusal(ann.list_users) == "AccessDenied"


def test_every_policy_of_aws_s_can_be_attached_and_no_other(aws: StrictAWS) -> None:
    """AWS managed policy reference."""
    iam = aws.client("iam")
    iam.create_role(RoleName="App", AssumeRolePolicyDocument=OWN)

    def attach(name: str) -> Any:
        iam.attach_role_policy(RoleName="App", PolicyArn=f"arn:aws:iam::aws:policy/{name}")

    attach("AmazonS3FullAccess")
    attach("service-role/AWSLambdaBasicExecutionRole")
    for name in ("AmazonS3FullAccesss", "AWSLambdaBasicExecutionRole"):
        assert refusal(attach, name=name) == "NoSuchEntity"
