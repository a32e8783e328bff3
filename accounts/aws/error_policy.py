"""Owns what AWS's refusals mean: look again, try again later, wait for someone, or ask a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from accounts.model.decision import Refusal
from accounts.model.lifecycle import WaitKind


class Reaction(StrEnum):
    LOOK_AGAIN = "look_again"
    """It is done already, or something of the same kind is under way: adopt what is there."""
    TRY_AGAIN = "try_again"
    """AWS is busy or not ready yet; with back-off."""
    WAIT = "wait"
    """Something outside has to change, and we can see when it has."""
    ASK = "ask"
    """A person has to change something."""
    STOP_ALL = "stop_all"
    """The payer account itself is unfit: no onboarding can go on."""


@dataclass(frozen=True, slots=True)
class ErrorPolicy:
    means: Reaction
    what_to_do: str = ""
    wait_kind: WaitKind = WaitKind.WAITING_AWS
    again_after: timedelta = timedelta(seconds=30)
    patience: timedelta = timedelta(hours=6)
    """After so long without success a person is asked."""


# What is already so is seen within minutes; what AWS calls missing then is missing for good.
READ_AGAIN_SOON = ErrorPolicy(
    Reaction.LOOK_AGAIN, again_after=timedelta(seconds=10), patience=timedelta(minutes=15)
)
RETRY_WITH_BACK_OFF = ErrorPolicy(Reaction.TRY_AGAIN)
# A new account's STS, IAM and regions come alive one after another, over minutes.
HALF_ALIVE = ErrorPolicy(
    Reaction.TRY_AGAIN, "see what the role or the account lacks", patience=timedelta(minutes=15)
)
PAYER_UNFIT = ErrorPolicy(
    Reaction.STOP_ALL, "put the payer account's payment method and business details in order"
)
LET_IN = Refusal(code="LetIn", message="AssumeRole succeeded, and should not have")
"""Not AWS's: a role that was to refuse us did not, and is tried again soon."""
NOT_SHOWN = Refusal(code="NotShown", message="AWS took the change, and does not show it yet")
"""Not AWS's: a read after a write still answers as before. Neither IAM nor Account Management
promises more (IAM User Guide, "Changes that I make are not always immediately visible")."""
RESENT_AFTER = timedelta(minutes=15)
"""A write that is not shown for so long is sent again."""
_HOUR = timedelta(hours=1)


def _blocked(what_to_do: str, after: timedelta = _HOUR) -> ErrorPolicy:
    return ErrorPolicy(Reaction.WAIT, what_to_do, WaitKind.BLOCKED, after)


def _queued(words: str, after: timedelta = timedelta(minutes=1)) -> ErrorPolicy:
    """Normal: it goes on by itself, and nobody has to do anything."""
    return ErrorPolicy(Reaction.WAIT, words, again_after=after)


def _client(what_to_do: str) -> ErrorPolicy:
    return ErrorPolicy(Reaction.WAIT, what_to_do, WaitKind.WAITING_CLIENT, timedelta(days=1))


def _ask(what_to_do: str) -> ErrorPolicy:
    return ErrorPolicy(Reaction.ASK, what_to_do)


# CreateAccountStatus.FailureReason, all of them (API reference).
CREATION_FAILURES: dict[str, ErrorPolicy] = {
    # It may be our own account: a request whose answer was lost has taken the address:
    # `tests/unit/accounts/onboarding/test_creation.py`,
    # `test_an_account_of_the_same_address_without_our_tag_is_not_adopted`.
    "EMAIL_ALREADY_EXISTS": READ_AGAIN_SOON,
    # AWS means a request with the same information, not a busy organization (API reference,
    # `CreateAccountStatus`): most likely our own.
    "CONCURRENT_ACCOUNT_MODIFICATION": READ_AGAIN_SOON,
    "ACCOUNT_LIMIT_EXCEEDED": _blocked("ask AWS to raise the number of accounts"),
    "INTERNAL_FAILURE": RETRY_WITH_BACK_OFF,
    "INVALID_EMAIL": _ask("give another e-mail address"),
    "INVALID_ADDRESS": _ask("correct the payer account's address"),
    "MISSING_PAYMENT_INSTRUMENT": PAYER_UNFIT,
    "INVALID_PAYMENT_INSTRUMENT": PAYER_UNFIT,
    "MISSING_BUSINESS_VALIDATION": PAYER_UNFIT,
    "FAILED_BUSINESS_VALIDATION": PAYER_UNFIT,
    "PENDING_BUSINESS_VALIDATION": PAYER_UNFIT,
    "UNKNOWN_BUSINESS_VALIDATION": PAYER_UNFIT,
    "INVALID_IDENTITY_FOR_BUSINESS_VALIDATION": PAYER_UNFIT,
    "GOVCLOUD_ACCOUNT_ALREADY_EXISTS": _ask("use the GovCloud account that is there"),
    "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED": _ask(
        "correct the organization's resource policy"
    ),
}

# The Reason that ConstraintViolation and HandshakeConstraintViolation exceptions carry.
_REASONS: dict[str, ErrorPolicy] = {
    "ACCOUNT_NUMBER_LIMIT_EXCEEDED": _blocked("ask AWS to raise the number of accounts"),
    "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED": _queued(
        "in the queue: AWS creates a few accounts at a time"
    ),
    "ORGANIZATION_MEMBERSHIP_CHANGE_RATE_LIMIT_EXCEEDED": _blocked("wait; AWS limits the pace"),
    "HANDSHAKE_RATE_LIMIT_EXCEEDED": _blocked("wait a day; AWS limits invitations", 24 * _HOUR),
    # The quota is of any 30 days, not of a month (API reference, `CloseAccount`), so a day later
    # there may be room: `tests/jobs/handover/test_exits.py`,
    # `test_closing_waits_for_aws_s_quotas_and_goes_on_by_itself`.
    "CLOSE_ACCOUNT_QUOTA_EXCEEDED": _blocked("wait; AWS limits closures in 30 days", 24 * _HOUR),
    "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED": _queued(
        "in the queue: AWS closes a few accounts at a time", _HOUR
    ),
    "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES": _blocked("finish enabling all features"),
    "ALREADY_IN_AN_ORGANIZATION": _ask(
        "the account is in an organization: let the client leave it, or accept the transfer there"
    ),
    "ORGANIZATION_FROM_DIFFERENT_SELLER_OF_RECORD": _ask(
        "the account has another AWS seller; AWS does not let it join"
    ),
    "PAYMENT_INSTRUMENT_REQUIRED": _ask("the account needs a payment method before it can join"),
    "MANAGEMENT_ACCOUNT_EMAIL_NOT_VERIFIED": _ask("verify the payer account's e-mail address"),
    "TAG_POLICY_VIOLATION": _ask("correct the tag policy of the organization"),
    "MAX_TAG_LIMIT_EXCEEDED": _ask("remove tags from the account; AWS takes 50"),
    "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": _ask("detach another policy from the account"),
    # Departure (all are the client's to solve, none is worth a retry loop).
    "MEMBER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED": _client("the client adds a payment method"),
    "INVALID_PAYMENT_INSTRUMENT": _client("the client corrects the payment method"),
    "ACCOUNT_CANNOT_LEAVE_WITHOUT_PHONE_VERIFICATION": _client("the client verifies the phone"),
    "ACCOUNT_CANNOT_LEAVE_WITHOUT_EULA": _client("the client accepts the AWS customer agreement"),
    "ACCOUNT_CANNOT_LEAVE_ORGANIZATION": _client("the client completes the account's sign-up"),
    # Four days today (API reference, `ConstraintViolationException`), seven on older pages, so AWS
    # is asked and no number stands here:
    # `tests/jobs/handover/test_exits.py::test_too_young_to_stand_alone_it_waits_with_aws_s_words`.
    "WAIT_PERIOD_ACTIVE": ErrorPolicy(
        Reaction.WAIT, "wait; AWS keeps new accounts for some days", again_after=24 * _HOUR
    ),
    "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG": _ask("deregister it as administrator"),
    "EMAIL_VERIFICATION_CODE_EXPIRED": _ask("start the e-mail change again for a new code"),
    # Billing transfer.
    "RESPONSIBILITY_TRANSFER_ALREADY_EXISTS": READ_AGAIN_SOON,
    "ACTIVE_RESPONSIBILITY_TRANSFER_PROCESS": READ_AGAIN_SOON,
    "UNUSED_PREPAYMENT_BALANCE": _client("the client uses up the prepaid balance"),
    "PAST_DUE_INVOICE": _client("the client pays the invoices that are due"),
    "LEGACY_PERMISSIONS_STILL_IN_USE": _client("the client moves to the new billing permissions"),
    "UNMET_BILLING_PREREQUISITE": _client("the client meets AWS's billing prerequisites"),
}

_CODES: dict[str, ErrorPolicy] = {
    # Already so.
    "DuplicateHandshakeException": READ_AGAIN_SOON,
    "HandshakeAlreadyInStateException": READ_AGAIN_SOON,
    "DuplicateAccountException": READ_AGAIN_SOON,
    "SourceParentNotFoundException": READ_AGAIN_SOON,
    "DuplicatePolicyAttachmentException": READ_AGAIN_SOON,
    "PolicyNotAttachedException": READ_AGAIN_SOON,
    "DuplicateRecordException": READ_AGAIN_SOON,
    "EntityAlreadyExists": READ_AGAIN_SOON,
    "NoSuchEntity": READ_AGAIN_SOON,
    "AccountAlreadyClosedException": READ_AGAIN_SOON,
    "ConflictException": READ_AGAIN_SOON,
    "DeleteConflict": READ_AGAIN_SOON,
    "ResponsibilityTransferAlreadyInStatusException": READ_AGAIN_SOON,
    # Busy, and never retried by botocore.
    "ConcurrentModificationException": RETRY_WITH_BACK_OFF,
    "ConcurrentModification": RETRY_WITH_BACK_OFF,
    "EntityTemporarilyUnmodifiable": RETRY_WITH_BACK_OFF,
    "PolicyChangesInProgressException": RETRY_WITH_BACK_OFF,
    "OperationInProgressException": RETRY_WITH_BACK_OFF,
    "ReportInProgress": RETRY_WITH_BACK_OFF,
    "ResourceUnavailableException": RETRY_WITH_BACK_OFF,
    # The shell's own session ran out, or was not to be had with this code; there is a new one.
    "MfaCodeRefused": RETRY_WITH_BACK_OFF,
    "ExpiredToken": RETRY_WITH_BACK_OFF,
    "ExpiredTokenException": RETRY_WITH_BACK_OFF,
    "RequestExpired": RETRY_WITH_BACK_OFF,
    LET_IN.code: ErrorPolicy(Reaction.WAIT, again_after=timedelta(seconds=10)),
    "FinalizingOrganizationException": _queued("AWS is setting the organization up", _HOUR / 4),
    NOT_SHOWN.code: ErrorPolicy(Reaction.TRY_AGAIN),
    # Not ready, or not allowed: the same words for both.
    # A role that is missing, one that distrusts and one that IAM has not spread yet are refused
    # alike: `tests/unit/sandbox_aws/test_trust.py`,
    # `test_a_role_that_is_missing_and_one_that_distrusts_look_alike`.
    "AccessDenied": HALF_ALIVE,
    "AccessDeniedException": HALF_ALIVE,
    "InvalidClientTokenId": HALF_ALIVE,
    "UnrecognizedClientException": HALF_ALIVE,
    "RegionDisabledException": HALF_ALIVE,
    "OptInRequired": HALF_ALIVE,
    "SubscriptionRequiredException": HALF_ALIVE,
    # IAM also says so of a principal that it does not know yet, such as a role of a moment ago.
    "MalformedPolicyDocument": HALF_ALIVE,
    "AccountNotFoundException": HALF_ALIVE,
    "ChildNotFoundException": HALF_ALIVE,
    "TargetNotFoundException": HALF_ALIVE,
    "AccountOwnerNotVerifiedException": _ask("verify the payer account's e-mail address"),
    "InvalidHandshakeTransitionException": READ_AGAIN_SOON,
    "MasterCannotLeaveOrganizationException": _ask("this is a management account; it cannot leave"),
}
# The request may have been carried out all the same.
_UNSURE = frozenset({
    "ResponseLost", "InternalFailure", "InternalError", "InternalErrorException",
    "InternalServerError", "InternalServerErrorException", "InternalServerException",
    "ServerInternalException", "ServiceException", "ServiceFailure", "ServiceUnavailable",
    "ServiceUnavailableException", "500", "502", "503", "504", "RequestTimeout",
    "RequestTimeoutException",
})  # fmt: skip
# AWS's brake: surely not done. botocore's own list, and the status that has no code (its `_retry`):
# `tests/unit/accounts/test_error_policy.py`, `test_what_botocore_repeats_we_repeat`.
_THROTTLED = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException",
    "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
    "RequestThrottled", "RequestThrottledException", "SlowDown", "ThrottledException",
    "Throttling", "ThrottlingException", "TooManyRequestsException",
    "TransactionInProgressException", "429", "509",
})  # fmt: skip


def meaning_of(refusal: Refusal) -> ErrorPolicy:
    """By Reason where there is one, else by code; what nobody foresaw is asked of a person."""
    # Before the Reason: what a server error carries says nothing of what was done:
    # `tests/unit/accounts/onboarding/test_creation.py`,
    # `test_an_attempt_of_unknown_fate_is_never_written_off`.
    if refusal.code in _UNSURE:
        return RETRY_WITH_BACK_OFF
    if refusal.reason in _REASONS:
        return _REASONS[refusal.reason]
    if refusal.code in _THROTTLED:
        return RETRY_WITH_BACK_OFF
    if refusal.code == "MalformedPolicyDocument" and "principal" not in refusal.message.lower():
        return _ask("correct the policy that AWS does not take, then retry")
    if refusal.code in _CODES:
        return _CODES[refusal.code]
    return _ask("read what AWS says, correct it, and retry")


def creation_meaning(failure: str) -> ErrorPolicy:
    """Of an Intent's failure: a FailureReason, or what the call itself was refused with."""
    return CREATION_FAILURES.get(failure) or meaning_of(Refusal(code=failure, reason=failure))


def is_denied(refusal: Refusal) -> bool:
    return refusal.code in ("AccessDenied", "AccessDeniedException")


def is_final(refusal: Refusal) -> bool:
    """Did AWS say no, rather than not now, or nothing at all?"""
    return meaning_of(refusal) != RETRY_WITH_BACK_OFF


def has_surely_failed(refusal: Refusal) -> bool:
    """Did AWS surely not do it? A lost response or a server error leaves that open."""
    return refusal.code not in _UNSURE
