"""What a policy may ask about a call to IAM and to Account Management, as AWS fills it in."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.aws import PAYER, Clock, StrictAWS
from tests.unit.sandbox_aws.test_rights import allow, deny, document, refusal, robot

STEM = f"arn:aws:iam::{PAYER}:"
BOUND = f"{STEM}policy/Bound"
TRUST = document({"Effect": "Allow", "Principal": {"AWS": PAYER}, "Action": "sts:AssumeRole"})


@pytest.fixture
def aws() -> Iterator[StrictAWS]:
    with StrictAWS(clock=Clock(datetime(2026, 3, 10, tzinfo=UTC))) as aws:
        aws.set_up_organization()
        aws.client("iam").create_policy(PolicyName="Bound", PolicyDocument=document(allow("*")))
        yield aws


def denied(call: Callable[..., Any], **params: Any) -> bool:
    return refusal(call, **params) == "AccessDenied"


def test_a_change_of_a_role_s_policies_carries_the_boundary_it_has_and_a_new_one_its_own(
    aws: StrictAWS,
) -> None:
    """Service Authorization Reference, IAM: `iam:PermissionsBoundary`."""
    admin = aws.client("iam")
    admin.create_role(RoleName="Inside", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=BOUND)
    admin.create_role(RoleName="Outside", AssumeRolePolicyDocument=TRUST)
    unless_bound = {"StringNotEquals": {"iam:PermissionsBoundary": BOUND}}
    iam = robot(
        aws,
        allow("iam:*"),
        deny(["iam:*RolePolicy", "iam:PutRolePermissionsBoundary"], Condition=unless_bound),
    ).client("iam")
    policy = {"PolicyName": "own", "PolicyDocument": document(allow("s3:*"))}

    with aws.enforced():
        iam.put_role_policy(RoleName="Inside", **policy)
        assert denied(iam.put_role_policy, RoleName="Outside", **policy)
        administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
        assert denied(
            iam.put_role_permissions_boundary, RoleName="Inside", PermissionsBoundary=administrator
        )
        iam.put_role_permissions_boundary(RoleName="Outside", PermissionsBoundary=BOUND)
        iam.put_role_policy(RoleName="Outside", **policy)


def test_users_and_groups_are_known_by_the_path_they_have(aws: StrictAWS) -> None:
    admin = aws.client("iam")
    admin.create_user(UserName="robot", Path="/workload/")
    admin.create_user(UserName="ann")
    admin.create_group(GroupName="staff", Path="/people/")
    iam = robot(
        aws, allow("iam:CreateAccessKey", f"{STEM}user/workload/*"),
        allow("iam:AddUserToGroup", f"{STEM}group/people/*"),
        allow("iam:UpdateUser", [f"{STEM}user/ann", f"{STEM}user/people/*"]),
    ).client("iam")  # fmt: skip

    with aws.enforced():
        iam.create_access_key(UserName="robot")
        assert denied(iam.create_access_key, UserName="ann")
        # What is changed is the group.
        iam.add_user_to_group(GroupName="staff", UserName="ann")
        # A name or path is changed by who may change both (API reference, `UpdateUser`).
        assert denied(iam.update_user, UserName="ann", NewPath="/workload/")
        iam.update_user(UserName="ann", NewPath="/people/")


def test_account_management_names_the_tags_of_an_account_by_a_key_of_its_own(
    aws: StrictAWS,
) -> None:
    """Account Management guide, "Policy condition keys"."""
    account_id = aws.create_account(name="acme", email="aws+acme@msp.example")
    approved = {"ForAnyValue:StringEquals": {"account:AccountResourceOrgTags/go": "yes"}}
    iam_key = {"StringEquals": {"aws:ResourceTag/go": "yes"}}
    account = robot(
        aws, allow("account:GetContactInformation", Condition=approved),
        allow("account:GetAlternateContact", Condition=iam_key),
    ).client("account")  # fmt: skip

    with aws.enforced():
        look = account.get_contact_information
        assert refusal(look, AccountId=account_id) == "AccessDeniedException"
        tags = [{"Key": "go", "Value": "yes"}]
        aws.client("organizations").tag_resource(ResourceId=account_id, Tags=tags)
        assert look(AccountId=account_id)["ContactInformation"]
        security = {"AccountId": account_id, "AlternateContactType": "SECURITY"}
        assert refusal(account.get_alternate_contact, **security) == "AccessDeniedException"
