"""Owns making an API key: the caller sees it once, the store keeps its hash."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from kernel.errors import BadInput
from service.store.access import audit, keys
from service.store.access.keys import Scope
from service.store.billing import clients
from service.store.session import Session

KEY_FORM = "rb_{prefix}_{secret}"
NAME_CHARS_MAX = 100
DAYS_MAX = 3_650


def create_api_key(
    session: Session,
    name: str,
    *,
    scopes: Iterable[Scope],
    client: str | None = None,
    days: int | None = None,
    holder: str | None = None,
    actor: str,
    now: datetime,
) -> str:
    """The key itself, `rb_<prefix>_<secret>`: 256 random bits that nobody can show again.

    It ends after so many days; without, with its revocation. `holder` is the line it continues.
    Raises BadInput.
    """
    if not 1 <= len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise BadInput(f"a key's name has 1 to {NAME_CHARS_MAX} printable characters")
    if client is not None and clients.client(session, client) is None:
        raise BadInput(f"there is no client {client!r}; add it under `clients` and apply")
    if days is not None and not 1 <= days <= DAYS_MAX:
        raise BadInput(f"a key ends after 1 to {DAYS_MAX} days, not {days}")
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    wanted, expires_at = frozenset(scopes), None if days is None else now + timedelta(days=days)
    keys.put_key(
        session,
        prefix=prefix,
        secret=secret,
        name=name,
        scopes=wanted,
        client=client,
        holder=holder,
        expires_at=expires_at,
        now=now,
    )
    audit.record(
        session,
        actor=actor,
        action="create_api_key",
        subject=f"API key {prefix}",
        after={
            "name": name,
            "client": client,
            "scopes": sorted(wanted),
            "expires_at": expires_at.isoformat() if expires_at else None,
            "holder": holder or prefix,
        },
        now=now,
    )
    return KEY_FORM.format(prefix=prefix, secret=secret)
