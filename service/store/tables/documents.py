"""Owns the tables of what was issued: the database refuses to change or delete their rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from invoices.documents.invoice import DocumentType
from service.store.tables import configuration, months  # noqa: F401 - whose rows these name
from service.store.tables.row import JSON, PERIOD, Row, is_period, one_of


class NumberSeriesRow(Row, table=True):
    """One row per series: who updates it holds the right to issue, until commit or rollback."""

    __table_args__ = (sa.CheckConstraint("last_ordinal >= 0", name="last_ordinal_not_negative"),)

    key: str = Field(primary_key=True)
    last_ordinal: int = Field(sa_type=sa.BigInteger)
    last_issued_on: date | None = None
    last_chain_sha256: str


# That no row changes is a trigger's work, not a promise of ours:
# `tests/store/test_frozen.py::test_no_column_of_an_issued_document_can_be_updated`.
class DocumentRow(Row, table=True):
    __table_args__ = (
        sa.UniqueConstraint("series", "ordinal"),
        sa.Index(
            "uq_document_invoice",
            "payer_account_id",
            "client_key",
            "period",
            unique=True,
            postgresql_where=sa.text("document_type = 'invoice'"),
        ),
        sa.CheckConstraint("ordinal > 0", name="ordinal_positive"),
        is_period("period"),
    )

    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(unique=True)
    series: str = Field(foreign_key="number_series.key")
    ordinal: int = Field(sa_type=sa.BigInteger)
    draft_id: int = Field(foreign_key="draft.id", unique=True)
    payer_account_id: str = Field(foreign_key="payer_account.account_id")
    client_key: str = Field(foreign_key="client.key", index=True)
    period: str = Field(sa_type=PERIOD)
    body: dict[str, Any] = Field(sa_type=JSON)
    sha256: str
    """Of the body as canonical JSON."""
    chain_sha256: str
    """Of the series' chain before this document, and this document's `sha256`."""
    issued_on: date
    issued_at: datetime
    document_type: DocumentType = Field(
        default=DocumentType.INVOICE,
        sa_type=one_of(DocumentType),
        sa_column_kwargs={"server_default": DocumentType.INVOICE.value},
    )


class DocumentFileRow(Row, table=True):
    document_id: int = Field(primary_key=True, foreign_key="document.id")
    format: str = Field(primary_key=True)
    content: bytes
    sha256: str


class ChainLinkRow(Row, table=True):
    """Each document and each file of a series, in the order in which they were kept."""

    __table_args__ = (
        sa.CheckConstraint("position > 0", name="position_positive"),
        sa.UniqueConstraint("document_id", "format"),
    )

    series: str = Field(primary_key=True, foreign_key="number_series.key")
    position: int = Field(primary_key=True, sa_type=sa.BigInteger)
    origin: str
    """See `invoices.documents.chain.Origin`."""
    document_id: int = Field(foreign_key="document.id")
    format: str
    """Of the file; '' of the document itself."""
    chain_sha256: str
    """Of the link before, and of all that this one says: `invoices.documents.chain`."""
