"""Tag keys that a payer's charges keep."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0026_payer_tags"
down_revision = "0025_spend_items"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    op.add_column("payer_account", sa.Column("tags", kind, nullable=False, server_default="[]"))
    op.alter_column("payer_account", "tags", server_default=None)


def downgrade() -> None:
    op.drop_column("payer_account", "tags")
