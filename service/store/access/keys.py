"""Owns the questions about API keys: whose is this one, and what may it do."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import col, select

from service.store import tables
from service.store.session import Session

NO_HASH = "0" * 64


class Scope(StrEnum):
    READ = "read"
    APPROVE = "approve"
    OPERATE = "operate"
    """Configure, ingest, bill, issue."""
    ONBOARD = "onboard"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    prefix: str
    name: str
    scopes: frozenset[Scope]
    client: str | None
    """Set when the key sees this client's documents only."""


def put_key(
    session: Session,
    *,
    prefix: str,
    secret: str,
    name: str,
    scopes: frozenset[Scope],
    client: str | None,
    now: datetime,
) -> None:
    session.add(
        tables.access.ApiKeyRow(
            prefix=prefix,
            name=name,
            secret_sha256=_hash(secret),
            scopes=sorted(scopes),
            client_key=client,
            created_at=now,
        )
    )
    session.flush()


def find_key(session: Session, presented: str) -> ApiKey | None:
    """None for any key that is not exactly right; unknown and wrong ones take equally long."""
    _, _, rest = presented.partition("rb_")
    prefix, _, secret = rest.partition("_")
    row = session.get(tables.access.ApiKeyRow, prefix)
    kept = NO_HASH if row is None else row.secret_sha256
    is_right = hmac.compare_digest(kept, _hash(secret)) and presented.startswith("rb_")
    if row is None or not is_right or row.revoked_at is not None:
        return None
    return ApiKey(row.prefix, row.name, frozenset(map(Scope, row.scopes)), row.client_key)


def is_any_key(session: Session) -> bool:
    """Whether anybody could be let in at all."""
    row = tables.access.ApiKeyRow
    return session.exec(select(row.prefix).where(col(row.revoked_at).is_(None))).first() is not None


def revoke_key(session: Session, prefix: str, now: datetime) -> None:
    row = session.get_one(tables.access.ApiKeyRow, prefix)
    row.revoked_at = row.revoked_at or now
    session.flush()


def _hash(secret: str) -> str:
    """Plain SHA-256: the secret has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()
