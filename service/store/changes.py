"""Owns the change: what writing a configured row altered, and writing it only if it alters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.store.session import Session
from service.store.tables import Row


@dataclass(frozen=True, slots=True)
class Change:
    """`before` is None for something new, `after` for something removed."""

    subject: str
    """Such as `client acme`."""
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.subject}: added"
        if self.after is None:
            return f"{self.subject}: removed"
        names = [n for n in self.after if self.before.get(n) != self.after[n]]
        return f"{self.subject}: changed {', '.join(names)}"


CONFIGURATION_LOCK = 0x636F6E66


def configure_alone(session: Session) -> None:
    """Until this transaction ends, nobody else configures, and nobody reads half of it."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(CONFIGURATION_LOCK)))


def hold_configuration(session: Session) -> None:
    """Until this transaction ends, what is configured stays as it is; others may hold it, too."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(CONFIGURATION_LOCK)))


def put(session: Session, row: Row, subject: str) -> list[Change]:
    """Insert or update by primary key; no change at all gives none."""
    identity = sa.inspect(type(row)).primary_key_from_instance(row)
    stored = session.get(type(row), tuple(identity))
    before = None if stored is None else stored.model_dump()
    after = row.model_dump()
    if before == after:
        return []
    written = None if stored is None else stored.model_dump(mode="json")
    session.merge(row)
    session.flush()
    return [Change(subject, written, row.model_dump(mode="json"))]


def remove(session: Session, row: Row, subject: str) -> list[Change]:
    before = row.model_dump(mode="json")
    session.delete(row)
    session.flush()
    return [Change(subject, before, None)]
