"""Findings of a month that somebody answers for."""

import sqlalchemy as sa

from alembic import op

revision = "0007_waivers"
down_revision = "0006_line_types"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "waiver",
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(7, collation="C"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "payer_account_id ~ '^[0-9]{12}$'", name=op.f("ck_waiver_payer_account_id_form")
        ),
        sa.CheckConstraint(
            "period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_waiver_period_form")
        ),
        sa.PrimaryKeyConstraint(
            "payer_account_id", "period", "code", "client_key", name=op.f("pk_waiver")
        ),
    )


def downgrade() -> None:
    op.drop_table("waiver")
