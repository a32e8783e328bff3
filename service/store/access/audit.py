"""Owns the audit log: who did what, when, and what it changed; it only grows."""

from __future__ import annotations

from collections.abc import Mapping
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
