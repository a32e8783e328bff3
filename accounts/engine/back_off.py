"""Owns back-off: a step that AWS refused is not sent again before it is worth it."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.aws.error_policy import Reaction, is_denied, meaning_of
from accounts.model.decision import Call, Decision, NeedsHuman, Wait
from accounts.model.record import Record

_BACKOFF_MAX = timedelta(minutes=15)


def with_back_off(decision: Decision, record: Record, now: datetime) -> Decision:
    """A step that AWS refused before is not sent again before it is worth it."""
    if not isinstance(decision, Call) or decision.key not in record.troubles:
        return decision
    trouble = record.troubles[decision.key]
    if decision.awaits_client and is_denied(trouble.refusal):
        return decision
    meaning = meaning_of(trouble.refusal)
    words = trouble.refusal.words
    if meaning.means in (Reaction.ASK, Reaction.STOP_ALL):
        return NeedsHuman(
            reason=f"AWS refused {decision.operation}",
            what_to_do=meaning.what_to_do,
            aws_words=words,
            stops_all=meaning.means is Reaction.STOP_ALL,
        )
    if trouble.at - trouble.first_at >= meaning.patience and meaning.means is not Reaction.WAIT:
        return NeedsHuman(
            reason=f"AWS has refused {decision.operation} since {trouble.first_at:%Y-%m-%d %H:%M}",
            what_to_do=meaning.what_to_do or "see what AWS says, then retry",
            aws_words=words,
        )
    pause = meaning.again_after
    if meaning.means is Reaction.TRY_AGAIN:
        # Two seconds, doubled each time: `tests/unit/accounts/onboarding/test_requests.py`,
        # `test_throttles_back_off_and_fifteen_minutes_of_denial_ask_a_person`.
        pause = min(timedelta(seconds=2) * 2 ** min(trouble.attempts, 10), _BACKOFF_MAX)
    # A time still to come was written by a clock that was ahead; it is no reason to wait for it.
    if not trouble.at <= now < trouble.at + pause:
        return decision
    return Wait(
        kind=meaning.wait_kind,
        reason=meaning.what_to_do or f"AWS refused {decision.operation}; it is tried again",
        again_at=trouble.at + pause,
        aws_words=words,
    )
