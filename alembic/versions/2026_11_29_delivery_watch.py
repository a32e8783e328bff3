"""What the schedule saw at each payer's exports, and whether it is to look."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0028_delivery_watch"
down_revision = "0027_credited_months"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery_watch",
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("is_stopped", sa.Boolean(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "looks", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["payer_account.account_id"],
            name=op.f("fk_delivery_watch_payer_account_id_payer_account"),
        ),
        sa.PrimaryKeyConstraint("payer_account_id", name=op.f("pk_delivery_watch")),
    )


def downgrade() -> None:
    op.drop_table("delivery_watch")
