"""Shared costs: charges that clients bear together."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0022_shared_costs"
down_revision = "0021_chain_links"
branch_labels = None
depends_on = None

PERIOD = "^[0-9]{4}-(0[1-9]|1[0-2])$"


def upgrade() -> None:
    op.create_table(
        "shared_cost",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("start_period", sa.String(7, collation="C"), nullable=False),
        sa.Column("end_period", sa.String(7, collation="C"), nullable=True),
        sa.Column(
            "body",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
        ),
        sa.CheckConstraint(
            f"start_period ~ '{PERIOD}'", name=op.f("ck_shared_cost_start_period_form")
        ),
        sa.CheckConstraint(f"end_period ~ '{PERIOD}'", name=op.f("ck_shared_cost_end_period_form")),
        sa.PrimaryKeyConstraint("key", "start_period", name=op.f("pk_shared_cost")),
    )


def downgrade() -> None:
    op.drop_table("shared_cost")
