"""With rights enforced, a caller may do what its own policies say and nothing else."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import PAYER, Clock, StrictAWS, session_from
from sandbox.aws.iam.evaluator import AuthorizationRequest, Unsupported, verdict


@pytest.fixture
def aws() -> Iterator[StrictAWS]:
    with StrictAWS(clock=Clock(datetime(2026, 3, 10, tzinfo=UTC))) as aws:
        aws.set_up_organization()
        yield aws


def refusal(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def deny(action: Any, **more: Any) -> dict[str, Any]:
    return allow(action, **more) | {"Effect": "Deny"}


def robot(aws: StrictAWS, *statements: dict[str, Any]) -> Any:
    """A session of the role `msp-onboarding`, with these statements as its only policy."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": PAYER}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="msp-onboarding", AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(
        RoleName="msp-onboarding", PolicyName="own", PolicyDocument=document(*statements)
    )
    session = aws.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{PAYER}:role/msp-onboarding", RoleSessionName="onboard"
    )
    return session_from(session["Credentials"])


TAGGED = {
    "StringLike": {"aws:RequestTag/msp:onboarding-id": "onb-*"},
    "ForAllValues:StringLike": {"aws:TagKeys": "msp:*"},
}
NEW = {"AccountName": "acme", "Email": "aws+acme@msp.example"}


def test_an_action_that_no_policy_allows_is_denied(aws: StrictAWS) -> None:
    organizations = robot(aws, allow("organizations:List*")).client("organizations")

    with aws.enforced():
        assert organizations.list_accounts()["Accounts"][0]["Id"] == PAYER
        assert refusal(organizations.describe_organization) == "AccessDeniedException"
    assert organizations.describe_organization()["Organization"]["MasterAccountId"] == PAYER


def test_creation_needs_its_tag_and_the_right_to_tag(aws: StrictAWS) -> None:
    create = allow("organizations:CreateAccount", Condition=TAGGED)
    tag = allow("organizations:TagResource", f"arn:aws:organizations::{PAYER}:account/*")
    organizations = robot(aws, create, tag).client("organizations")

    def tags(key: str, value: str) -> dict[str, Any]:
        return NEW | {"Tags": [{"Key": key, "Value": value}]}

    with aws.enforced():
        assert refusal(organizations.create_account, **NEW) == "AccessDeniedException"
        wrong = tags("msp:onboarding-id", "other")
        assert refusal(organizations.create_account, **wrong) == "AccessDeniedException"
        assert organizations.create_account(**tags("msp:onboarding-id", "onb-7"))
        aws.client("iam").put_role_policy(
            RoleName="msp-onboarding", PolicyName="own", PolicyDocument=document(create)
        )
        again = tags("msp:onboarding-id", "onb-8") | {"Email": "b@msp.example"}
        assert refusal(organizations.create_account, **again) == "AccessDeniedException"


def test_removal_only_where_the_account_is_tagged_for_it(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="acme", email="aws+acme@msp.example")
    condition = {"StringEquals": {"aws:ResourceTag/msp:offboarding": "handover-approved"}}
    organizations = robot(
        aws, allow("organizations:RemoveAccountFromOrganization", Condition=condition)
    ).client("organizations")
    remove = organizations.remove_account_from_organization

    with aws.enforced():
        assert refusal(remove, AccountId=account_id) == "AccessDeniedException"
        aws.client("organizations").tag_resource(
            ResourceId=account_id, Tags=[{"Key": "msp:offboarding", "Value": "handover-approved"}]
        )
        assert refusal(remove, AccountId=account_id) == "ConstraintViolationException"


def test_an_explicit_deny_wins(aws: StrictAWS) -> None:
    organizations = robot(
        aws,
        allow("*"),
        deny(
            "organizations:TagResource",
            Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": ["msp:offboarding"]}},
        ),
    ).client("organizations")

    def tag(key: str) -> dict[str, Any]:
        return {"ResourceId": PAYER, "Tags": [{"Key": key, "Value": "x"}]}

    with aws.enforced():
        organizations.tag_resource(**tag("msp:client"))
        assert refusal(organizations.tag_resource, **tag("msp:offboarding")) == (
            "AccessDeniedException"
        )


def test_moves_need_every_place_they_touch(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="acme", email="aws+acme@msp.example")
    administrator = aws.client("organizations")
    root = administrator.list_roots()["Roots"][0]
    units = [
        administrator.create_organizational_unit(ParentId=root["Id"], Name=name)
        for name in ("Clients", "Ours")
    ]
    clients, ours = (unit["OrganizationalUnit"] for unit in units)
    account = f"arn:aws:organizations::{PAYER}:account/*"
    organizations = robot(
        aws, allow("organizations:MoveAccount", [account, root["Arn"], clients["Arn"]])
    ).client("organizations")
    move = {"AccountId": account_id, "SourceParentId": root["Id"]}

    with aws.enforced():
        assert (
            refusal(organizations.move_account, **move, DestinationParentId=ours["Id"])
            == "AccessDeniedException"
        )
        organizations.move_account(**move, DestinationParentId=clients["Id"])


def test_assuming_needs_both_sides_and_the_members_organization(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="acme", email="aws+acme@msp.example")
    organization_id = aws.client("organizations").describe_organization()["Organization"]["Id"]
    ours = {"StringEquals": {"aws:ResourceOrgID": organization_id}}
    bootstrap = "arn:aws:iam::*:role/OrganizationAccountAccessRole"
    session = robot(aws, allow("sts:AssumeRole", bootstrap, Condition=ours))
    assume = {
        "RoleArn": f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole",
        "RoleSessionName": "onboard",
    }

    with aws.enforced():
        inside = session.client("sts").assume_role(**assume)
        roles = session_from(inside["Credentials"]).client("iam").list_roles()["Roles"]
        assert [r["RoleName"] for r in roles] == ["OrganizationAccountAccessRole"]
        other = assume | {"RoleArn": assume["RoleArn"] + "X"}
        assert refusal(session.client("sts").assume_role, **other) == "AccessDenied"
        aws.account(account_id).organization = None
        assert refusal(session.client("sts").assume_role, **assume) == "AccessDenied"


def test_the_root_task_is_limited_by_condition(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="acme", email="aws+acme@msp.example")
    stem = "arn:aws:iam::aws:policy/root-task/"
    only = {"StringEquals": {"sts:TaskPolicyArn": [stem + "IAMAuditRootUserCredentials"]}}
    sts = robot(aws, allow("sts:AssumeRoot", Condition=only)).client("sts")

    def task(name: str) -> dict[str, Any]:
        return {"TargetPrincipal": account_id, "TaskPolicyArn": {"arn": stem + name}}

    with aws.enforced():
        assert sts.assume_root(**task("IAMAuditRootUserCredentials"))["Credentials"]
        assert refusal(sts.assume_root, **task("IAMCreateRootUserPassword")) == "AccessDenied"


def test_a_boundary_and_a_session_policy_only_take_away(aws: StrictAWS) -> None:
    iam = aws.client("iam")
    read_only = iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("iam:List*")))
    robot(aws, allow("*"))
    arn = f"arn:aws:iam::{PAYER}:role/msp-onboarding"
    narrow = document(allow("iam:ListUsers"))
    assume = aws.client("sts").assume_role

    def roles(**more: str) -> Any:
        session = assume(RoleArn=arn, RoleSessionName="onboard", **more)
        return session_from(session["Credentials"]).client("iam")

    with aws.enforced():
        assert roles().list_roles()["Roles"]
        assert refusal(roles(Policy=narrow).list_roles) == "AccessDenied"
        iam.put_role_permissions_boundary(
            RoleName="msp-onboarding", PermissionsBoundary=read_only["Policy"]["Arn"]
        )
        assert roles().list_roles()["Roles"]
        assert refusal(roles().get_role, RoleName="msp-onboarding") == "AccessDenied"


def test_users_have_their_own_and_their_groups_policies(aws: StrictAWS) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="readers")
    iam.put_group_policy(
        GroupName="readers", PolicyName="read", PolicyDocument=document(allow("iam:List*"))
    )
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    alice = session_from(iam.create_access_key(UserName="alice")["AccessKey"]).client("iam")
    stranger = session_from({"AccessKeyId": "AKIA" + "Z" * 16, "SecretAccessKey": "x"})

    with aws.enforced():
        assert alice.list_users()["Users"]
        assert refusal(alice.create_user, UserName="bob") == "AccessDenied"
        assert refusal(stranger.client("iam").list_users) == "InvalidClientTokenId"


def test_budgets_have_two_permissions_for_all(aws: StrictAWS) -> None:
    budgets = robot(aws, allow("budgets:ViewBudget")).client("budgets")
    budget = {"BudgetName": "b", "BudgetLimit": {"Amount": "1", "Unit": "USD"}}
    new = {"AccountId": PAYER, "Budget": budget | {"TimeUnit": "MONTHLY", "BudgetType": "COST"}}

    with aws.enforced():
        assert budgets.describe_budgets(AccountId=PAYER).get("Budgets", []) == []
        assert refusal(budgets.create_budget, **new) == "AccessDeniedException"


def test_a_control_policy_keeps_a_client_from_our_roles_and_lets_root_in_only_from_above(
    aws: StrictAWS,
) -> None:
    account_id = aws.create_account(
        name="acme", email="aws+acme@msp.example", RoleName="MspBootstrap"
    )
    ours = ["arn:aws:iam::*:role/msp/*", "arn:aws:iam::*:role/MspBootstrap"]
    spared = {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/MspBootstrap"]}}
    as_root = {
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"},
        "Null": {"aws:AssumedRoot": "true"},
    }
    guard = document(
        deny(["iam:Delete*", "iam:Put*", "iam:Update*"], resource=ours, Condition=spared),
        deny("*", Condition=as_root),
    )
    organizations = aws.client("organizations")
    made = organizations.create_policy(
        Name="guard", Description="", Type="SERVICE_CONTROL_POLICY", Content=guard
    )
    organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=account_id)
    delete = {"RoleName": "MspBootstrap", "PolicyName": "AdministratorAccess"}
    theirs: Any = aws.client("iam", account_id)
    root: Any = aws.root_session(account_id).client("iam")
    sts = aws.client("sts")
    audit = sts.assume_root(
        TargetPrincipal=account_id,
        TaskPolicyArn={"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"},
    )
    bootstrap = sts.assume_role(
        RoleArn=f"arn:aws:iam::{account_id}:role/MspBootstrap", RoleSessionName="onboard"
    )

    assert refusal(theirs.delete_role_policy, **delete) == "AccessDenied"
    assert refusal(root.get_account_summary) == "AccessDenied"
    assert session_from(audit["Credentials"]).client("iam").get_account_summary()["SummaryMap"]
    session_from(bootstrap["Credentials"]).client("iam").delete_role_policy(**delete)
    assert theirs.list_role_policies(RoleName="MspBootstrap")["PolicyNames"] == []


# The evaluator by itself. --------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": ["b"]}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringNotLike": {"k": "a*"}}, {"k": ["abc"]}, False),
        ({"StringEqualsIgnoreCase": {"k": "A"}}, {"k": ["a"]}, True),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "false"}}, {"k": ["x"]}, True),
        ({"NumericLessThan": {"k": "3600"}}, {"k": ["3600"]}, False),
        ({"NumericLessThanEquals": {"k": "3600"}}, {"k": ["3600"]}, True),
        ({"DateGreaterThan": {"k": "2026-01-01T00:00:00Z"}}, {"k": ["2026-03-01T00:00:00Z"]}, True),
        ({"ArnLike": {"k": "arn:aws:iam::*:role/x*"}}, {"k": ["arn:aws:iam::1:role/xy"]}, True),
        ({"ArnLike": {"k": "arn:aws:*:role/x"}}, {"k": ["arn:aws:iam::1:role/x"]}, False),
        ({"ForAllValues:StringLike": {"k": "m*"}}, {}, True),
        ({"ForAllValues:StringLike": {"k": "m*"}}, {"k": ["ma", "x"]}, False),
        ({"ForAnyValue:StringLike": {"k": "m*"}}, {}, False),
        ({"ForAnyValue:StringLike": {"k": "m*"}}, {"k": ["ma", "x"]}, True),
        ({"StringEquals": {"k": "${aws:username}"}}, {"k": ["al"], "aws:username": ["al"]}, True),
    ],
)
def test_conditions_hold_as_iam_says(
    condition: dict[str, Any], context: dict[str, list[str]], expected: bool
) -> None:
    said = verdict(
        [document(allow("s3:Get*", Condition=condition))],
        AuthorizationRequest("s3:GetX", "*", context),
    )

    assert (said == "Allow") is expected


def test_actions_and_resources_match_by_glob_and_by_exception() -> None:
    policy = document(
        {"Effect": "Allow", "NotAction": ["iam:*"], "NotResource": "arn:aws:s3:::secret/*"}
    )

    assert verdict([policy], AuthorizationRequest("S3:getobject", "arn:aws:s3:::open/x")) == "Allow"
    assert verdict([policy], AuthorizationRequest("iam:GetRole", "arn:aws:s3:::open/x")) is None
    assert verdict([policy], AuthorizationRequest("s3:GetObject", "arn:aws:s3:::secret/x")) is None
    assert verdict([document(allow("s3:*", "a[b]"))], AuthorizationRequest("s3:X", "ab")) is None


def test_an_unknown_operator_is_an_error_and_not_a_yes() -> None:
    policy = document(allow("*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))

    with pytest.raises(Unsupported, match="IpAddress"):
        verdict([policy], AuthorizationRequest("s3:GetObject", "*", {"aws:sourceip": ["10.0.0.1"]}))
