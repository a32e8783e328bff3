"""The next step of an onboarding: adopted before created, refused in plain words, proved."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import botocore.session
import pytest

from accounts.aws.error_policy import CREATION_FAILURES, Reaction, creation_meaning, meaning_of
from accounts.engine.back_off import with_back_off
from accounts.engine.transitions import retry
from accounts.iam.role_catalogue import CATALOGUE, MSP_AUTOMATION, MSP_BILLING, as_deployed
from accounts.iam.trust_policies import automation_trust
from accounts.model.decision import Done, NeedsHuman, Refusal, Wait
from accounts.model.lifecycle import Stage, WaitKind
from accounts.model.organization import OnboardingKind
from accounts.model.record import Record
from accounts.model.request import AccountRequest, Consent, check_request
from accounts.onboarding.creation import batch_ends_at
from accounts.onboarding.plan import plan_of
from kernel.errors import BadInput
from kernel.findings import Severity
from tests.support.accounts_aws import Aws, Worker
from tests.support.accounts_reseller import CREATE, DESK, EXTERNAL_ID, MEMBER, NOW, PAYER, RESELLER

INVITE = AccountRequest(
    onboarding_id="onb-9b1c",
    kind=OnboardingKind.INVITE,
    client_key="globex",
    account_name="Globex (9b1c)",
    email="",
    account_id="444444444444",
    external_id=EXTERNAL_ID,
    roles=CATALOGUE,
)
TRANSFER = AccountRequest(
    onboarding_id="onb-c0de",
    kind=OnboardingKind.BILLING_TRANSFER,
    client_key="initech",
    account_name="Initech (c0de)",
    email="",
    account_id="555555555555",
    external_id=EXTERNAL_ID,
    roles=as_deployed([MSP_BILLING]),
    transfer_starts_at=datetime(2026, 12, 1, tzinfo=UTC),
)
BERLIN_IN_WINTER = timezone(timedelta(hours=1))


def test_a_created_account_is_the_clients_from_the_day_it_joined() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()

    assert worker.stored.assigned_on == date(2026, 11, 23)
    assert worker.stored.account_id == MEMBER


def test_the_creation_carries_name_address_and_tags_that_find_it_again() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()

    (call,) = [call for call in worker.aws.sent if call.operation == "CreateAccount"]
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


def test_once_adopted_the_account_loses_its_token_and_is_renamed_once() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()

    assert worker.aws.accounts[MEMBER]["name"] == "prod"
    assert [row["AccountName"] for row in worker.aws.creations] == ["Acme prod (7f3a)"]
    operations = [call.operation for call in worker.aws.sent]
    assert operations.count("PutAccountName") == 1
    assert operations.index("ListTagsForResource") < operations.index("PutAccountName")


def test_an_onboarding_of_before_the_two_names_keeps_the_one_it_was_asked_for() -> None:
    before = replace(CREATE, account_name="Acme prod (7f3a)", name_with_token="")
    worker = Worker(Aws(), before)

    assert isinstance(worker.run(), Done)
    assert worker.aws.accounts[MEMBER]["name"] == "Acme prod (7f3a)"
    assert worker.aws.count("PutAccountName") == 0


def test_every_role_is_proved_both_ways() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()

    names = ["MspAdmin", "MspAutomation", "MspBilling", "MspEngineer", "MspOnCall"]
    assert sorted(worker.stored.proofs) == [
        "enter_account:MspBootstrap",
        *(f"prove_access:{name}" for name in names),
        *(f"prove_refusal:no {name}" for name in sorted([*names, "MspBootstrap"])),
    ]
    assert "AccessDenied" in worker.stored.proofs["prove_refusal:no MspAdmin"].words


def test_a_role_that_opens_without_mfa_stops_the_onboarding() -> None:
    worker = Worker(Aws(), CREATE)
    worker.stored = replace(worker.stored, stage=Stage.ROLES_IN_PLACE, account_id=MEMBER)
    Worker(worker.aws, CREATE).run()
    role = worker.aws.accounts[MEMBER]["roles"]["MspAdmin"]
    role["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition")

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == (
        "arn:aws:iam::333333333333:role/msp/MspAdmin can be assumed without MFA"
    )


def test_people_without_a_probe_user_are_left_to_a_person() -> None:
    reseller = replace(RESELLER, probe_teams=frozenset())
    worker = Worker(Aws(), CREATE, reseller=reseller)

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
def test_a_passing_failure_is_tried_again(failure: str, creations: int) -> None:
    worker = Worker(Aws(creation_failures=[failure]), CREATE)

    assert isinstance(worker.run(), Done)
    assert len(worker.aws.creations) == creations
    assert [intent.failure for intent in worker.stored.intents] == [failure, ""]


def test_the_third_internal_failure_is_the_last() -> None:
    worker = Worker(Aws(creation_failures=["INTERNAL_FAILURE"] * 9), CREATE)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.aws_words == "INTERNAL_FAILURE"
    assert len(worker.aws.creations) == 3


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
    failure: str, what_to_do: str, stops_all: bool
) -> None:
    worker = Worker(Aws(creation_failures=[failure]), CREATE)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert what_to_do in decision.what_to_do
    assert decision.stops_all is stops_all
    assert len(worker.aws.creations) == 1


def test_a_full_organization_blocks_and_goes_on_when_there_is_room() -> None:
    worker = Worker(Aws(creation_failures=["ACCOUNT_LIMIT_EXCEEDED"]), CREATE)
    worker.visit()
    worker.aws.now += timedelta(seconds=30)

    decision = worker.visit()

    assert isinstance(decision, Wait)
    assert decision.kind is WaitKind.BLOCKED
    assert decision.aws_words == "ACCOUNT_LIMIT_EXCEEDED"
    assert isinstance(worker.run(), Done)


def test_a_sixth_creation_in_flight_waits() -> None:
    aws = Aws(creation_takes=timedelta(minutes=10))
    for number in range(5):
        other = replace(
            CREATE,
            onboarding_id=f"onb-000{number}",
            name_with_token=f"A (000{number})",
            email=f"aws+{number}@msp.example",
        )
        Worker(aws, other).visit()
    worker = Worker(aws, CREATE)

    decision = worker.visit()

    assert isinstance(decision, Wait)
    assert decision.reason == "AWS creates 5 accounts at a time"
    assert len(aws.creations) == 5


def test_a_hundred_creations_are_estimated_at_an_hour_and_five_minutes() -> None:
    assert batch_ends_at(100, NOW) - NOW == timedelta(minutes=65)


def test_an_account_of_the_same_address_without_our_tag_is_not_adopted() -> None:
    aws = Aws()
    aws._add("999999999999", "Somebody", "AWSaccounts+ACME-7f3a@msp.example", {})

    decision = Worker(aws, CREATE).run()

    assert isinstance(decision, NeedsHuman)
    assert "account 999999999999 of the organization has the e-mail address" in decision.reason
    assert aws.creations == []


def test_a_retry_with_a_corrected_address_creates_once_more() -> None:
    worker = Worker(Aws(creation_failures=["INVALID_EMAIL"]), CREATE)
    worker.run()
    worker.stored = retry(worker.stored)
    worker.request = replace(CREATE, email="awsaccounts+acme2-7f3a@msp.example")

    assert isinstance(worker.run(), Done)
    assert len(worker.aws.creations) == 2
    assert len(worker.aws.accounts) == 1


def test_an_attempt_of_unknown_fate_is_never_written_off() -> None:
    worker = Worker(Aws(), CREATE)
    worker.visit()

    assert retry(worker.stored).forgiven == 0


def test_a_suspended_account_stops_between_any_two_steps() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()
    worker.aws.accounts[MEMBER]["state"] = "SUSPENDED"
    worker.stored = replace(worker.stored, stage=Stage.IN_OU)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "AWS says that the account is SUSPENDED"


def test_root_credentials_of_a_created_account_are_deleted() -> None:
    worker = Worker(Aws(), CREATE)
    Worker(worker.aws, CREATE).run()
    worker.aws.accounts[MEMBER]["root"]["AccountPasswordPresent"] = 1

    assert isinstance(worker.run(), Done)
    assert worker.aws.accounts[MEMBER]["root"]["AccountPasswordPresent"] == 0


# Invited


def invited_until_accepted() -> Worker:
    worker = Worker(Aws(), INVITE)
    decision = worker.run()
    assert isinstance(decision, Wait)
    assert decision.kind is WaitKind.WAITING_CLIENT
    assert decision.expires_at == NOW + timedelta(days=15, seconds=3)
    return worker


def accepted() -> Worker:
    worker = invited_until_accepted()
    worker.aws.invited_account("444444444444", "root@globex.example")
    return worker


def test_an_invitation_waits_for_the_client_and_then_for_the_role() -> None:
    worker = accepted()

    decision = worker.run()

    assert isinstance(decision, Wait)
    assert decision.kind is WaitKind.WAITING_CLIENT
    assert "deploy the role MspBootstrap" in decision.reason
    assert worker.stored.stage is Stage.IN_OU


def test_an_invited_account_is_live_once_its_client_let_us_in() -> None:
    worker = accepted()
    worker.run()
    trust = automation_trust(RESELLER, external_id=EXTERNAL_ID)
    worker.aws.deploy_bootstrap("444444444444", trust)
    worker.aws.now += timedelta(minutes=15)

    assert isinstance(worker.run(), Done)
    assert worker.aws.accounts["444444444444"]["name"] == "Client's own name"
    assert worker.aws.count("InviteAccountToOrganization") == 1


def test_an_invited_clients_root_credentials_are_told_and_kept() -> None:
    worker = accepted()
    worker.aws.accounts["444444444444"]["root"] = {"AccountAccessKeysPresent": 1}
    trust = automation_trust(RESELLER, external_id=EXTERNAL_ID)
    worker.aws.deploy_bootstrap("444444444444", trust)

    decision = worker.run()

    assert isinstance(decision, Done)
    (finding,) = decision.findings
    assert finding.severity is Severity.CRITICAL
    assert finding.message == "has root access keys; delete it, or have the client do so"


def test_the_clients_own_contacts_are_remembered() -> None:
    worker = accepted()
    theirs = {
        "Name": "A. Globex", "Title": "CFO", "EmailAddress": "cfo@globex.example",
        "PhoneNumber": "+1 555 0100", "AlternateContactType": "BILLING",
    }  # fmt: skip
    worker.aws.accounts["444444444444"]["contacts"]["BILLING"] = theirs
    worker.run()

    kept = worker.stored.prior_contacts
    assert kept["SECURITY"] is None
    assert kept["BILLING"] is not None
    assert kept["BILLING"].email == "cfo@globex.example"
    ours = worker.aws.accounts["444444444444"]["contacts"]["BILLING"]
    assert ours["EmailAddress"] == DESK.email


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("DECLINED", "the invitation was declined"),
        ("CANCELED", "the invitation was cancelled"),
        ("EXPIRED", "the invitation has expired"),
    ],
)
def test_an_ended_invitation_asks_a_person_and_retry_sends_a_new_one(
    state: str, reason: str
) -> None:
    worker = invited_until_accepted()
    worker.aws.handshakes[0]["State"] = state

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == reason
    worker.stored = retry(worker.stored)
    assert isinstance(worker.run(), Wait)
    assert [row["State"] for row in worker.aws.handshakes] == [state, "OPEN"]


def test_an_account_in_another_organization_is_told_in_plain_words() -> None:
    aws = Aws()
    aws.refuse_next["InviteAccountToOrganization"] = [
        Refusal(
            code="HandshakeConstraintViolationException",
            reason="ALREADY_IN_AN_ORGANIZATION",
            message="The account is a member of another organization.",
        )
    ]

    decision = Worker(aws, INVITE).run()

    assert isinstance(decision, NeedsHuman)
    assert "let the client leave it, or accept the transfer there" in decision.what_to_do
    assert "ALREADY_IN_AN_ORGANIZATION" in decision.aws_words


def test_an_account_that_is_a_member_already_is_not_linked_twice() -> None:
    aws = Aws()
    aws._add("444444444444", "Globex", "root@globex.example", {"msp:onboarding-id": "onb-old1"})

    decision = Worker(aws, INVITE).run()

    assert isinstance(decision, NeedsHuman)
    assert aws.handshakes == []


def test_a_role_name_of_the_clients_own_is_left_alone() -> None:
    worker = accepted()
    trust = automation_trust(RESELLER, external_id=EXTERNAL_ID)
    worker.aws.deploy_bootstrap("444444444444", trust)
    roles = worker.aws.accounts["444444444444"]["roles"]
    roles["MspAdmin"] = {**roles["MspBootstrap"], "RoleName": "MspAdmin"}

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason.startswith("the account has a role MspAdmin that is not ours")


# Billing transfer


def test_a_billing_transfer_starts_with_its_month_and_has_deployed_roles_only() -> None:
    worker = Worker(Aws(), TRANSFER)
    decision = worker.run()
    assert isinstance(decision, Wait)
    assert decision.expires_at == datetime(2026, 12, 1, tzinfo=UTC)
    worker.aws.transfers[0]["Status"] = "ACCEPTED"
    worker.aws.now = datetime(2026, 11, 24, tzinfo=UTC)

    waits = worker.visit()

    assert isinstance(waits, Wait)
    assert waits.reason == "the billing transfer starts on 2026-12-01"
    worker.aws.now = datetime(2026, 12, 1, tzinfo=UTC)
    worker.visit()
    assert worker.stored.assigned_on == date(2026, 12, 1)
    worker.aws._add("555555555555", "Initech", "root@initech.example", {})
    trust = automation_trust(RESELLER, external_id=EXTERNAL_ID)
    worker.aws.accounts["555555555555"]["roles"]["MspBilling"] = {"AssumeRolePolicyDocument": trust}
    assert isinstance(worker.run(), Done)
    assert worker.aws.count("MoveAccount") == 0


# Requests


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (replace(CREATE, account_id=MEMBER), "has no account_id yet"),
        (replace(CREATE, email="x" * 65), "does not take the e-mail address"),
        (replace(CREATE, account_name="Müller"), "does not take 'Müller'"),
        (replace(CREATE, name_with_token="Müller (7f3a)"), "does not take 'Müller"),
        (replace(CREATE, name_with_token=""), "'prod' lacks the token 7f3a"),
        (replace(CREATE, external_id="short"), "ExternalId has 16 to 1224"),
        (replace(CREATE, roles=(MSP_BILLING, MSP_BILLING)), "asked for twice"),
        (replace(INVITE, account_id="123"), "twelve digits"),
        (replace(INVITE, account_id=PAYER), "our own payer account"),
        (replace(TRANSFER, roles=(MSP_BILLING,)), "roles for automation only"),
        (
            replace(TRANSFER, transfer_starts_at=datetime(2026, 12, 2, tzinfo=UTC)),
            "first of a month at 00:00 UTC",
        ),
        (
            replace(TRANSFER, transfer_starts_at=datetime(2026, 12, 1, tzinfo=BERLIN_IN_WINTER)),
            "first of a month at 00:00 UTC, not 2026-12-01 00:00:00\\+01:00",
        ),
        (
            replace(TRANSFER, transfer_starts_at=datetime(2026, 12, 1)),  # noqa: DTZ001 - the fault
            "needs transfer_starts_at, an instant in UTC",
        ),
        (replace(TRANSFER, transfer_starts_at=None), "needs transfer_starts_at"),
    ],
)
def test_a_request_aws_would_refuse_is_refused_before_any_write(
    request_: AccountRequest, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        check_request(RESELLER, request_)


def test_sound_requests_pass() -> None:
    assert check_request(RESELLER, CREATE) is CREATE
    assert check_request(RESELLER, INVITE) is INVITE
    assert check_request(RESELLER, TRANSFER) == TRANSFER


@pytest.mark.parametrize(
    "told",
    [
        datetime(2026, 12, 1, 1, 0, tzinfo=BERLIN_IN_WINTER),
        datetime(2026, 11, 30, 19, 0, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_the_first_of_a_month_may_be_told_in_any_zone_and_is_kept_in_utc(told: datetime) -> None:
    checked = check_request(RESELLER, replace(TRANSFER, transfer_starts_at=told))

    assert checked.transfer_starts_at is not None
    assert checked.transfer_starts_at.isoformat() == "2026-12-01T00:00:00+00:00"


def test_the_plan_can_be_shown_beforehand() -> None:
    assert plan_of(TRANSFER) == (
        ("invited", ("organization_fit", "transfer_asked")),
        ("linked", ("transferred", "assigned")),
        ("verified", ("proved",)),
        ("live", ()),
    )


# Refusals


@pytest.mark.parametrize(
    ("code", "reason", "means"),
    [
        ("TooManyRequestsException", "", Reaction.TRY_AGAIN),
        ("ConcurrentModificationException", "", Reaction.TRY_AGAIN),
        ("ResponseLost", "", Reaction.TRY_AGAIN),
        ("DuplicateHandshakeException", "", Reaction.LOOK_AGAIN),
        ("EntityAlreadyExists", "", Reaction.LOOK_AGAIN),
        ("ConstraintViolationException", "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED", Reaction.WAIT),
        ("ConstraintViolationException", "WAIT_PERIOD_ACTIVE", Reaction.WAIT),
        ("HandshakeConstraintViolationException", "PAYMENT_INSTRUMENT_REQUIRED", Reaction.ASK),
        ("SomethingNewException", "", Reaction.ASK),
    ],
)
def test_a_refusal_means_one_thing(code: str, reason: str, means: Reaction) -> None:
    assert meaning_of(Refusal(code=code, reason=reason)).means is means


def test_a_call_time_refusal_counts_as_its_reason() -> None:
    assert creation_meaning("ACCOUNT_NUMBER_LIMIT_EXCEEDED").wait_kind is WaitKind.BLOCKED


def test_throttles_back_off_and_fifteen_minutes_of_denial_ask_a_person() -> None:
    worker = Worker(Aws(), CREATE)
    denied = Refusal(code="AccessDenied", message="not authorized")
    worker.aws.refuse_next["AssumeRole"] = [denied] * 50

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.aws_words == "AccessDenied not authorized"
    trouble = worker.stored.troubles["enter_account:MspBootstrap"]
    assert timedelta(minutes=15) <= trouble.at - trouble.first_at <= timedelta(minutes=35)
    assert trouble.attempts == 9


def test_what_was_not_refused_before_is_sent_at_once() -> None:
    done = Done()

    assert with_back_off(done, Record(), NOW) is done


def test_consent_lets_a_changed_role_of_an_invited_client_be_repaired() -> None:
    worker = accepted()
    trust = automation_trust(RESELLER, external_id=EXTERNAL_ID)
    worker.aws.deploy_bootstrap("444444444444", trust)
    worker.run()
    roles = worker.aws.accounts["444444444444"]["roles"]
    roles["MspOnCall"]["RolePolicyList"] = []
    roles["MspOnCall"]["Tags"] = [
        {"Key": "msp:managed", "Value": "true"},
        {"Key": "msp:onboarding-id", "Value": "onb-old1"},
    ]
    worker.stored = replace(worker.stored, stage=Stage.IN_OU)

    refused = worker.run()

    assert isinstance(refused, NeedsHuman)
    assert refused.reason.startswith("the role MspOnCall was changed by the client")
    worker.request = replace(INVITE, consents=frozenset({Consent.REPAIR_ROLES}))
    assert isinstance(worker.run(), Done)
    assert roles["MspOnCall"]["RolePolicyList"][0]["PolicyName"] == "msp"
    assert MSP_AUTOMATION.name in roles
