"""Credit notes and supplementary invoices: drafts and documents of another type, with own series."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0024_corrections"
down_revision = "0023_item_versions"
branch_labels = None
depends_on = None

TYPES = "document_type IN ('invoice', 'credit_note', 'supplementary_invoice')"
LIVING = "state IN ('draft', 'approved', 'no_document')"
OF_A_MONTH = ["payer_account_id", "client_key", "period"]


def one_living(where: str) -> None:
    op.drop_index("uq_draft_living", "draft")
    op.create_index(
        "uq_draft_living",
        "draft",
        ["payer_account_id", "period", "client_key"],
        unique=True,
        postgresql_where=sa.text(where),
    )


def upgrade() -> None:
    json = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    op.add_column(
        "seller",
        sa.Column("other_numbering", json, server_default=sa.text("'{}'"), nullable=False),
    )
    for table in ("draft", "document"):
        op.add_column(
            table,
            sa.Column("document_type", sa.String(32), server_default="invoice", nullable=False),
        )
        op.create_check_constraint(op.f(f"ck_{table}_document_type"), table, TYPES)
    op.add_column("draft", sa.Column("corrects_id", sa.Integer(), nullable=True))
    op.add_column("draft", sa.Column("correction", json, nullable=True))
    op.create_foreign_key(
        op.f("fk_draft_corrects_id_draft"), "draft", "draft", ["corrects_id"], ["id"]
    )
    op.create_index(op.f("ix_draft_corrects_id"), "draft", ["corrects_id"])
    one_living(f"{LIVING} AND corrects_id IS NULL")
    op.drop_constraint(
        op.f("uq_document_payer_account_id_client_key_period"), "document", type_="unique"
    )
    op.create_index(
        "uq_document_invoice",
        "document",
        OF_A_MONTH,
        unique=True,
        postgresql_where=sa.text("document_type = 'invoice'"),
    )


def downgrade() -> None:
    # Refused by the database where there is a credit note: an older version has one document of a
    # client's month.
    op.drop_index("uq_document_invoice", "document")
    op.create_unique_constraint(
        op.f("uq_document_payer_account_id_client_key_period"), "document", OF_A_MONTH
    )
    one_living(LIVING)
    op.drop_index(op.f("ix_draft_corrects_id"), "draft")
    op.drop_constraint(op.f("fk_draft_corrects_id_draft"), "draft", type_="foreignkey")
    for table, columns in {
        "draft": ("correction", "corrects_id", "document_type"),
        "document": ("document_type",),
        "seller": ("other_numbering",),
    }.items():
        for column in columns:
            op.drop_column(table, column)
