"""first tables."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0001_first_tables"
down_revision = None
branch_labels = None
depends_on = None

FROZEN = ("document", "document_file", "audit_entry")
"""What was issued and what was done is never changed or removed, whoever asks."""


def freeze(table: str) -> None:
    op.execute(f"""
        CREATE TRIGGER frozen_rows BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """)
    op.execute(f"""
        CREATE TRIGGER frozen_table BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    # ALWAYS: also where replication switches ordinary triggers off.
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER frozen_rows")
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER frozen_table")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.CheckConstraint("account_id ~ '^[0-9]{12}$'", name=op.f("ck_account_account_id_form")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column(
            "before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "client",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column(
            "address", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "tax_category",
            sa.Enum(
                "standard",
                "reverse_charge",
                "zero",
                "exempt",
                "outside_scope",
                "export",
                name="tax_category",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("tax_rate_percent", sa.Numeric(), nullable=False),
        sa.Column("vat_id", sa.String(), nullable=False),
        sa.Column("tax_note", sa.String(), nullable=False),
        sa.Column("price_book", sa.String(), nullable=False),
        sa.Column("payment_terms_days", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("buyer_reference", sa.String(), nullable=False),
        sa.Column(
            "external_refs",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_client_currency_form")),
        sa.CheckConstraint(
            "payment_terms_days >= 0", name=op.f("ck_client_payment_terms_days_not_negative")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_client")),
    )
    op.create_table(
        "exchange_rate",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("from_currency", sa.String(), nullable=False),
        sa.Column("to_currency", sa.String(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint(
            "period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_exchange_rate_period_form")
        ),
        sa.CheckConstraint("rate > 0", name=op.f("ck_exchange_rate_rate_positive")),
        sa.PrimaryKeyConstraint(
            "period", "from_currency", "to_currency", name=op.f("pk_exchange_rate")
        ),
    )
    op.create_table(
        "number_series",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("last_ordinal", sa.BigInteger(), nullable=False),
        sa.Column("last_issued_on", sa.Date(), nullable=True),
        sa.Column("last_chain_sha256", sa.String(), nullable=False),
        sa.CheckConstraint(
            "last_ordinal >= 0", name=op.f("ck_number_series_last_ordinal_not_negative")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_number_series")),
    )
    op.create_table(
        "price_book_version",
        sa.Column("book_key", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("book_key", "version", name=op.f("pk_price_book_version")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "ingest",
                "billing",
                "issuing",
                name="run_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column(
            "request", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "running",
                "done",
                "failed",
                name="run_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "payer_account_id ~ '^[0-9]{12}$'", name=op.f("ck_run_payer_account_id_form")
        ),
        sa.CheckConstraint(
            "period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_run_period_form")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(
        op.f("ix_run_payer_account_id_period"), "run", ["payer_account_id", "period"], unique=False
    )
    op.create_index(
        "ix_run_unfinished",
        "run",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state IN ('requested', 'running')"),
    )
    op.create_table(
        "seller",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "address", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("tax_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("website", sa.String(), nullable=False),
        sa.Column("registration", sa.String(), nullable=False),
        sa.Column(
            "payment_details",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
        ),
        sa.Column("footer", sa.String(), nullable=False),
        sa.Column("number_prefix", sa.String(), nullable=False),
        sa.Column("number_start", sa.Integer(), nullable=False),
        sa.Column(
            "rounding",
            sa.Enum(
                "half_up",
                "half_even",
                name="rounding",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_seller")),
    )
    op.create_table(
        "api_key",
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_sha256", sa.String(), nullable=False),
        sa.Column(
            "scopes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("client_key", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_key"], ["client.key"], name=op.f("fk_api_key_client_key_client")
        ),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_api_key")),
    )
    op.create_table(
        "assignment",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("client_key", sa.String(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(account_id::bigint, account_id::bigint, '[]')"), "&&"),
            (sa.text("daterange(starts_on, ends_on)"), "&&"),
            using="gist",
            name="one_client_on_a_day",
        ),
        sa.CheckConstraint(
            "account_id ~ '^[0-9]{12}$'", name=op.f("ck_assignment_account_id_form")
        ),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_assignment_ends_after_it_starts")),
        sa.ForeignKeyConstraint(
            ["client_key"], ["client.key"], name=op.f("fk_assignment_client_key_client")
        ),
        sa.PrimaryKeyConstraint("account_id", "starts_on", name=op.f("pk_assignment")),
    )
    op.create_index(op.f("ix_assignment_client_key"), "assignment", ["client_key"], unique=False)
    op.create_table(
        "payer_account",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("seller_key", sa.String(), nullable=True),
        sa.Column(
            "internal_accounts",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
        ),
        sa.Column(
            "exports", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.CheckConstraint(
            "account_id ~ '^[0-9]{12}$'", name=op.f("ck_payer_account_account_id_form")
        ),
        sa.ForeignKeyConstraint(
            ["seller_key"], ["seller.key"], name=op.f("fk_payer_account_seller_key_seller")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_payer_account")),
    )
    op.create_table(
        "custom_line_item",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "fee",
                "credit",
                name="custom_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("flat_amount", sa.Numeric(), nullable=True),
        sa.Column("percent", sa.Numeric(), nullable=True),
        sa.Column(
            "percent_of",
            sa.Enum(
                "cost",
                "price",
                name="percent_of",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("minimum", sa.Numeric(), nullable=True),
        sa.Column("start_period", sa.String(length=7), nullable=False),
        sa.Column("end_period", sa.String(length=7), nullable=True),
        sa.Column("payer_account_id", sa.String(), nullable=True),
        sa.CheckConstraint(
            "end_period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'",
            name=op.f("ck_custom_line_item_end_period_form"),
        ),
        sa.CheckConstraint(
            "start_period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'",
            name=op.f("ck_custom_line_item_start_period_form"),
        ),
        sa.CheckConstraint(
            "(flat_amount IS NULL) <> (percent IS NULL)",
            name=op.f("ck_custom_line_item_either_flat_or_percent"),
        ),
        sa.CheckConstraint(
            "(percent IS NULL) = (percent_of IS NULL)",
            name=op.f("ck_custom_line_item_percent_of_something"),
        ),
        sa.CheckConstraint(
            "flat_amount >= 0", name=op.f("ck_custom_line_item_flat_amount_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["client_key"], ["client.key"], name=op.f("fk_custom_line_item_client_key_client")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["payer_account.account_id"],
            name=op.f("fk_custom_line_item_payer_account_id_payer_account"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_custom_line_item")),
    )
    op.create_index(
        op.f("ix_custom_line_item_client_key"), "custom_line_item", ["client_key"], unique=False
    )
    op.create_table(
        "price_book_start",
        sa.Column("book_key", sa.String(), nullable=False),
        sa.Column("start_period", sa.String(length=7), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.CheckConstraint(
            "start_period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'",
            name=op.f("ck_price_book_start_start_period_form"),
        ),
        sa.ForeignKeyConstraint(
            ["book_key", "version"],
            ["price_book_version.book_key", "price_book_version.version"],
            name=op.f("fk_price_book_start_book_key_version_price_book_version"),
        ),
        sa.PrimaryKeyConstraint("book_key", "start_period", name=op.f("pk_price_book_start")),
    )
    op.create_table(
        "run_finding",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column(
            "severity",
            sa.Enum(
                "critical",
                "warning",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_finding_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "ordinal", name=op.f("pk_run_finding")),
    )
    op.create_table(
        "run_step",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "done",
                name="step_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("progress", sa.String(), nullable=False),
        sa.Column(
            "outcome", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_step_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "ordinal", name=op.f("pk_run_step")),
    )
    op.create_table(
        "cost_explorer_answer",
        sa.Column("question_sha256", sa.String(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column(
            "question", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "answer", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["payer_account.account_id"],
            name=op.f("fk_cost_explorer_answer_payer_account_id_payer_account"),
        ),
        sa.PrimaryKeyConstraint("question_sha256", name=op.f("pk_cost_explorer_answer")),
    )
    op.create_table(
        "snapshot",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("dialect", sa.String(), nullable=False),
        sa.Column("source_rows", sa.BigInteger(), nullable=False),
        sa.Column("finalized", sa.Boolean(), nullable=False),
        sa.Column(
            "facts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "findings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("ingested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("current_since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "payer_account_id ~ '^[0-9]{12}$'", name=op.f("ck_snapshot_payer_account_id_form")
        ),
        sa.CheckConstraint(
            "period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_snapshot_period_form")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["payer_account.account_id"],
            name=op.f("fk_snapshot_payer_account_id_payer_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
    )
    op.create_index(
        op.f("ix_snapshot_payer_account_id_period_current_since"),
        "snapshot",
        ["payer_account_id", "period", "current_since"],
        unique=False,
    )
    op.create_table(
        "billing_input",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("snapshot_id", sa.String(), nullable=False),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshot.id"], name=op.f("fk_billing_input_snapshot_id_snapshot")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_input")),
    )
    op.create_table(
        "billed_month",
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("inputs_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("billed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_billed_month_period_form")
        ),
        sa.ForeignKeyConstraint(
            ["inputs_id"],
            ["billing_input.id"],
            name=op.f("fk_billed_month_inputs_id_billing_input"),
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["payer_account.account_id"],
            name=op.f("fk_billed_month_payer_account_id_payer_account"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_billed_month_run_id_run")),
        sa.PrimaryKeyConstraint("payer_account_id", "period", name=op.f("pk_billed_month")),
    )
    op.create_table(
        "draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "approved",
                "issued",
                "discarded",
                name="draft_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("inputs_id", sa.String(), nullable=False),
        sa.Column("content_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "document", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "working", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("cost", sa.Numeric(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('draft', 'discarded')) OR approved_at IS NOT NULL",
            name=op.f("ck_draft_issued_only_when_approved"),
        ),
        sa.CheckConstraint(
            "period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_draft_period_form")
        ),
        sa.ForeignKeyConstraint(
            ["client_key"], ["client.key"], name=op.f("fk_draft_client_key_client")
        ),
        sa.ForeignKeyConstraint(
            ["inputs_id"], ["billing_input.id"], name=op.f("fk_draft_inputs_id_billing_input")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["payer_account.account_id"],
            name=op.f("fk_draft_payer_account_id_payer_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
    )
    op.create_index(op.f("ix_draft_client_key"), "draft", ["client_key"], unique=False)
    op.create_index(op.f("ix_draft_period_id"), "draft", ["period", "id"], unique=False)
    op.create_index(
        "uq_draft_living",
        "draft",
        ["payer_account_id", "period", "client_key"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'approved')"),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("chain_sha256", sa.String(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_document_period_form")
        ),
        sa.CheckConstraint("ordinal > 0", name=op.f("ck_document_ordinal_positive")),
        sa.ForeignKeyConstraint(
            ["client_key"], ["client.key"], name=op.f("fk_document_client_key_client")
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["draft.id"], name=op.f("fk_document_draft_id_draft")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["payer_account.account_id"],
            name=op.f("fk_document_payer_account_id_payer_account"),
        ),
        sa.ForeignKeyConstraint(
            ["series"], ["number_series.key"], name=op.f("fk_document_series_number_series")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_document_draft_id")),
        sa.UniqueConstraint("number", name=op.f("uq_document_number")),
        sa.UniqueConstraint(
            "payer_account_id",
            "client_key",
            "period",
            name=op.f("uq_document_payer_account_id_client_key_period"),
        ),
        sa.UniqueConstraint("series", "ordinal", name=op.f("uq_document_series_ordinal")),
    )
    op.create_index(op.f("ix_document_client_key"), "document", ["client_key"], unique=False)
    op.create_table(
        "document_file",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_document_file_document_id_document")
        ),
        sa.PrimaryKeyConstraint("document_id", "format", name=op.f("pk_document_file")),
    )
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% of % refused: its rows are frozen', TG_OP, TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END $$
    """)
    for table in FROZEN:
        freeze(table)


def downgrade() -> None:
    op.drop_table("document_file")
    op.drop_index(op.f("ix_document_client_key"), table_name="document")
    op.drop_table("document")
    op.drop_index(
        "uq_draft_living",
        table_name="draft",
        postgresql_where=sa.text("state IN ('draft', 'approved')"),
    )
    op.drop_index(op.f("ix_draft_period_id"), table_name="draft")
    op.drop_index(op.f("ix_draft_client_key"), table_name="draft")
    op.drop_table("draft")
    op.drop_table("billed_month")
    op.drop_table("billing_input")
    op.drop_index(op.f("ix_snapshot_payer_account_id_period_current_since"), table_name="snapshot")
    op.drop_table("snapshot")
    op.drop_table("cost_explorer_answer")
    op.drop_table("run_step")
    op.drop_table("run_finding")
    op.drop_table("price_book_start")
    op.drop_index(op.f("ix_custom_line_item_client_key"), table_name="custom_line_item")
    op.drop_table("custom_line_item")
    op.drop_table("payer_account")
    op.drop_index(op.f("ix_assignment_client_key"), table_name="assignment")
    op.drop_table("assignment")
    op.drop_table("api_key")
    op.drop_table("seller")
    op.drop_index(
        "ix_run_unfinished",
        table_name="run",
        postgresql_where=sa.text("state IN ('requested', 'running')"),
    )
    op.drop_index(op.f("ix_run_payer_account_id_period"), table_name="run")
    op.drop_table("run")
    op.drop_table("price_book_version")
    op.drop_table("number_series")
    op.drop_table("exchange_rate")
    op.drop_table("client")
    op.drop_table("audit_entry")
    op.drop_table("account")
    op.execute("DROP FUNCTION refuse_change()")
