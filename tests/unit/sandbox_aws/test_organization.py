"""The tree of an organization, its policies and its delegates keep AWS's rules."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import PAYER, Clock, StrictAWS


@pytest.fixture
def aws() -> Iterator[StrictAWS]:
    with StrictAWS(clock=Clock(datetime(2026, 3, 10, tzinfo=UTC))) as aws:
        aws.set_up_organization()
        yield aws


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**params)
    response: Any = refused.value.response
    return response["Error"]["Code"], response.get("Reason", "")


def root_of(aws: StrictAWS) -> str:
    return str(aws.client("organizations").list_roots()["Roots"][0]["Id"])


def unit(aws: StrictAWS, name: str, parent: str = "") -> str:
    made = aws.client("organizations").create_organizational_unit(
        ParentId=parent or root_of(aws), Name=name
    )
    return str(made["OrganizationalUnit"]["Id"])


DENY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": ["organizations:LeaveOrganization", "organizations:AcceptHandshake"],
                "Resource": "*",
            }
        ],
    }
)


def control_policy(aws: StrictAWS, content: str = DENY, name: str = "guard") -> str:
    made = aws.client("organizations").create_policy(
        Name=name, Description="", Type="SERVICE_CONTROL_POLICY", Content=content
    )
    return str(made["Policy"]["PolicySummary"]["Id"])


def test_two_units_of_one_name_need_two_parents(aws: StrictAWS) -> None:
    clients = unit(aws, "Clients")
    create = aws.client("organizations").create_organizational_unit

    assert refusal(create, ParentId=root_of(aws), Name="Clients")[0] == (
        "DuplicateOrganizationalUnitException"
    )
    assert unit(aws, "Clients", clients) != clients


def test_units_nest_five_deep(aws: StrictAWS) -> None:
    parent = ""
    for level in range(5):
        parent = unit(aws, f"level {level}", parent)

    assert refusal(
        aws.client("organizations").create_organizational_unit, ParentId=parent, Name="too deep"
    ) == ("ConstraintViolationException", "OU_DEPTH_LIMIT_EXCEEDED")


def test_a_move_names_where_from_and_is_not_repeated(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="a", email="a@msp.example")
    clients, root = unit(aws, "Clients"), root_of(aws)
    organizations = aws.client("organizations")
    move = organizations.move_account

    def moving(source: str, destination: str) -> dict[str, str]:
        return {
            "AccountId": account_id,
            "SourceParentId": source,
            "DestinationParentId": destination,
        }

    missing = clients[:-1] + ("0" if clients[-1] != "0" else "1")
    assert refusal(move, **moving(root, missing))[0] == "DestinationParentNotFoundException"
    assert refusal(move, **moving(missing, clients))[0] == "SourceParentNotFoundException"
    move(**moving(root, clients))
    assert refusal(move, **moving(root, clients))[0] == "DuplicateAccountException"
    assert organizations.list_parents(ChildId=account_id)["Parents"][0]["Id"] == clients
    paths = organizations.describe_account(AccountId=account_id)["Account"]["Paths"]
    organization_id = organizations.describe_organization()["Organization"]["Id"]
    assert paths == [f"{organization_id}/{root}/{clients}/{account_id}/"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", ("MalformedPolicyDocumentException", "")),
        ("[]", ("MalformedPolicyDocumentException", "")),
        (DENY.replace("Deny", "Refuse"), ("MalformedPolicyDocumentException", "")),
        (DENY.replace("Resource", "Principal"), ("MalformedPolicyDocumentException", "")),
        (DENY + " " * 10_240, ("ConstraintViolationException", "POLICY_CONTENT_LIMIT_EXCEEDED")),
    ],
)
def test_a_bad_control_policy_is_not_written(
    aws: StrictAWS, content: str, expected: tuple[str, str]
) -> None:
    create = aws.client("organizations").create_policy

    found = refusal(
        create, Name="guard", Description="", Type="SERVICE_CONTROL_POLICY", Content=content
    )

    assert found == expected


def test_a_policy_is_attached_once_and_the_last_one_stays(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="a", email="a@msp.example")
    organizations, guard = aws.client("organizations"), control_policy(aws)
    attach = {"PolicyId": guard, "TargetId": account_id}

    organizations.attach_policy(**attach)
    assert refusal(organizations.attach_policy, **attach)[0] == "DuplicatePolicyAttachmentException"
    assert refusal(organizations.delete_policy, PolicyId=guard)[0] == "PolicyInUseException"
    targets = organizations.list_targets_for_policy(PolicyId=guard)["Targets"]
    assert [t["TargetId"] for t in targets] == [account_id]
    organizations.detach_policy(**attach)
    assert refusal(organizations.detach_policy, **attach)[0] == "PolicyNotAttachedException"
    assert refusal(
        organizations.detach_policy, PolicyId="p-FullAWSAccess", TargetId=account_id
    ) == ("ConstraintViolationException", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")


def test_ten_control_policies_are_enough_for_one_target(aws: StrictAWS) -> None:
    """AWS's own is one of them."""
    attach = aws.client("organizations").attach_policy
    ids = [control_policy(aws, name=f"guard {n}") for n in range(10)]
    for policy_id in ids[:9]:
        attach(PolicyId=policy_id, TargetId=PAYER)

    assert refusal(attach, PolicyId=ids[9], TargetId=PAYER) == (
        "ConstraintViolationException",
        "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
    )


def test_a_control_policy_binds_members_below_it_and_never_the_payer(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="a", email="a@msp.example")
    clients, root, guard = unit(aws, "Clients"), root_of(aws), control_policy(aws)
    organizations = aws.client("organizations")
    organizations.attach_policy(PolicyId=guard, TargetId=clients)
    leave = aws.client("organizations", account_id).leave_organization

    assert refusal(leave)[1] == "WAIT_PERIOD_ACTIVE"
    organizations.move_account(
        AccountId=account_id, SourceParentId=root, DestinationParentId=clients
    )
    assert refusal(leave)[0] == "AccessDeniedException"
    organizations.attach_policy(PolicyId=guard, TargetId=PAYER)
    assert refusal(organizations.leave_organization)[0] == "MasterCannotLeaveOrganizationException"


def test_only_the_payer_manages_and_only_delegates_may_read_besides(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="a", email="a@msp.example")
    payer, member = aws.client("organizations"), aws.client("organizations", account_id)
    register = {"AccountId": account_id, "ServicePrincipal": "sso.amazonaws.com"}

    assert refusal(member.list_accounts)[0] == "AccessDeniedException"
    assert refusal(payer.register_delegated_administrator, **register) == (
        "ConstraintViolationException",
        "SERVICE_ACCESS_NOT_ENABLED",
    )
    payer.enable_aws_service_access(ServicePrincipal="sso.amazonaws.com")
    payer.register_delegated_administrator(**register)
    assert len(member.list_accounts()["Accounts"]) == 2
    assert refusal(member.create_account, AccountName="b", Email="b@msp.example")[0] == (
        "AccessDeniedException"
    )
    assert refusal(payer.register_delegated_administrator, **register)[0] == (
        "AccountAlreadyRegisteredException"
    )
    services = payer.list_delegated_services_for_account(AccountId=account_id)["DelegatedServices"]
    assert [s["ServicePrincipal"] for s in services] == ["sso.amazonaws.com"]
    payer.deregister_delegated_administrator(**register)
    assert refusal(payer.list_delegated_services_for_account, AccountId=account_id)[0] == (
        "AccountNotRegisteredException"
    )


def test_an_unknown_service_is_not_trusted(aws: StrictAWS) -> None:
    enable = aws.client("organizations").enable_aws_service_access

    assert refusal(enable, ServicePrincipal="nothing.amazonaws.com") == (
        "InvalidInputException",
        "UNRECOGNIZED_SERVICE_PRINCIPAL",
    )


def test_tags_are_put_by_key_and_have_an_end(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="a", email="a@msp.example")
    organizations = aws.client("organizations")
    for value in ("1", "2"):
        organizations.tag_resource(
            ResourceId=account_id, Tags=[{"Key": "msp:client", "Value": value}]
        )
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]

    tags = organizations.list_tags_for_resource(ResourceId=account_id)["Tags"]
    assert tags == [{"Key": "msp:client", "Value": "2"}]
    assert refusal(organizations.tag_resource, ResourceId=account_id, Tags=many) == (
        "ConstraintViolationException",
        "MAX_TAG_LIMIT_EXCEEDED",
    )
