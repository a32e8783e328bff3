"""The month in which an account was first seen to cost something."""

import sqlalchemy as sa

from alembic import op

revision = "0018_first_costs"
down_revision = "0017_adoption"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("onboarding", sa.Column("first_cost_in", sa.String(7), nullable=True))


def downgrade() -> None:
    op.drop_column("onboarding", "first_cost_in")
