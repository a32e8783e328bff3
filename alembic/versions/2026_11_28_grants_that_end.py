"""When a grant of a role ends by itself."""

import sqlalchemy as sa

from alembic import op

revision = "0016_grants_that_end"
down_revision = "0015_facts_and_months"
branch_labels = None
depends_on = None

TABLES = ("role_grant", "grant_proposal")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "until")
