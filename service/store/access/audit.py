"""Owns the audit log: who did what, when, and what it changed; it only grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from service.store import tables
from service.store.session import Session


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    session.add(
        tables.access.AuditEntryRow(
            at=now,
            actor=actor,
            action=action,
            subject=subject,
            before=None if before is None else dict(before),
            after=None if after is None else dict(after),
        )
    )


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did something, and when."""

    at: datetime
    actor: str
    action: str
    subject: str


def entries_about(session: Session, *subjects: str) -> tuple[AuditEntry, ...]:
    """In the order in which they were made."""
    row = tables.access.AuditEntryRow
    found = session.exec(select(row).where(col(row.subject).in_(subjects)).order_by(col(row.id)))
    return tuple(AuditEntry(each.at, each.actor, each.action, each.subject) for each in found)
