"""Owns the audit log: who did what, when, and what it changed; it only grows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from service.store import tables
from service.store.session import Session


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    session.add(
        tables.access.AuditEntry(
            at=now, actor=actor, action=action, subject=subject, before=before, after=after
        )
    )
