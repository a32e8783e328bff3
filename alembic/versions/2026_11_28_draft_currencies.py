"""What a draft's client bears in other currencies than the payer's."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0012_draft_currencies"
down_revision = "0011_rounding"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "draft",
        sa.Column(
            "other_currencies",
            postgresql.JSONB(astext_type=sa.Text(), none_as_null=True),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.drop_column("draft", "other_currencies")
