"""A created account: adopted before created, named, proved, and every failure told apart."""

import json
from dataclasses import replace
from datetime import date, timedelta, timezone

import botocore.session
import pytest

from accounts.aws.error_policy import CREATION_FAILURES
from accounts.engine.transitions import retry
from accounts.model.decision import Done, NeedsHuman, Wait
from accounts.model.lifecycle import Stage, WaitKind
from accounts.model.record import Record
from accounts.onboarding.creation import batch_ends_at
from sandbox.aws import Fault, Rules
from tests.support.accounts_reseller import (
    ACCESS,
    CREATE,
    MEMBER,
    NOW,
    PAYER,
)
from tests.support.core_worker import Worker, trust_of

BERLIN_IN_WINTER = timezone(timedelta(hours=1))


def test_a_created_account_is_the_clients_from_the_day_it_joined(
    worker: Worker,
) -> None:
    worker.run()

    assert worker.stored.assigned_on == date(2026, 11, 23)
    assert worker.stored.account_id == MEMBER


def test_the_creation_carries_name_address_and_tags_that_find_it_again(
    worker: Worker,
) -> None:
    worker.run()

    (call,) = [call for call in worker.sent if call.operation == "CreateAccount"]
    assert call.arguments == {
        "Email": "awsaccounts+acme-7f3a@msp.example",
        "AccountName": "Acme prod (7f3a)",
        "RoleName": "MspBootstrap",
        "IamUserAccessToBilling": "ALLOW",
        "Tags": [
            {"Key": "msp:onboarding-id", "Value": "onb-7f3a"},
            {"Key": "msp:client", "Value": "acme"},
        ],
    }


def test_once_adopted_the_account_loses_its_token_and_is_renamed_once(worker: Worker) -> None:
    worker.run()

    assert worker.aws.account(MEMBER).name == "prod"
    asked = [call for call in worker.sent if call.operation == "CreateAccount"]
    assert [call.arguments["AccountName"] for call in asked] == ["Acme prod (7f3a)"]
    operations = [call.operation for call in worker.sent]
    assert operations.count("PutAccountName") == 1
    assert operations.index("ListTagsForResource") < operations.index("PutAccountName")


def test_an_onboarding_of_before_the_two_names_keeps_the_one_it_was_asked_for(
    worker: Worker,
) -> None:
    worker.request = replace(CREATE, account_name="Acme prod (7f3a)", name_with_token="")

    assert isinstance(worker.run(), Done)
    assert worker.aws.account(MEMBER).name == "Acme prod (7f3a)"
    assert worker.count("PutAccountName") == 0


def test_every_role_is_proved_both_ways(
    worker: Worker,
) -> None:
    worker.run()

    names = ["MspAdmin", "MspAutomation", "MspBilling", "MspEngineer", "MspOnCall"]
    assert sorted(worker.stored.proofs) == [
        "enter_account:MspBootstrap",
        *(f"prove_access:{name}" for name in names),
        *(f"prove_refusal:no {name}" for name in sorted([*names, "MspBootstrap"])),
    ]
    assert "AccessDenied" in worker.stored.proofs["prove_refusal:no MspAdmin"].words


def test_a_role_that_opens_without_mfa_stops_the_onboarding(
    worker: Worker,
) -> None:
    worker.run()
    trust = trust_of(worker, "MspAdmin")
    trust["Statement"][0].pop("Condition")
    worker.change("UpdateAssumeRolePolicy", RoleName="MspAdmin", PolicyDocument=json.dumps(trust))
    worker.stored = Record(stage=Stage.ROLES_IN_PLACE, account_id=MEMBER)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == (
        "arn:aws:iam::333333333333:role/msp/MspAdmin can be assumed without MFA"
    )


def test_people_without_a_probe_user_are_left_to_a_person(
    worker: Worker,
) -> None:
    worker.reseller = replace(worker.reseller, probe_teams=frozenset())

    decision = worker.run()

    assert isinstance(decision, Done)
    assert [finding.where for finding in decision.findings] == [
        "MspAdmin", "MspBilling", "MspEngineer", "MspOnCall",
    ]  # fmt: skip


def test_every_failure_reason_of_aws_has_a_meaning() -> None:
    model = botocore.session.get_session().get_service_model("organizations")

    reasons = model.shape_for("CreateAccountFailureReason").metadata["enum"]

    assert set(CREATION_FAILURES) == set(reasons)


@pytest.mark.parametrize(
    ("failure", "creations"),
    [("INTERNAL_FAILURE", 2), ("CONCURRENT_ACCOUNT_MODIFICATION", 2)],
)
def test_a_passing_failure_is_tried_again(worker: Worker, failure: str, creations: int) -> None:
    worker.aws.fail_creation(CREATE.email, failure)

    assert isinstance(worker.run(), Done)
    assert len(worker.organization.requests) == creations
    assert [intent.failure for intent in worker.stored.intents] == [failure, ""]


def test_the_third_internal_failure_is_the_last(
    worker: Worker,
) -> None:
    worker.aws.fail_creation(CREATE.email, *["INTERNAL_FAILURE"] * 9)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.aws_words == "INTERNAL_FAILURE"
    assert len(worker.organization.requests) == 3


@pytest.mark.parametrize(
    ("failure", "what_to_do", "stops_all"),
    [
        ("INVALID_EMAIL", "give another e-mail address", False),
        ("MISSING_PAYMENT_INSTRUMENT", "payer account's payment method", True),
        ("PENDING_BUSINESS_VALIDATION", "payer account's payment method", True),
        ("GOVCLOUD_ACCOUNT_ALREADY_EXISTS", "GovCloud account that is there", False),
        ("EMAIL_ALREADY_EXISTS", "another AWS account has this e-mail address", False),
    ],
)
def test_a_lasting_failure_asks_a_person_once(
    worker: Worker, failure: str, what_to_do: str, stops_all: bool
) -> None:
    worker.aws.fail_creation(CREATE.email, failure)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert what_to_do in decision.what_to_do
    assert decision.stops_all is stops_all
    assert len(worker.organization.requests) == 1


def test_a_full_organization_blocks_and_goes_on_when_there_is_room(
    worker: Worker,
) -> None:
    worker.aws.fail_creation(CREATE.email, "ACCOUNT_LIMIT_EXCEEDED")
    decision = worker.visit()
    while isinstance(decision, Wait) and decision.kind is WaitKind.WAITING_AWS:
        worker.aws.clock.advance(seconds=5)
        decision = worker.visit()

    assert isinstance(decision, Wait)
    assert decision.kind is WaitKind.BLOCKED
    assert decision.aws_words == "ACCOUNT_LIMIT_EXCEEDED"
    assert isinstance(worker.run(), Done)


def test_a_sixth_creation_in_flight_waits(
    worker: Worker,
) -> None:
    worker.aws.world.rules = Rules(creation_seconds=600)
    for number in range(5):
        other = replace(
            CREATE,
            onboarding_id=f"onb-000{number}",
            name_with_token=f"A (000{number})",
            email=f"aws+{number}@msp.example",
        )
        worker.anew(other).visit()

    decision = worker.visit()

    assert isinstance(decision, Wait)
    assert decision.reason == "AWS creates 5 accounts at a time"
    assert len(worker.organization.requests) == 5


def test_a_hundred_creations_are_estimated_at_an_hour_and_five_minutes() -> None:
    assert batch_ends_at(100, NOW) - NOW == timedelta(minutes=65)


def test_an_account_of_the_same_address_without_our_tag_is_not_adopted(
    worker: Worker,
) -> None:
    worker.aws.add_member(
        "999999999999", name="Somebody", email="AWSaccounts+ACME-7f3a@msp.example"
    )

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert "account 999999999999 of the organization has the e-mail address" in decision.reason
    assert worker.organization.requests == {}


def test_an_address_that_our_own_lost_request_holds_is_waited_for(worker: Worker) -> None:
    """Lost at 12:00, asked again at 12:05 and refused, shown by the lists at 12:15."""
    worker.aws.world.rules = Rules(listing_seconds=900, request_listing_seconds=900)
    worker.aws.faults.on("organizations:CreateAccount", Fault.TIMEOUT_AFTER)

    assert isinstance(worker.run(), Done)
    assert set(worker.organization.members) == {PAYER, ACCESS, MEMBER}
    assert worker.count("CreateAccount") == 2
    failures = [intent.failure for intent in worker.stored.intents]
    assert failures == ["", "EMAIL_ALREADY_EXISTS"]


def test_an_own_account_that_no_list_shows_for_an_hour_is_told_and_found_by_a_retry(
    worker: Worker,
) -> None:
    worker.aws.world.rules = Rules(listing_seconds=7_200, request_listing_seconds=7_200)
    worker.aws.faults.on("organizations:CreateAccount", Fault.TIMEOUT_AFTER)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.aws_words == "EMAIL_ALREADY_EXISTS"
    assert decision.what_to_do.startswith("it may be ours, for an earlier request got no answer: ")
    # Asked again after five minutes, and waited for an hour from then, at most ten minutes at once.
    assert timedelta(minutes=65) <= worker.aws.clock.now() - NOW < timedelta(minutes=76)

    worker.aws.clock.advance(seconds=3_600)
    worker.stored = retry(worker.stored)

    assert isinstance(worker.run(), Done)
    assert worker.count("CreateAccount") == 2


def test_a_retry_with_a_corrected_address_creates_once_more(
    worker: Worker,
) -> None:
    worker.aws.fail_creation(CREATE.email, "INVALID_EMAIL")
    worker.run()
    worker.stored = retry(worker.stored)
    worker.request = replace(CREATE, email="awsaccounts+acme2-7f3a@msp.example")

    assert isinstance(worker.run(), Done)
    assert len(worker.organization.requests) == 2
    assert set(worker.organization.members) == {PAYER, ACCESS, worker.stored.account_id}


def test_an_attempt_of_unknown_fate_is_never_written_off(
    worker: Worker,
) -> None:
    worker.visit()

    assert retry(worker.stored).forgiven == 0


def test_a_suspended_account_stops_between_any_two_steps(
    worker: Worker,
) -> None:
    worker.run()
    worker.aws.account(MEMBER).suspended = True
    worker.stored = replace(worker.stored, stage=Stage.IN_OU)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "AWS says that the account is SUSPENDED"


def test_root_credentials_of_a_created_account_are_deleted(
    worker: Worker,
) -> None:
    worker.run()
    worker.aws.account(MEMBER).root.password = True

    assert isinstance(worker.anew(CREATE).run(), Done)
    assert not worker.aws.account(MEMBER).root.password
