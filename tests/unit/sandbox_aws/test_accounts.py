"""Accounts in the pretend AWS come to be and end as in the real one: late, and with reasons."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import PAYER, Clock, Rules, StrictAWS


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


def knobs(aws: StrictAWS, **changed: Any) -> None:
    aws.world.rules = replace(aws.world.rules, **changed)


def test_a_request_is_in_progress_before_it_succeeds(aws: StrictAWS) -> None:
    organizations = aws.client("organizations")
    status = organizations.create_account(
        AccountName="acme prod",
        Email="aws+acme@msp.example",
        Tags=[{"Key": "msp:id", "Value": "1"}],
    )["CreateAccountStatus"]
    assert (status["State"], "AccountId" in status) == ("IN_PROGRESS", False)

    states = [
        organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])
        for _ in range(2)
    ]

    assert [s["CreateAccountStatus"]["State"] for s in states] == ["IN_PROGRESS", "SUCCEEDED"]
    account_id = states[1]["CreateAccountStatus"]["AccountId"]
    account = organizations.describe_account(AccountId=account_id)["Account"]
    assert (account["State"], account["JoinedMethod"]) == ("ACTIVE", "CREATED")
    assert "Status" not in account
    tags = organizations.list_tags_for_resource(ResourceId=account_id)["Tags"]
    assert tags == [{"Key": "msp:id", "Value": "1"}]


def test_creation_may_take_time_by_the_clock(aws: StrictAWS) -> None:
    knobs(aws, creation_polls=0, creation_seconds=90)
    organizations = aws.client("organizations")
    request = organizations.create_account(AccountName="slow", Email="slow@msp.example")
    request_id = request["CreateAccountStatus"]["Id"]

    def state() -> str:
        status = organizations.describe_create_account_status(CreateAccountRequestId=request_id)
        return str(status["CreateAccountStatus"]["State"])

    aws.clock.advance(seconds=89)
    assert state() == "IN_PROGRESS"
    aws.clock.advance(seconds=1)
    assert state() == "SUCCEEDED"


def test_a_taken_address_fails_the_request_and_not_the_call(aws: StrictAWS) -> None:
    aws.create_account(name="first", email="aws+one@msp.example")
    organizations = aws.client("organizations")
    request = organizations.create_account(AccountName="second", Email="AWS+One@msp.example")

    for _ in range(2):
        status = organizations.describe_create_account_status(
            CreateAccountRequestId=request["CreateAccountStatus"]["Id"]
        )["CreateAccountStatus"]

    assert (status["State"], status["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")


def test_the_same_request_twice_in_flight_fails_the_second(aws: StrictAWS) -> None:
    organizations = aws.client("organizations")
    for _ in range(2):
        organizations.create_account(AccountName="twin", Email="twin@msp.example")
    for _ in range(2):
        listed = organizations.list_create_account_status()["CreateAccountStatuses"]

    assert [(s["State"], s.get("FailureReason")) for s in listed] == [
        ("SUCCEEDED", None),
        ("FAILED", "CONCURRENT_ACCOUNT_MODIFICATION"),
    ]
    assert [m.subject for m in aws.mail.to("twin@msp.example")] == [
        "Welcome to Amazon Web Services"
    ]


def test_a_reason_can_be_ordered_once(aws: StrictAWS) -> None:
    aws.fail_creation("x@msp.example", "INTERNAL_FAILURE")
    organizations = aws.client("organizations")
    reasons = []
    for _ in range(2):
        request = organizations.create_account(AccountName="x", Email="x@msp.example")
        for _ in range(2):
            status = organizations.describe_create_account_status(
                CreateAccountRequestId=request["CreateAccountStatus"]["Id"]
            )["CreateAccountStatus"]
        reasons.append(status.get("FailureReason"))

    assert reasons == ["INTERNAL_FAILURE", None]


def test_the_sixth_request_in_flight_is_refused(aws: StrictAWS) -> None:
    organizations = aws.client("organizations")
    for number in range(5):
        organizations.create_account(AccountName="a", Email=f"a{number}@msp.example")

    assert refusal(organizations.create_account, AccountName="a", Email="a6@msp.example") == (
        "ConstraintViolationException",
        "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED",
    )


def test_the_account_quota_counts_closed_accounts_and_open_invitations(aws: StrictAWS) -> None:
    knobs(aws, accounts=3)
    organizations = aws.client("organizations")
    closed = aws.create_account(name="a", email="a@msp.example")
    organizations.close_account(AccountId=closed)
    aws.add_standalone("222222222222", email="client@acme.example")
    organizations.invite_account_to_organization(Target={"Id": "222222222222", "Type": "ACCOUNT"})

    assert refusal(organizations.create_account, AccountName="b", Email="b@msp.example") == (
        "ConstraintViolationException",
        "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
    )


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"AccountName": "n" * 51}, "MAX_LENGTH_EXCEEDED"),
        ({"AccountName": "Müller"}, "INVALID_PATTERN"),
        ({"Email": "a" * 60 + "@x.example"}, "MAX_LENGTH_EXCEEDED"),
        ({"Email": "two@at@x.example"}, "INVALID_PATTERN"),
        ({"RoleName": "AWSServiceRoleForX"}, "INVALID_ROLE_NAME"),
        ({"IamUserAccessToBilling": "MAYBE"}, "INVALID_ENUM"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "DUPLICATE_TAG_KEY"),
        ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, "INVALID_SYSTEM_TAGS_PARAMETER"),
    ],
)
def test_bad_input_is_refused_at_once(aws: StrictAWS, wrong: dict[str, Any], reason: str) -> None:
    good = {"AccountName": "acme", "Email": "aws+acme@msp.example"}

    assert refusal(aws.client("organizations").create_account, **good | wrong) == (
        "InvalidInputException",
        reason,
    )


@pytest.mark.parametrize("email", ["mü@msp.example", ".a@msp.example", "a,b@msp.example"])
def test_an_address_that_only_looks_right_fails_later(aws: StrictAWS, email: str) -> None:
    organizations = aws.client("organizations")
    request = organizations.create_account(AccountName="x", Email=email)["CreateAccountStatus"]
    for _ in range(2):
        listed = organizations.list_create_account_status(States=["FAILED"])

    assert [s["FailureReason"] for s in listed["CreateAccountStatuses"]] == ["INVALID_EMAIL"]
    assert listed["CreateAccountStatuses"][0]["Id"] == request["Id"]


def test_an_unknown_request_has_an_error_of_its_own(aws: StrictAWS) -> None:
    describe = aws.client("organizations").describe_create_account_status

    code, _ = refusal(describe, CreateAccountRequestId="car-" + "0" * 32)

    assert code == "CreateAccountStatusNotFoundException"


def test_lists_are_paged_and_end_even_with_the_clock_standing_still(aws: StrictAWS) -> None:
    knobs(aws, creation_polls=1)
    for number in range(47):
        aws.create_account(name=f"a{number}", email=f"a{number}@msp.example")
    organizations = aws.client("organizations")

    pages = [len(p["Accounts"]) for p in organizations.get_paginator("list_accounts").paginate()]
    requests = organizations.get_paginator("list_create_account_status").paginate(
        PaginationConfig={"PageSize": 10}
    )

    assert pages == [20, 20, 8]
    assert [len(p["CreateAccountStatuses"]) for p in requests] == [10, 10, 10, 10, 7]
    assert refusal(organizations.list_accounts, MaxResults=21)[1] == "MAX_VALUE_EXCEEDED"


def test_a_new_account_is_seen_activated_and_usable_one_after_the_other(aws: StrictAWS) -> None:
    knobs(aws, listing_seconds=60, activation_seconds=120, usable_seconds=300)
    knobs(aws, usable_error="RegionDisabledException")
    organizations, sts = aws.client("organizations"), aws.client("sts")
    account_id = aws.create_account(name="new", email="new@msp.example")
    role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"

    assert [a["Id"] for a in organizations.list_accounts()["Accounts"]] == [PAYER]
    aws.clock.advance(seconds=60)
    assert [a.get("State") for a in organizations.list_accounts()["Accounts"]] == [
        "ACTIVE",
        "PENDING_ACTIVATION",
    ]
    aws.clock.advance(seconds=60)
    assert organizations.describe_account(AccountId=account_id)["Account"]["State"] == "ACTIVE"
    assume = {"RoleArn": role, "RoleSessionName": "probe"}
    assert refusal(sts.assume_role, **assume)[0] == "RegionDisabledException"
    aws.clock.advance(seconds=180)
    assert sts.assume_role(**assume)["AssumedRoleUser"]["Arn"].endswith("/probe")


def test_a_created_account_may_not_leave_before_its_time_nor_without_means(aws: StrictAWS) -> None:
    account_id = aws.create_account(name="acme", email="acme@msp.example")
    remove = aws.client("organizations").remove_account_from_organization
    account, reasons = aws.account(account_id), []

    reasons.append(refusal(remove, AccountId=account_id)[1])
    aws.clock.advance(days=4)
    reasons.append(refusal(remove, AccountId=account_id)[1])
    aws.owner(account_id).add_payment_instrument()
    reasons.append(refusal(remove, AccountId=account_id)[1])
    account.phone_status = "VERIFIED"
    reasons.append(refusal(remove, AccountId=account_id)[1])
    aws.owner(account_id).accept_agreement()
    remove(AccountId=account_id)

    assert reasons == [
        "WAIT_PERIOD_ACTIVE",
        "MEMBER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED",
        "ACCOUNT_CANNOT_LEAVE_WITHOUT_PHONE_VERIFICATION",
        "ACCOUNT_CANNOT_LEAVE_WITHOUT_EULA",
    ]
    assert refusal(remove, AccountId=account_id)[0] == "AccountNotFoundException"
    assert (account.organization, account.tags) == (None, {})


def test_the_payer_and_delegates_stay(aws: StrictAWS) -> None:
    knobs(aws, wait_days=0)
    delegate = aws.create_account(name="tools", email="tools@msp.example")
    organizations = aws.client("organizations")
    organizations.register_delegated_administrator(
        AccountId=delegate, ServicePrincipal="iam.amazonaws.com"
    )
    remove = organizations.remove_account_from_organization

    assert refusal(remove, AccountId=PAYER)[0] == "MasterCannotLeaveOrganizationException"
    assert refusal(organizations.leave_organization)[0] == "MasterCannotLeaveOrganizationException"
    assert (
        refusal(remove, AccountId=delegate)[1] == "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"
    )


def test_an_account_closes_by_stages_and_is_gone_after_ninety_days(aws: StrictAWS) -> None:
    organizations = aws.client("organizations")
    account_id = aws.create_account(name="old", email="old@msp.example")

    def state() -> str:
        return str(organizations.describe_account(AccountId=account_id)["Account"]["State"])

    organizations.close_account(AccountId=account_id)
    assert state() == "PENDING_CLOSURE"
    aws.clock.advance(seconds=60)
    assert state() == "SUSPENDED"
    assert refusal(organizations.close_account, AccountId=account_id)[0] == (
        "AccountAlreadyClosedException"
    )
    role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
    assume = aws.client("sts").assume_role
    assert refusal(assume, RoleArn=role, RoleSessionName="late")[0] == "AccessDenied"
    aws.clock.advance(days=90)
    assert refusal(organizations.describe_account, AccountId=account_id)[0] == (
        "AccountNotFoundException"
    )
    assert [a["Id"] for a in organizations.list_accounts()["Accounts"]] == [PAYER]


def test_closing_has_quotas_and_spares_the_payer(aws: StrictAWS) -> None:
    knobs(aws, closures_floor=4)
    organizations = aws.client("organizations")
    ids = [aws.create_account(name="a", email=f"a{n}@msp.example") for n in range(5)]
    close = organizations.close_account
    for account_id in ids[:3]:
        close(AccountId=account_id)

    assert refusal(close, AccountId=ids[3])[1] == "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED"
    aws.clock.advance(seconds=60)
    close(AccountId=ids[3])
    assert refusal(close, AccountId=ids[4])[1] == "CLOSE_ACCOUNT_QUOTA_EXCEEDED"
    assert refusal(close, AccountId=PAYER)[1] == "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"


def test_the_same_seed_gives_the_same_ids_and_an_id_can_be_reserved() -> None:
    def made() -> list[str]:
        with StrictAWS(seed=7, rules=Rules(creation_polls=1)) as aws:
            organization_id = aws.set_up_organization()
            aws.reserve_id("b@msp.example", "836060457634")
            emails = ("a@msp.example", "b@msp.example")
            return [organization_id, *(aws.create_account(name="x", email=e) for e in emails)]

    first = made()

    assert first == made()
    assert first[2] == "836060457634"
