"""Owns the tables of long work: runs, their steps, and what they found."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from kernel.findings import Severity
from service.store.tables.row import JSON, PERIOD, Row, is_account_id, is_period, one_of


class RunKind(StrEnum):
    INGEST = "ingest"
    BILLING = "billing"
    ISSUING = "issuing"


class RunState(StrEnum):
    REQUESTED = "requested"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


class RunRow(Row, table=True):
    __table_args__ = (
        is_account_id("payer_account_id"),
        is_period("period"),
        sa.Index(
            "ix_run_unfinished",
            "id",
            postgresql_where=sa.text("state IN ('requested', 'running')"),
        ),
        sa.Index(None, "payer_account_id", "period"),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: RunKind = Field(sa_type=one_of(RunKind))
    payer_account_id: str
    period: str = Field(sa_type=PERIOD)
    request: dict[str, Any] = Field(sa_type=JSON)
    """What was asked for: all that its steps need to know, so that a repeat does the same."""
    state: RunState = Field(sa_type=one_of(RunState))
    attempt: int = 0
    """Raised by each worker that takes the run up; a worker overtaken by another stops."""
    error: str | None = None
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None = None


class RunStepRow(Row, table=True):
    run_id: int = Field(primary_key=True, foreign_key="run.id")
    ordinal: int = Field(primary_key=True)
    name: str
    state: StepState = Field(sa_type=one_of(StepState))
    attempt: int = 0
    progress: str = ""
    """The latest words about where it is."""
    outcome: dict[str, Any] = Field(sa_type=JSON)
    started_at: datetime | None = None
    finished_at: datetime | None = None


class RunFindingRow(Row, table=True):
    run_id: int = Field(primary_key=True, foreign_key="run.id")
    ordinal: int = Field(primary_key=True)
    severity: Severity = Field(sa_type=one_of(Severity))
    code: str
    place: str
    message: str
    client: str
