"""Owns making an API key: the caller sees it once, the store keeps its hash."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime

from service.store.access import audit, keys
from service.store.access.keys import Scope
from service.store.session import Session

KEY_FORM = "rb_{prefix}_{secret}"


def create_api_key(
    session: Session,
    name: str,
    *,
    scopes: Iterable[Scope],
    client: str | None = None,
    actor: str,
    now: datetime,
) -> str:
    """The key itself, `rb_<prefix>_<secret>`: 256 random bits that nobody can show again."""
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    keys.put_key(
        session,
        prefix=prefix,
        secret=secret,
        name=name,
        scopes=frozenset(scopes),
        client=client,
        now=now,
    )
    audit.record(
        session,
        actor=actor,
        action="create_api_key",
        subject=f"API key {prefix}",
        after={"name": name, "client": client},
        now=now,
    )
    return KEY_FORM.format(prefix=prefix, secret=secret)
