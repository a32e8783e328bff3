"""Invitations and transfers keep both sides' rules, their terms and their words."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import PAYER, Clock, StrictAWS

CLIENT, OTHER_PAYER = "222222222222", "333333333333"


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


def invited(aws: StrictAWS, target: str = CLIENT, kind: str = "ACCOUNT", **more: Any) -> str:
    if target not in aws.world.accounts and kind == "ACCOUNT":
        aws.add_standalone(target, email=f"root@{target}.example")
    handshake = aws.client("organizations").invite_account_to_organization(
        Target={"Id": target, "Type": kind}, **more
    )
    return str(handshake["Handshake"]["Id"])


def state(aws: StrictAWS, handshake_id: str) -> str:
    described = aws.client("organizations").describe_handshake(HandshakeId=handshake_id)
    return str(described["Handshake"]["State"])


def test_an_invited_account_joins_with_its_tags_and_without_a_role_of_ours(aws: StrictAWS) -> None:
    handshake_id = invited(aws, Notes="welcome", Tags=[{"Key": "msp:id", "Value": "7"}])
    client = aws.client("organizations", CLIENT)
    listed = client.list_handshakes_for_account()["Handshakes"]
    assert [(h["Id"], h["State"], h["Action"]) for h in listed] == [
        (handshake_id, "OPEN", "INVITE")
    ]

    client.accept_handshake(HandshakeId=handshake_id)

    account = aws.client("organizations").describe_account(AccountId=CLIENT)["Account"]
    assert (account["JoinedMethod"], account["State"]) == ("INVITED", "ACTIVE")
    tags = aws.client("organizations").list_tags_for_resource(ResourceId=CLIENT)["Tags"]
    assert tags == [{"Key": "msp:id", "Value": "7"}]
    assert aws.client("iam", CLIENT).list_roles()["Roles"] == []
    assert refusal(client.accept_handshake, HandshakeId=handshake_id)[0] == (
        "HandshakeAlreadyInStateException"
    )


def test_an_e_mail_finds_the_account_whatever_its_case(aws: StrictAWS) -> None:
    aws.add_standalone(CLIENT, email="Root@Acme.example")
    handshake_id = invited(aws, "root@acme.example", "EMAIL")

    aws.client("organizations", CLIENT).accept_handshake(HandshakeId=handshake_id)

    assert state(aws, handshake_id) == "ACCEPTED"
    assert CLIENT in {a["Id"] for a in aws.client("organizations").list_accounts()["Accounts"]}


def test_a_second_invitation_is_refused_while_the_first_is_open(aws: StrictAWS) -> None:
    handshake_id = invited(aws)
    invite = aws.client("organizations").invite_account_to_organization
    by_mail = {"Target": {"Id": f"root@{CLIENT}.example", "Type": "EMAIL"}}

    assert refusal(invite, **by_mail)[0] == "DuplicateHandshakeException"
    aws.client("organizations").cancel_handshake(HandshakeId=handshake_id)
    assert state(aws, invited(aws)) == "OPEN"


def test_each_side_has_its_own_verbs(aws: StrictAWS) -> None:
    ours, theirs = aws.client("organizations"), aws.client("organizations", CLIENT)
    stranger = "444444444444"
    aws.add_standalone(stranger, email="x@stranger.example")
    handshake_id = invited(aws)

    for verb in (ours.accept_handshake, ours.decline_handshake, theirs.cancel_handshake):
        assert refusal(verb, HandshakeId=handshake_id)[0] == "AccessDeniedException"
    other = aws.client("organizations", stranger)
    assert refusal(other.describe_handshake, HandshakeId=handshake_id)[0] == "AccessDeniedException"
    theirs.decline_handshake(HandshakeId=handshake_id)
    assert state(aws, handshake_id) == "DECLINED"
    assert refusal(ours.cancel_handshake, HandshakeId=handshake_id)[0] == (
        "InvalidHandshakeTransitionException"
    )
    missing = "h-" + "0" * 10
    assert refusal(ours.cancel_handshake, HandshakeId=missing)[0] == "HandshakeNotFoundException"


def test_an_invitation_expires_after_fifteen_days_and_is_listed_for_thirty_more(
    aws: StrictAWS,
) -> None:
    handshake_id = invited(aws)
    listing = aws.client("organizations").list_handshakes_for_organization
    aws.clock.advance(days=15)

    accept = aws.client("organizations", CLIENT).accept_handshake
    assert state(aws, handshake_id) == "EXPIRED"
    assert refusal(accept, HandshakeId=handshake_id)[0] == "InvalidHandshakeTransitionException"
    assert [h["Id"] for h in listing()["Handshakes"]] == [handshake_id]
    aws.clock.advance(days=30)
    assert listing()["Handshakes"] == []


def test_who_may_be_invited(aws: StrictAWS) -> None:
    invite = aws.client("organizations").invite_account_to_organization
    member = aws.create_account(name="a", email="a@msp.example")
    client = aws.add_standalone(CLIENT, email="root@acme.example")
    target = {"Target": {"Id": CLIENT, "Type": "ACCOUNT"}}

    assert refusal(invite, Target={"Id": member, "Type": "ACCOUNT"})[1] == (
        "ALREADY_IN_AN_ORGANIZATION"
    )
    assert refusal(invite, Target={"Id": "12", "Type": "ACCOUNT"})[1] == "INVALID_PATTERN_TARGET_ID"
    client.seller_of_record = "AWS EMEA SARL"
    assert refusal(invite, **target)[1] == "ORGANIZATION_FROM_DIFFERENT_SELLER_OF_RECORD"
    client.owner_verified = False
    assert refusal(invite, **target)[0] == "AccountOwnerNotVerifiedException"
    aws.account(PAYER).email_verified = False
    assert refusal(invite, **target)[1] == "MANAGEMENT_ACCOUNT_EMAIL_NOT_VERIFIED"


def test_twenty_invitations_a_day(aws: StrictAWS) -> None:
    for number in range(20):
        invited(aws, f"5555555555{number:02}")
    invite = aws.client("organizations").invite_account_to_organization
    next_one = {"Target": {"Id": CLIENT, "Type": "ACCOUNT"}}

    assert refusal(invite, **next_one) == (
        "HandshakeConstraintViolationException",
        "HANDSHAKE_RATE_LIMIT_EXCEEDED",
    )
    aws.clock.advance(days=1)
    assert invite(**next_one)["Handshake"]["State"] == "OPEN"


def test_an_account_that_cannot_pay_cannot_join(aws: StrictAWS) -> None:
    handshake_id = invited(aws)
    aws.account(CLIENT).payment_instrument = False
    accept = aws.client("organizations", CLIENT).accept_handshake

    assert refusal(accept, HandshakeId=handshake_id)[1] == "PAYMENT_INSTRUMENT_REQUIRED"
    assert state(aws, handshake_id) == "OPEN"


def test_a_member_moves_straight_to_another_organization(aws: StrictAWS) -> None:
    aws.add_standalone(OTHER_PAYER, email="cfo@acme.example")
    theirs = aws.client("organizations", OTHER_PAYER)
    theirs.create_organization(FeatureSet="ALL")
    account_id = aws.create_account(name="acme", email="aws+acme@msp.example")
    sent = theirs.invite_account_to_organization(Target={"Id": account_id, "Type": "ACCOUNT"})
    handshake_id = sent["Handshake"]["Id"]
    accept = aws.client("organizations", account_id).accept_handshake

    assert refusal(accept, HandshakeId=handshake_id) == (
        "ConstraintViolationException",
        "WAIT_PERIOD_ACTIVE",
    )
    aws.clock.advance(days=4)
    accept(HandshakeId=handshake_id)

    ours = aws.client("organizations").list_accounts()["Accounts"]
    assert [a["Id"] for a in ours] == [PAYER]
    assert [(a["Id"], a["JoinedMethod"]) for a in theirs.list_accounts()["Accounts"]] == [
        (OTHER_PAYER, "INVITED"),
        (account_id, "INVITED"),
    ]


def test_after_departure_our_role_still_works_until_somebody_deletes_it(aws: StrictAWS) -> None:
    aws.add_standalone(OTHER_PAYER, email="cfo@acme.example")
    theirs = aws.client("organizations", OTHER_PAYER)
    theirs.create_organization(FeatureSet="ALL")
    account_id = aws.create_account(name="acme", email="aws+acme@msp.example")
    aws.clock.advance(days=4)
    sent = theirs.invite_account_to_organization(Target={"Id": account_id, "Type": "ACCOUNT"})
    member = aws.client("organizations", account_id)
    member.accept_handshake(HandshakeId=sent["Handshake"]["Id"])
    role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
    assume = {"RoleArn": role, "RoleSessionName": "probe"}

    assert aws.client("sts").assume_role(**assume)["AssumedRoleUser"]["Arn"].endswith("/probe")
    iam = aws.client("iam", account_id)
    iam.delete_role_policy(
        RoleName="OrganizationAccountAccessRole", PolicyName="AdministratorAccess"
    )
    iam.delete_role(RoleName="OrganizationAccountAccessRole")
    assert refusal(aws.client("sts").assume_role, **assume)[0] == "AccessDenied"


# Billing transfer. ---------------------------------------------------------------------


def transfer_invitation(**changed: Any) -> dict[str, Any]:
    return {
        "Type": "BILLING",
        "Target": {"Id": OTHER_PAYER, "Type": "ACCOUNT"},
        "StartTimestamp": datetime(2026, 4, 1, tzinfo=UTC),
        "SourceName": "Acme",
    } | changed


@pytest.fixture
def source(aws: StrictAWS) -> Any:
    aws.add_standalone(OTHER_PAYER, email="cfo@acme.example")
    client = aws.client("organizations", OTHER_PAYER)
    client.create_organization(FeatureSet="ALL")
    return client


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (datetime(2026, 4, 2, tzinfo=UTC), "START_DATE_NOT_BEGINNING_OF_MONTH"),
        (datetime(2026, 4, 1, 5, tzinfo=UTC), "START_DATE_NOT_BEGINNING_OF_DAY"),
        (datetime(2026, 3, 1, tzinfo=UTC), "START_DATE_TOO_EARLY"),
        (datetime(2028, 3, 1, tzinfo=UTC), "START_DATE_TOO_LATE"),
    ],
)
def test_a_transfer_starts_with_a_month(
    aws: StrictAWS, source: Any, day: datetime, reason: str
) -> None:
    invite = aws.client("organizations").invite_organization_to_transfer_responsibility

    assert refusal(invite, **transfer_invitation(StartTimestamp=day)) == (
        "InvalidInputException",
        reason,
    )


def test_a_bill_is_transferred_from_one_month_to_the_end_of_another(
    aws: StrictAWS, source: Any
) -> None:
    ours = aws.client("organizations")
    handshake = ours.invite_organization_to_transfer_responsibility(**transfer_invitation())
    handshake_id = handshake["Handshake"]["Id"]
    assert handshake["Handshake"]["Action"] == "TRANSFER_RESPONSIBILITY"
    source.accept_handshake(HandshakeId=handshake_id)

    inbound = ours.list_inbound_responsibility_transfers(Type="BILLING")["ResponsibilityTransfers"]
    assert [(t["Status"], t["Name"], t["Source"]["ManagementAccountId"]) for t in inbound] == [
        ("ACCEPTED", "Acme", OTHER_PAYER)
    ]
    outbound = source.list_outbound_responsibility_transfers(Type="BILLING")
    transfer_id = outbound["ResponsibilityTransfers"][0]["Id"]
    assert refusal(
        ours.invite_organization_to_transfer_responsibility, **transfer_invitation()
    ) == ("HandshakeConstraintViolationException", "RESPONSIBILITY_TRANSFER_ALREADY_EXISTS")

    end = {"Id": transfer_id, "EndTimestamp": datetime(2026, 6, 15, tzinfo=UTC)}
    assert refusal(ours.terminate_responsibility_transfer, **end)[1] == "END_DATE_NOT_END_OF_MONTH"
    end["EndTimestamp"] = datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)
    ended = ours.terminate_responsibility_transfer(**end)["ResponsibilityTransfer"]
    assert (ended["Status"], ended["EndTimestamp"]) == ("WITHDRAWN", end["EndTimestamp"])
    assert refusal(ours.terminate_responsibility_transfer, **end)[0] == (
        "ResponsibilityTransferAlreadyInStatusException"
    )


def test_a_transfer_needs_a_payer_that_is_ready(aws: StrictAWS, source: Any) -> None:
    invite = aws.client("organizations").invite_organization_to_transfer_responsibility
    aws.add_standalone(CLIENT, email="root@acme.example")
    alone = {"Id": CLIENT, "Type": "ACCOUNT"}
    assert refusal(invite, **transfer_invitation(Target=alone))[1] == (
        "TARGET_ACCOUNT_VALIDATION_FAILURE"
    )
    handshake_id = invite(**transfer_invitation())["Handshake"]["Id"]
    aws.account(OTHER_PAYER).transfer_obstacle = "PAST_DUE_INVOICE"

    assert refusal(source.accept_handshake, HandshakeId=handshake_id) == (
        "HandshakeConstraintViolationException",
        "PAST_DUE_INVOICE",
    )


def test_a_transfer_that_nobody_accepts_expires(aws: StrictAWS, source: Any) -> None:
    ours = aws.client("organizations")
    handshake = ours.invite_organization_to_transfer_responsibility(
        **transfer_invitation(StartTimestamp=datetime(2026, 4, 1, tzinfo=UTC))
    )
    transfer_id = next(iter(aws.world.transfers))
    aws.clock.advance(days=22)

    transfer = ours.describe_responsibility_transfer(Id=transfer_id)["ResponsibilityTransfer"]
    assert transfer["Status"] == "EXPIRED"
    assert state(aws, handshake["Handshake"]["Id"]) == "EXPIRED"
