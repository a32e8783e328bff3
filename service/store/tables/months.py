"""Owns the tables of a payer's month: what came in, what it was billed from, and the drafts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from invoices.documents.invoice import DocumentType
from service.store.tables import configuration, runs  # noqa: F401 - whose rows these name
from service.store.tables.row import JSON, NUMERIC, PERIOD, Row, is_account_id, is_period, one_of


class SnapshotRow(Row, table=True):
    """An export's charge summary, kept as a file under `id`, its content id."""

    __table_args__ = (
        is_account_id("payer_account_id"),
        is_period("period"),
        sa.Index(None, "payer_account_id", "period", "current_since"),
    )

    id: str = Field(primary_key=True)
    payer_account_id: str = Field(foreign_key="payer_account.account_id")
    period: str = Field(sa_type=PERIOD)
    dialect: str
    source_rows: int = Field(sa_type=sa.BigInteger)
    finalized: bool
    facts: dict[str, Any] = Field(sa_type=JSON)
    findings: list[dict[str, Any]] = Field(sa_type=JSON)
    ingested_at: datetime
    current_since: datetime
    """The last time an ingest gave it: the greatest of a payer's month is the current one."""


class DeliveryWatchRow(Row, table=True):
    """What the schedule saw last at a payer's exports, and whether it is to look at all."""

    payer_account_id: str = Field(primary_key=True, foreign_key="payer_account.account_id")
    is_stopped: bool
    looked_at: datetime | None = None
    looks: list[dict[str, Any]] = Field(sa_type=JSON)


class CostExplorerAnswerRow(Row, table=True):
    """Every question to Cost Explorer costs money, so its answers are kept."""

    question_sha256: str = Field(primary_key=True)
    payer_account_id: str = Field(foreign_key="payer_account.account_id")
    period: str = Field(sa_type=PERIOD)
    question: dict[str, Any] = Field(sa_type=JSON)
    answer: dict[str, Any] = Field(sa_type=JSON)
    asked_at: datetime


class ControlFileRow(Row, table=True):
    """A file of AWS's own totals beside a snapshot's: what it said, and who compared it when."""

    __table_args__ = (
        is_account_id("payer_account_id"),
        is_period("period"),
        sa.Index(None, "payer_account_id", "period"),
    )

    snapshot_id: str = Field(primary_key=True, foreign_key="snapshot.id")
    sha256: str = Field(primary_key=True)
    """Of the file's bytes."""
    payer_account_id: str = Field(foreign_key="payer_account.account_id")
    period: str = Field(sa_type=PERIOD)
    name: str
    column: str
    compared: int
    theirs: Decimal = Field(sa_type=NUMERIC)
    ours: Decimal = Field(sa_type=NUMERIC)
    differing: list[dict[str, Any]] = Field(sa_type=JSON)
    compared_at: datetime
    compared_by: str


class BillingInputRow(Row, table=True):
    """Everything but the charges that a run's drafts are a function of; `id` is its content id."""

    id: str = Field(primary_key=True)
    snapshot_id: str = Field(foreign_key="snapshot.id")
    body: dict[str, Any] = Field(sa_type=JSON)
    recorded_at: datetime


class BilledMonthRow(Row, table=True):
    """What billing a payer's month came to, the last time: its proof and its findings."""

    __table_args__ = (is_period("period"),)

    payer_account_id: str = Field(primary_key=True, foreign_key="payer_account.account_id")
    period: str = Field(primary_key=True, sa_type=PERIOD)
    inputs_id: str = Field(foreign_key="billing_input.id")
    run_id: int = Field(foreign_key="run.id")
    body: dict[str, Any] = Field(sa_type=JSON)
    billed_at: datetime


class DraftState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    ISSUED = "issued"
    NO_DOCUMENT = "no_document"
    """A month that asks for nothing: it is kept and shown, and is never numbered."""
    DISCARDED = "discarded"


class DraftRow(Row, table=True):
    __table_args__ = (
        sa.Index(
            "uq_draft_living",
            "payer_account_id",
            "period",
            "client_key",
            unique=True,
            postgresql_where=sa.text(
                "state IN ('draft', 'approved', 'no_document') AND corrects_id IS NULL"
            ),
        ),
        sa.CheckConstraint(
            "(state IN ('draft', 'no_document', 'discarded')) OR approved_at IS NOT NULL",
            name="issued_only_when_approved",
        ),
        sa.Index(None, "period", "id"),
        is_period("period"),
    )

    id: int | None = Field(default=None, primary_key=True)
    payer_account_id: str = Field(foreign_key="payer_account.account_id")
    period: str = Field(sa_type=PERIOD)
    client_key: str = Field(foreign_key="client.key", index=True)
    state: DraftState = Field(sa_type=one_of(DraftState))
    inputs_id: str = Field(foreign_key="billing_input.id")
    content_id: str
    """Of the document and its working: equal drafts are the same draft."""
    currency: str
    total_minor: int = Field(sa_type=sa.BigInteger)
    document: dict[str, Any] = Field(sa_type=JSON)
    working: dict[str, Any] = Field(sa_type=JSON)
    cost: Decimal = Field(sa_type=NUMERIC)
    """Exact, in the payer's currency."""
    price: Decimal = Field(sa_type=NUMERIC)
    """Exact, in the payer's currency."""
    other_currencies: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSON, sa_column_kwargs={"server_default": sa.text("'{}'")}
    )
    """By currency, cost and price of what is charged in another than the payer's."""
    drafted_at: datetime
    approved_at: datetime | None = None
    approved_by: str | None = None
    document_type: DocumentType = Field(
        default=DocumentType.INVOICE,
        sa_type=one_of(DocumentType),
        sa_column_kwargs={"server_default": DocumentType.INVOICE.value},
    )
    corrects_id: int | None = Field(default=None, foreign_key="draft.id", index=True)
    """The invoice that it corrects; None of a month's own document, of which there is one."""
    correction: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """See `service.store.billing.corrections.Made`."""
