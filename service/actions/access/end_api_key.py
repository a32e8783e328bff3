"""Owns ending API keys: at once, or replaced by another of the same holder."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from kernel.errors import BadInput, Refused
from service.actions.access.create_api_key import create_api_key
from service.store.access import audit, keys
from service.store.access.idempotency import ask_alone
from service.store.access.keys import ApiKey, NoSuchKey
from service.store.session import Session

OVERLAP_HOURS_MAX = 168
PREFIX = re.compile(r"(?:rb_)?([0-9a-f]{12})(?:_.*)?", re.DOTALL)


class KeyEnded(Refused):
    code = "key_ended"

    def __init__(self, prefix: str) -> None:
        super().__init__(f"API key {prefix} opens nothing any more: make another")


class KeyReplaced(Refused):
    """Replaced twice, its line would have two ends, the second one short-lived as the old key."""

    code = "key_replaced"

    def __init__(self, prefix: str, by: str) -> None:
        super().__init__(
            f"API key {prefix} was replaced by {by}: rotate that one, as when its answer got lost; "
            f"to end {prefix} before its overlap is over, revoke it"
        )


def prefix_of(given: str) -> str:
    """Of a prefix, or of a whole key as somebody found it. Raises BadInput, without the secret."""
    found = PREFIX.fullmatch(given.strip())
    if found is None:
        raise BadInput("a key is named by its prefix, 12 hexadecimal digits: `rebill key list`")
    return found[1]


def revoke_api_key(session: Session, prefix: str, *, actor: str, now: datetime) -> ApiKey:
    """It opens nothing from the next request on. Twice is once. Raises NoSuchKey."""
    before = keys.key(session, prefix)
    if before.revoked_at is None:
        keys.revoke_key(session, prefix, now)
        audit.record(
            session, actor=actor, action="revoke_api_key", subject=f"API key {prefix}", now=now
        )
    return keys.key(session, prefix)


def rotate_api_key(
    session: Session, prefix: str, *, overlap_hours: int, actor: str, now: datetime
) -> str:
    """Another key that may the same, as long; the old one opens for so many hours more.

    Both are the same person's: neither approves what the other asked for. Raises NoSuchKey,
    KeyEnded, KeyReplaced, BadInput.
    """
    if not 0 <= overlap_hours <= OVERLAP_HOURS_MAX:
        raise BadInput(f"the old key goes on for 0 to {OVERLAP_HOURS_MAX} hours")
    ask_alone(session)
    old = keys.key(session, prefix)
    if not old.is_open(now):
        raise KeyEnded(prefix)
    if (later := keys.replacement_of(session, old)) is not None:
        raise KeyReplaced(prefix, later.prefix)
    made = create_api_key(
        session,
        old.name,
        scopes=old.scopes,
        client=old.client,
        days=None if old.expires_at is None else max((old.expires_at - old.created_at).days, 1),
        holder=old.holder,
        actor=actor,
        now=now,
    )
    if overlap_hours:
        keys.end_key(session, prefix, now + timedelta(hours=overlap_hours))
    else:
        keys.revoke_key(session, prefix, now)
    audit.record(
        session,
        actor=actor,
        action="rotate_api_key",
        subject=f"API key {prefix}",
        after={"by": prefix_of(made), "overlap_hours": overlap_hours},
        now=now,
    )
    return made


__all__ = ["KeyEnded", "KeyReplaced", "NoSuchKey", "prefix_of", "revoke_api_key", "rotate_api_key"]
