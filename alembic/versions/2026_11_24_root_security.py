"""root security."""

import sqlalchemy as sa

from alembic import op

revision = "0004_root_security"
down_revision = "0003_asked_over_http"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailbox_canary",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refusal", sa.String(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "account_id ~ '^[0-9]{12}$'", name=op.f("ck_mailbox_canary_account_id_form")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["practice.payer_account_id"],
            name=op.f("fk_mailbox_canary_payer_account_id_practice"),
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_mailbox_canary")),
    )
    op.create_index(
        "ix_mailbox_canary_latest",
        "mailbox_canary",
        ["payer_account_id", "account_id", "written_at"],
        unique=False,
    )
    op.create_table(
        "root_audit",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("audited_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "account_id ~ '^[0-9]{12}$'", name=op.f("ck_root_audit_account_id_form")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["practice.payer_account_id"],
            name=op.f("fk_root_audit_payer_account_id_practice"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_root_audit")),
    )
    op.create_index(
        op.f("ix_root_audit_payer_account_id"), "root_audit", ["payer_account_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_root_audit_payer_account_id"), table_name="root_audit")
    op.drop_table("root_audit")
    op.drop_index("ix_mailbox_canary_latest", table_name="mailbox_canary")
    op.drop_table("mailbox_canary")
