"""Whether a payer's monthly fees are prorated where an account changes hands."""

import sqlalchemy as sa

from alembic import op

revision = "0013_proration"
down_revision = "0012_draft_currencies"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payer_account",
        sa.Column("prorates_monthly_fees", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.alter_column("payer_account", "prorates_monthly_fees", server_default=None)


def downgrade() -> None:
    op.drop_column("payer_account", "prorates_monthly_fees")
