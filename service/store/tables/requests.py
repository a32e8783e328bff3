"""Owns the tables of what was asked over HTTP: answers given once, and checks of access."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field

from service.store.tables import access, onboarding  # noqa: F401 - whose rows these name
from service.store.tables.row import JSON, Row, is_account_id


class AnsweredRequestRow(Row, table=True):
    """What was answered under an Idempotency-Key, so that a repetition gets it again."""

    api_key: str = Field(primary_key=True, foreign_key="api_key.prefix")
    operation: str = Field(primary_key=True)
    """Method and path: the same key means another thing elsewhere."""
    idempotency_key: str = Field(primary_key=True)
    request_sha256: str
    asked_at: datetime
    status: int = 0
    headers: dict[str, str] = Field(sa_type=JSON)
    body: dict[str, Any] = Field(sa_type=JSON)


class AccessCheckRow(Row, table=True):
    """Somebody wants to know whether our roles let in whom they should; a job finds out."""

    __table_args__ = (is_account_id("account_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: str = Field(index=True)
    onboarding_id: str = Field(foreign_key="onboarding.id")
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None = None
    results: list[dict[str, Any]] = Field(sa_type=JSON)
