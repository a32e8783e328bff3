"""What AWS's refusals mean, held against botocore's own lists and AWS's own models."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.retries import standard

from accounts.aws.calls import read, write
from accounts.aws.error_policy import RETRY_WITH_BACK_OFF, ErrorPolicy, Reaction, meaning_of
from accounts.engine.back_off import set_up_item, with_back_off
from accounts.engine.transitions import record_outcome
from accounts.model.decision import Actor, Call, NeedsHuman, Refusal, Session, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.record import Record
from tests.support.accounts_reseller import NOW

SERVICES = (
    "account", "budgets", "ce", "cloudformation", "ec2", "iam", "organizations", "ram",
    "savingsplans", "sso-admin", "sts",
)  # fmt: skip


def meaning(code: str, message: str = "") -> ErrorPolicy:
    return meaning_of(Refusal(code=code, message=message))


@pytest.mark.parametrize(
    "code",
    [
        *getattr(standard.ThrottledRetryableChecker, "_THROTTLED_ERROR_CODES"),  # noqa: B009
        *getattr(standard.TransientRetryableChecker, "_TRANSIENT_ERROR_CODES"),  # noqa: B009
        "500",
        "502",
        "503",
        "504",
    ],
)
def test_what_botocore_repeats_we_repeat(code: str) -> None:
    assert meaning(code) == RETRY_WITH_BACK_OFF


def test_what_the_older_lists_of_botocore_repeat_we_repeat() -> None:
    definitions = Loader().load_data("_retry")["definitions"]
    responses = [each.get("applies_when", {}).get("response", {}) for each in definitions.values()]
    codes = {
        str(each.get("service_error_code") or each["http_status_code"])
        for each in responses
        if each
    }
    assert {"ThrottledException", "429", "503", "509"} <= codes
    assert {code for code in codes if meaning(code) != RETRY_WITH_BACK_OFF} == set()


def errors_of(service: str) -> dict[str, dict[str, Any]]:
    shapes = Loader().load_service_model(service, "service-2")["shapes"]
    return {
        shape.get("error", {}).get("code", name): shape
        for name, shape in shapes.items()
        if shape.get("exception")
    }


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_model_calls_transient_is_tried_again(service: str) -> None:
    """A fault of the server, its status, or the trait `retryable`."""
    transient = {
        code
        for code, shape in errors_of(service).items()
        if shape.get("fault")
        or "retryable" in shape
        or shape.get("error", {}).get("httpStatusCode", 0) >= 500
    } - {"PolicyEvaluation"}  # of SimulatePolicy, which we never call

    assert {code for code in transient if meaning(code) != RETRY_WITH_BACK_OFF} == set()


@pytest.mark.parametrize(
    "code",
    [
        "LimitExceededException", "InternalErrorException", "ServerInternalException",
        "ServiceUnavailableException", "EntityTemporarilyUnmodifiable", "ThrottledException",
        "RequestThrottledException", "SlowDown", "PriorRequestNotComplete", "InternalFailure",
        "ConcurrentModification", "PolicyChangesInProgressException",
    ],
)  # fmt: skip
def test_busy_is_tried_again_for_hours(code: str) -> None:
    assert meaning(code) == RETRY_WITH_BACK_OFF
    assert meaning(code).patience == timedelta(hours=6)


@pytest.mark.parametrize(
    ("code", "patience"),
    [("NoSuchEntity", 15), ("EntityAlreadyExists", 15), ("UnrecognizedClientException", 15)],
)
def test_what_will_not_change_is_not_tried_for_hours(code: str, patience: int) -> None:
    assert meaning(code).patience == timedelta(minutes=patience)


def test_a_malformed_policy_asks_at_once_unless_it_is_a_principal_of_a_moment_ago() -> None:
    words = 'Resource mybucket/* must be in ARN format or "*".'
    assert meaning("MalformedPolicyDocument", words).means is Reaction.ASK
    unknown = meaning("MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"AIDA"')
    assert (unknown.means, unknown.patience) == (Reaction.TRY_AGAIN, timedelta(minutes=15))


def test_a_missing_entity_is_asked_about_a_quarter_of_an_hour_later_in_a_dozen_tries() -> None:
    call = write("attach_policy", "iam", "AttachRolePolicy", batch=True, RoleName="MspX")
    record, now, tries = Record(), NOW, 0
    while not isinstance(decision := with_back_off(call, record, now), NeedsHuman):
        if isinstance(decision, Call):
            tries += 1
            record = record_outcome(record, call, Refusal(code="NoSuchEntity"), now)
        else:
            assert isinstance(decision, Wait)
            now = decision.again_at
    assert now - NOW < timedelta(minutes=30)
    assert 5 <= tries <= 12


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED", WaitKind.WAITING_AWS),
        ("CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED", WaitKind.WAITING_AWS),
        ("ACCOUNT_NUMBER_LIMIT_EXCEEDED", WaitKind.BLOCKED),
        ("CLOSE_ACCOUNT_QUOTA_EXCEEDED", WaitKind.BLOCKED),
    ],
)
def test_a_queue_is_normal_and_a_quota_is_not(reason: str, kind: WaitKind) -> None:
    refusal = Refusal(code="ConstraintViolationException", reason=reason)
    assert meaning_of(refusal).wait_kind is kind


@pytest.mark.parametrize(
    ("actor", "service", "code", "item"),
    [
        (Actor.ONBOARD, "organizations", "AccessDeniedException", "onboard_role"),
        (Actor.ONBOARD, "account", "AccessDeniedException", "onboard_role or trusted_access"),
        (Actor.OFFBOARD, "organizations", "AccessDenied", "offboard_role"),
        (Actor.ROOT, "iam", "AccessDenied", "root_access"),
        (Actor.ONBOARD, "organizations", "PolicyTypeNotEnabledException", "control_policies"),
        (Actor.ONBOARD, "organizations", "DestinationParentNotFoundException", "client_ou"),
        (Actor.MEMBER, "iam", "AccessDenied", ""),
        (Actor.ONBOARD, "organizations", "InvalidInputException", ""),
    ],
)
def test_words_say_which_item_of_the_set_up_to_repair(
    actor: Actor, service: str, code: str, item: str
) -> None:
    call = read("see", service, "Look", session=Session(actor=actor))
    words = set_up_item(call, Refusal(code=code))

    assert words.startswith(
        f"repair {item} for {service}:Look: `rebill onboard setup --check`" if item else ""
    )
    assert bool(words) is bool(item)
