"""Owns the questions about API keys: whose is this one, what may it do, and until when."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from kernel.errors import NotFound
from service.store import tables
from service.store.session import Session

NO_HASH = "0" * 64
USE_NOTED_EVERY = timedelta(minutes=5)
"""So that most requests only read."""


class Scope(StrEnum):
    READ = "read"
    """Whatever is asked with GET."""
    BILL = "bill"
    """Proposes what somebody then approves: credit notes."""
    APPROVE = "approve"
    ONBOARD = "onboard"
    """Whatever changes member accounts, but for approvals."""
    ROOT = "root"
    """Asks for and performs tasks as root of a member account, which another key approves."""
    ADMIN = "admin"
    """API keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    prefix: str
    holder: str
    """The prefix of the first key of its line."""
    name: str
    scopes: frozenset[Scope]
    client: str | None
    """Set when the key sees this client's documents only."""
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """To `USE_NOTED_EVERY`."""
    revoked_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def to_json(self) -> dict[str, Any]:
        return {
            "prefix": self.prefix,
            "holder": self.holder,
            "name": self.name,
            "scopes": sorted(self.scopes),
            "client": self.client,
            "created_at": self.created_at.isoformat(),
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
            "last_used_at": self.last_used_at.isoformat() if self.last_used_at else None,
            "revoked_at": self.revoked_at.isoformat() if self.revoked_at else None,
        }

    def is_use_to_be_noted(self, now: datetime) -> bool:
        return self.last_used_at is None or now - self.last_used_at >= USE_NOTED_EVERY


class NoSuchKey(NotFound):
    def __init__(self, prefix: str) -> None:
        super().__init__(f"there is no API key {prefix}")


def put_key(
    session: Session,
    *,
    prefix: str,
    secret: str,
    name: str,
    scopes: frozenset[Scope],
    client: str | None,
    now: datetime,
    holder: str | None = None,
    expires_at: datetime | None = None,
) -> None:
    """`holder`: of whose line it is; its own if nobody's."""
    session.add(
        tables.access.ApiKeyRow(
            prefix=prefix,
            holder=holder or prefix,
            name=name,
            secret_sha256=_hash(secret),
            scopes=sorted(scopes),
            client_key=client,
            created_at=now,
            expires_at=expires_at,
        )
    )
    session.flush()


def find_key(session: Session, presented: str, now: datetime) -> ApiKey | None:
    """None for any key that is not exactly right; unknown and wrong ones take equally long."""
    _, _, rest = presented.partition("rb_")
    prefix, _, secret = rest.partition("_")
    row = None if "\0" in prefix else session.get(tables.access.ApiKeyRow, prefix)
    kept = NO_HASH if row is None else row.secret_sha256
    is_right = hmac.compare_digest(kept, _hash(secret)) and presented.startswith("rb_")
    if row is None or not is_right:
        return None
    found = _from_row(row)
    return found if found.is_open(now) else None


def key(session: Session, prefix: str) -> ApiKey:
    """Raises NoSuchKey."""
    row = session.get(tables.access.ApiKeyRow, prefix)
    if row is None:
        raise NoSuchKey(prefix)
    return _from_row(row)


def keys(
    session: Session, *, after: str | None = None, limit: int | None = None
) -> tuple[ApiKey, ...]:
    """All that were ever made, by prefix; `after` is that of the last one seen."""
    row = tables.access.ApiKeyRow
    found = select(row).order_by(col(row.prefix)).limit(limit)
    if after is not None:
        found = found.where(col(row.prefix) > after)
    return tuple(map(_from_row, session.exec(found)))


def replacement_of(session: Session, old: ApiKey) -> ApiKey | None:
    """The key that its holder got for it the latest, whether that one still opens or not."""
    row = tables.access.ApiKeyRow
    found = (
        select(row)
        .where(col(row.holder) == old.holder, col(row.created_at) > old.created_at)
        .order_by(col(row.created_at).desc())
        .limit(1)
    )
    later = session.exec(found).first()
    return None if later is None else _from_row(later)


def is_any_key(session: Session, now: datetime) -> bool:
    """Whether anybody could be let in at all."""
    row = tables.access.ApiKeyRow
    is_open = sa.or_(col(row.expires_at).is_(None), col(row.expires_at) > now)
    found = select(row.prefix).where(col(row.revoked_at).is_(None), is_open)
    return session.exec(found).first() is not None


def note_use(session: Session, prefix: str, now: datetime) -> None:
    """Waits for nobody: where another request is at it, that one notes it."""
    row = tables.access.ApiKeyRow
    free = select(row.prefix).where(col(row.prefix) == prefix).with_for_update(skip_locked=True)
    session.execute(sa.update(row).where(col(row.prefix).in_(free)).values(last_used_at=now))


def end_key(session: Session, prefix: str, at: datetime) -> None:
    """It opens until then, or to its end, if that is earlier."""
    row = session.get_one(tables.access.ApiKeyRow, prefix)
    row.expires_at = at if row.expires_at is None else min(row.expires_at, at)
    session.flush()


def revoke_key(session: Session, prefix: str, now: datetime) -> None:
    row = session.get_one(tables.access.ApiKeyRow, prefix)
    row.revoked_at = row.revoked_at or now
    session.flush()


def _from_row(row: tables.access.ApiKeyRow) -> ApiKey:
    return ApiKey(
        prefix=row.prefix,
        holder=row.holder,
        name=row.name,
        scopes=frozenset(map(Scope, row.scopes)),
        client=row.client_key,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _hash(secret: str) -> str:
    """Plain SHA-256: the secret has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
