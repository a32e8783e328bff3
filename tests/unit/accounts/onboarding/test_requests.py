"""What is asked for is judged before any write, and what AWS refuses means one thing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from accounts.aws.error_policy import Reaction, creation_meaning, meaning_of
from accounts.engine.back_off import with_back_off
from accounts.iam.role_catalogue import MSP_BILLING
from accounts.model.decision import Call, Done, NeedsHuman, Refusal, Send, Session, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.record import Record, Trouble
from accounts.model.request import AccountRequest, check_request
from accounts.onboarding.plan import plan_of
from kernel.errors import BadInput
from sandbox.aws import Rules
from tests.support.accounts_reseller import (
    CREATE,
    INVITE,
    MEMBER,
    NOW,
    PAYER,
    RESELLER,
    TRANSFER,
)
from tests.support.core_worker import Worker

BERLIN_IN_WINTER = timezone(timedelta(hours=1))


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


def test_throttles_back_off_and_fifteen_minutes_of_denial_ask_a_person(
    worker: Worker,
) -> None:
    worker.aws.world.rules = Rules(creation_seconds=20, usable_seconds=86_400)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.aws_words == (
        "AccessDenied User: arn:aws:sts::111111111111:assumed-role/msp-onboard/worker is not "
        "authorized to perform: sts:AssumeRole on resource: "
        "arn:aws:iam::333333333333:role/MspBootstrap"
    )
    trouble = worker.stored.troubles["enter_account:MspBootstrap"]
    assert timedelta(minutes=15) <= trouble.at - trouble.first_at <= timedelta(minutes=35)
    assert trouble.attempts == 9


def test_what_was_not_refused_before_is_sent_at_once() -> None:
    done = Done()

    assert with_back_off(done, Record(), NOW) is done


@pytest.mark.parametrize(
    ("refused", "waits"),
    [(timedelta(), True), (timedelta(days=-1), False), (timedelta(365), False)],
)
def test_a_refusal_that_a_clock_ahead_wrote_down_is_not_waited_for(
    refused: timedelta, waits: bool
) -> None:
    """Set right, the clock would reach its time in a year; one of a day ago is over as well."""
    call = Call(
        step="s", service="iam", operation="get_role", arguments={}, send=Send.REPEATABLE,
        session=Session(),
    )  # fmt: skip
    at = NOW + refused
    trouble = Trouble(refusal=Refusal(code="Throttling"), attempts=1, at=at, first_at=at)
    record = Record(troubles={call.key: trouble})

    assert isinstance(with_back_off(call, record, NOW), Wait) == waits
