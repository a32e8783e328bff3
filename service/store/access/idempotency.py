"""Owns answering once: what was answered under an Idempotency-Key is answered again, not done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from kernel.errors import RebillError
from service.store import tables
from service.store.session import Session

ASKING_LOCK = 0x61736B73


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOnce:
    """A request that is to be performed once, however often it is sent."""

    api_key: str
    operation: str
    idempotency_key: str
    sha256: str
    """Of all that was sent: the same key may not ask for something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class KeyReused(RebillError):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key was sent with another request; a new request needs a new key"
        )


def claim(session: Session, asked: AskedOnce, now: datetime) -> GivenAnswer | None:
    """What was answered before; None: it is for this transaction to do, and to `keep` the answer.

    A repetition that comes while the first is still at it waits for the first to commit.
    Raises KeyReused.
    """
    row = tables.requests.AnsweredRequestRow
    # An insert waits for the transaction that has the same key in hand (PostgreSQL documentation,
    # "Index Uniqueness Checks"), and only then knows of the conflict:
    # `tests/api/test_onboardings.py::test_a_hundred_repetitions_at_once_make_one_onboarding`.
    claimed = session.execute(
        insert(row)
        .values(
            api_key=asked.api_key,
            operation=asked.operation,
            idempotency_key=asked.idempotency_key,
            request_sha256=asked.sha256,
            asked_at=now,
            status=0,
            headers={},
            body={},
        )
        .on_conflict_do_nothing()
        .returning(col(row.idempotency_key))
    ).first()
    if claimed is not None:
        return None
    kept = session.get_one(row, (asked.api_key, asked.operation, asked.idempotency_key))
    if kept.request_sha256 != asked.sha256:
        raise KeyReused
    return GivenAnswer(status=kept.status, headers=kept.headers, body=kept.body)


def keep(session: Session, asked: AskedOnce, answer: GivenAnswer) -> None:
    """In the transaction of the work: neither is ever there without the other."""
    kept = session.get_one(
        tables.requests.AnsweredRequestRow, (asked.api_key, asked.operation, asked.idempotency_key)
    )
    kept.status, kept.headers, kept.body = answer.status, dict(answer.headers), dict(answer.body)
    session.flush()


def ask_alone(session: Session) -> None:
    """Until this transaction ends nobody else asks: names are checked to be free, then taken."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(ASKING_LOCK)))
