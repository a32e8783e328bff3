"""asked over http."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0003_asked_over_http"
down_revision = "0002_member_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answered_request",
        sa.Column("api_key", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("request_sha256", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column(
            "headers", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["api_key"], ["api_key.prefix"], name=op.f("fk_answered_request_api_key_api_key")
        ),
        sa.PrimaryKeyConstraint(
            "api_key", "operation", "idempotency_key", name=op.f("pk_answered_request")
        ),
    )
    op.create_table(
        "access_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("onboarding_id", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "results", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.CheckConstraint(
            "account_id ~ '^[0-9]{12}$'", name=op.f("ck_access_check_account_id_form")
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
            name=op.f("fk_access_check_onboarding_id_onboarding"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_check")),
    )
    op.create_index(
        op.f("ix_access_check_account_id"), "access_check", ["account_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_access_check_account_id"), table_name="access_check")
    op.drop_table("access_check")
    op.drop_table("answered_request")
