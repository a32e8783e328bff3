"""The currency that a seller accounts for its tax in."""

import sqlalchemy as sa

from alembic import op

revision = "0014_tax_currency"
down_revision = "0013_proration"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("seller", sa.Column("tax_currency", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("seller", "tax_currency")
