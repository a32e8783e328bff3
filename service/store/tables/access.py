"""Owns the tables of who may do something, and who did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from service.store.tables import configuration  # noqa: F401 - whose rows these name
from service.store.tables.row import JSON, Row


class ApiKeyRow(Row, table=True):
    """Of the secret only a hash is kept; `prefix` finds the row."""

    __table_args__ = (sa.CheckConstraint("expires_at > created_at", name="ends_after_it_starts"),)

    prefix: str = Field(primary_key=True)
    name: str
    secret_sha256: str
    scopes: list[str] = Field(sa_type=JSON)
    client_key: str | None = Field(default=None, foreign_key="client.key")
    """Set on a key that sees one client's documents only."""
    holder: str
    """The prefix of the first key of its line: a rotated key is the same person's."""
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class AuditEntryRow(Row, table=True):
    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    after: dict[str, Any] | None = Field(default=None, sa_type=JSON)
