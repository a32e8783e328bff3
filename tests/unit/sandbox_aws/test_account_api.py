"""Contacts, names, e-mail and phone of members, and the billing set-up, behave as in AWS."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import PAYER, Clock, Message, StrictAWS

NEW = "it@acme.example"
CONTACT = {
    "FullName": "Ann Acme",
    "AddressLine1": "5 Road",
    "City": "Cork",
    "PostalCode": "T12",
    "CountryCode": "IE",
    "PhoneNumber": "+353 21 5550199",
}


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


def test_the_three_alternate_contacts_are_kept_per_account(aws: StrictAWS, member: str) -> None:
    account = aws.client("account")
    contact = {
        "AccountId": member,
        "AlternateContactType": "SECURITY",
        "EmailAddress": "security@msp.example",
        "Name": "Security desk",
        "PhoneNumber": "+353 21 5550100",
        "Title": "On call",
    }
    account.put_alternate_contact(**contact)
    which = {"AccountId": member, "AlternateContactType": "SECURITY"}

    found = account.get_alternate_contact(**which)["AlternateContact"]
    assert found["EmailAddress"] == "security@msp.example"
    own = aws.client("account", member).get_alternate_contact(AlternateContactType="SECURITY")
    assert own["AlternateContact"] == found
    account.delete_alternate_contact(**which)
    assert refusal(account.get_alternate_contact, **which) == "ResourceNotFoundException"
    assert refusal(account.put_alternate_contact, **contact | {"EmailAddress": "nobody"}) == (
        "ValidationException"
    )


def test_the_payer_reaches_members_only_with_trusted_access_and_never_itself_by_name(
    aws: StrictAWS, member: str
) -> None:
    account = aws.client("account")
    get = account.get_contact_information
    aws.add_standalone("222222222222", email="x@else.example")

    assert get()["ContactInformation"]["FullName"] == "Reseller Owner"
    assert get(AccountId=member)["VerificationStatus"] == "UNVERIFIED"
    assert refusal(get, AccountId=PAYER) == "AccessDeniedException"
    assert refusal(get, AccountId="222222222222") == "AccessDeniedException"
    assert refusal(aws.client("account", member).get_contact_information, AccountId=PAYER) == (
        "AccessDeniedException"
    )
    aws.client("organizations").disable_aws_service_access(ServicePrincipal="account.amazonaws.com")
    assert refusal(get, AccountId=member) == "AccessDeniedException"


def test_an_account_is_renamed(aws: StrictAWS, member: str) -> None:
    account = aws.client("account")
    account.put_account_name(AccountId=member, AccountName="Acme production")

    information = account.get_account_information(AccountId=member)
    assert (information["AccountName"], information["AccountState"]) == (
        "Acme production",
        "ACTIVE",
    )
    assert refusal(account.put_account_name, AccountId=member, AccountName="a<b") == (
        "ValidationException"
    )


def test_the_root_e_mail_changes_with_the_code_sent_to_the_new_address(
    aws: StrictAWS, member: str
) -> None:
    account, forwarded = aws.client("account"), list[Message]()
    aws.mail.forward = forwarded.append
    which = {"AccountId": member, "PrimaryEmail": NEW}

    assert account.start_primary_email_update(**which)["Status"] == "PENDING"
    assert [m.to for m in forwarded] == [NEW]
    wrong = refusal(account.accept_primary_email_update, **which, Otp="x00000")
    code = aws.mail.code_for(NEW)
    assert account.accept_primary_email_update(**which, Otp=code)["Status"] == "ACCEPTED"

    assert wrong == "ValidationException"
    assert account.get_primary_email(AccountId=member)["PrimaryEmail"] == NEW
    status = account.get_primary_email_update_status(AccountId=member)
    assert status["Status"] == "COMPLETED"
    described = aws.client("organizations").describe_account(AccountId=member)["Account"]
    assert described["Email"] == NEW
    accepts = aws.calls("account:AcceptPrimaryEmailUpdate")
    assert [entry.params["Otp"] for entry in accepts] == ["***", "***"], "the wrong one, the right"


def test_a_code_expires_and_a_taken_address_is_refused(aws: StrictAWS, member: str) -> None:
    account = aws.client("account")
    which = {"AccountId": member, "PrimaryEmail": NEW}
    account.start_primary_email_update(**which)
    aws.clock.advance(seconds=1_801)

    expired = refusal(account.accept_primary_email_update, **which, Otp=aws.mail.code_for(NEW))
    again = refusal(account.accept_primary_email_update, **which, Otp=aws.mail.code_for(NEW))
    taken = {"AccountId": member, "PrimaryEmail": "PAYER@msp.example"}

    assert (expired, again) == ("ValidationException", "ResourceNotFoundException")
    assert refusal(account.start_primary_email_update, **taken) == "ConflictException"


def test_a_new_phone_number_is_verified_from_the_payer(aws: StrictAWS, member: str) -> None:
    account = aws.client("account")
    account.put_contact_information(AccountId=member, ContactInformation=CONTACT)

    assert account.send_phone_number_verification(AccountId=member)["Status"] == "PENDING"
    code = aws.mail.code_for("+353 21 5550199")
    assert refusal(account.verify_phone_number, AccountId=member, Otp="zzzzzz") == (
        "ValidationException"
    )
    assert account.verify_phone_number(AccountId=member, Otp=code)["Status"] == "VERIFIED"
    assert account.get_contact_information(AccountId=member)["VerificationStatus"] == "VERIFIED"
    assert refusal(account.send_phone_number_verification, AccountId=member) == "ConflictException"


def test_a_region_is_switched_on_by_and_by(aws: StrictAWS, member: str) -> None:
    aws.world.rules = replace(aws.world.rules, region_seconds=600)
    account = aws.client("account")
    which = {"AccountId": member, "RegionName": "eu-south-1"}

    def status() -> str:
        return str(account.get_region_opt_status(**which)["RegionOptStatus"])

    assert status() == "DISABLED"
    account.enable_region(**which)
    assert status() == "ENABLING"
    assert refusal(account.disable_region, **which) == "ConflictException"
    aws.clock.advance(seconds=600)
    assert status() == "ENABLED"
    enabled = account.list_regions(AccountId=member, RegionOptStatusContains=["ENABLED"])
    assert [r["RegionName"] for r in enabled["Regions"]] == ["eu-south-1"]


# Billing. ------------------------------------------------------------------------------


def test_a_cost_allocation_tag_is_activated_once_an_account_carries_it(
    aws: StrictAWS, member: str
) -> None:
    ce = aws.client("ce")
    wanted = {"CostAllocationTagsStatus": [{"TagKey": "msp:client", "Status": "Active"}]}
    assert [e["TagKey"] for e in ce.update_cost_allocation_tags_status(**wanted)["Errors"]] == [
        "msp:client"
    ]
    aws.client("organizations").tag_resource(
        ResourceId=member, Tags=[{"Key": "msp:client", "Value": "acme"}]
    )

    assert ce.update_cost_allocation_tags_status(**wanted)["Errors"] == []
    listed = ce.list_cost_allocation_tags(Status="Active")["CostAllocationTags"]
    assert [(t["TagKey"], t["Status"]) for t in listed] == [("msp:client", "Active")]
    theirs = aws.client("ce", member).update_cost_allocation_tags_status
    assert refusal(theirs, **wanted) == "AccessDeniedException"


def test_a_budget_is_made_once_and_then_updated(aws: StrictAWS) -> None:
    budgets = aws.client("budgets")
    notification = {
        "NotificationType": "ACTUAL",
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": 80.0,
        "ThresholdType": "PERCENTAGE",
    }
    subscribers = [{"SubscriptionType": "EMAIL", "Address": "ops@msp.example"}]

    def budget(amount: str) -> dict[str, Any]:
        limit = {"Amount": amount, "Unit": "USD"}
        return {
            "BudgetName": "msp-acme",
            "BudgetLimit": limit,
            "TimeUnit": "MONTHLY",
            "BudgetType": "COST",
        }

    made = {
        "AccountId": PAYER,
        "Budget": budget("100"),
        "NotificationsWithSubscribers": [
            {"Notification": notification, "Subscribers": subscribers}
        ],
    }
    budgets.create_budget(**made)
    assert refusal(budgets.create_budget, **made) == "DuplicateRecordException"
    budgets.update_budget(AccountId=PAYER, NewBudget=budget("250"))

    which = {"AccountId": PAYER, "BudgetName": "msp-acme"}
    found = budgets.describe_budget(**which)["Budget"]
    assert found["BudgetLimit"]["Amount"] == "250"
    told = budgets.describe_subscribers_for_notification(**which, Notification=notification)
    assert told["Subscribers"] == subscribers
    missing = budget("1") | {"BudgetName": "nothing"}
    assert refusal(budgets.update_budget, AccountId=PAYER, NewBudget=missing) == (
        "NotFoundException"
    )


def test_an_anomaly_monitor_can_be_made_twice(aws: StrictAWS) -> None:
    ce = aws.client("ce")
    monitor = {
        "MonitorName": "accounts",
        "MonitorType": "DIMENSIONAL",
        "MonitorDimension": "SERVICE",
    }
    arns = {ce.create_anomaly_monitor(AnomalyMonitor=monitor)["MonitorArn"] for _ in range(2)}

    assert {m["MonitorArn"] for m in ce.get_anomaly_monitors()["AnomalyMonitors"]} == arns
    assert len(arns) == 2
    subscription = {
        "MonitorArnList": sorted(arns),
        "Subscribers": [{"Address": "ops@msp.example", "Type": "EMAIL"}],
        "Frequency": "DAILY",
        "SubscriptionName": "ops",
    }
    ce.create_anomaly_subscription(AnomalySubscription=subscription)
    assert len(ce.get_anomaly_subscriptions()["AnomalySubscriptions"]) == 1


def test_the_account_quota_can_be_read(aws: StrictAWS) -> None:
    quota = aws.client("service-quotas").get_service_quota(
        ServiceCode="organizations", QuotaCode="L-29A0C5DF"
    )

    assert quota["Quota"]["Value"] == 1_000.0


def test_some_countries_need_a_state_or_region(aws: StrictAWS) -> None:
    """API reference, `ContactInformation`: US, CA, GB, DE, JP, IN and BR."""
    account = aws.client("account")
    for country in ("US", "CA", "GB", "DE", "JP", "IN", "BR"):
        without = CONTACT | {"CountryCode": country}
        code = refusal(account.put_contact_information, ContactInformation=without)
        assert code == "ValidationException"
        account.put_contact_information(ContactInformation=without | {"StateOrRegion": "NJ"})
