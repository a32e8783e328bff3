"""Owns back-off: a step that AWS refused is not sent again before it is worth it."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.aws.error_policy import NOT_SHOWN, RESENT_AFTER, Reaction, is_denied, meaning_of
from accounts.model.decision import Actor, Call, Decision, NeedsHuman, Refusal, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.record import Record, Trouble

_BACKOFF_MAX = timedelta(minutes=15)


def with_back_off(decision: Decision, record: Record, now: datetime) -> Decision:
    """A step that AWS refused before is not sent again before it is worth it."""
    if not isinstance(decision, Call) or decision.key not in record.troubles:
        return decision
    trouble = record.troubles[decision.key]
    if trouble.refusal == NOT_SHOWN and trouble.at <= now < trouble.at + RESENT_AFTER:
        return _until_shown(decision, trouble, now)
    if decision.awaits_client and is_denied(trouble.refusal):
        return decision
    meaning = meaning_of(trouble.refusal)
    words = trouble.refusal.words
    if meaning.means in (Reaction.ASK, Reaction.STOP_ALL):
        return NeedsHuman(
            reason=f"AWS refused {decision.operation}",
            what_to_do=set_up_item(decision, trouble.refusal) or meaning.what_to_do,
            aws_words=words,
            stops_all=meaning.means is Reaction.STOP_ALL,
        )
    if trouble.at - trouble.first_at >= meaning.patience and meaning.means is not Reaction.WAIT:
        return NeedsHuman(
            reason=f"AWS has refused {decision.operation} since {trouble.first_at:%Y-%m-%d %H:%M}",
            what_to_do=set_up_item(decision, trouble.refusal)
            or meaning.what_to_do
            or "see what AWS says, then retry",
            aws_words=words,
        )
    pause = meaning.again_after
    if meaning.means is Reaction.TRY_AGAIN:
        # Two seconds, doubled each time: `tests/unit/accounts/onboarding/test_requests.py`,
        # `test_throttles_back_off_and_fifteen_minutes_of_denial_ask_a_person`.
        pause = min(timedelta(seconds=2) * 2 ** min(trouble.attempts, 10), _BACKOFF_MAX)
    elif meaning.means is Reaction.LOOK_AGAIN:
        pause = min(pause * 2 ** min(trouble.attempts - 1, 10), _BACKOFF_MAX)
    # A time still to come was written by a clock that was ahead; it is no reason to wait for it.
    if not trouble.at <= now < trouble.at + pause:
        return decision
    return Wait(
        kind=meaning.wait_kind,
        reason=meaning.what_to_do or f"AWS refused {decision.operation}; it is tried again",
        again_at=trouble.at + pause,
        aws_words=words,
    )


def _until_shown(call: Call, trouble: Trouble, now: datetime) -> Wait:
    """Looked at again after as long as it took so far: the longer, the rarer. Nothing is sent."""
    pause = min(max(now - trouble.at, timedelta(seconds=2)), timedelta(minutes=5))
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason=f"AWS took {call.operation}, and does not show it yet",
        again_at=now + pause,
    )


# What of the set-up is missing where AWS answers so, by its item in `rebill onboard setup`.
_ITEMS = {
    "AWSOrganizationsNotInUseException": "all_features",
    "AccessDeniedForDependencyException": "trusted_access",
    "DestinationParentNotFoundException": "client_ou",
    "OrganizationalUnitNotFoundException": "client_ou",
    "PolicyNotFoundException": "membership_guard or root_guard",
    "PolicyTypeNotEnabledException": "control_policies",
    "PolicyTypeNotAvailableForOrganizationException": "all_features",
    "OrganizationNotInAllFeaturesModeException": "all_features",
    "ServiceAccessNotEnabledException": "trusted_access",
}
_ROLES = {
    Actor.ONBOARD: "onboard_role",
    Actor.OFFBOARD: "offboard_role",
    Actor.ROOT: "root_access",
}


def set_up_item(call: Call, refusal: Refusal) -> str:
    """Which item of the set-up to repair, in words; '' where it is none of them."""
    item = _ITEMS.get(refusal.code, "")
    if is_denied(refusal):
        item = _ROLES.get(call.session.actor, "")
        if item and call.service == "account":
            item = f"{item} or trusted_access"
    if not item:
        return ""
    return (
        f"repair {item} for {call.service}:{call.operation}: `rebill onboard setup --check` says "
        "what it lacks; then retry"
    )
