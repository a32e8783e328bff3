"""API keys end, are replaced, and say when they were used; no key has a scope that means nothing."""

import sqlalchemy as sa

from alembic import op

revision = "0009_keys_that_end"
down_revision = "0008_control_files"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_key", sa.Column("holder", sa.String(), nullable=True))
    op.execute("UPDATE api_key SET holder = prefix")
    op.alter_column("api_key", "holder", nullable=False)
    op.add_column("api_key", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_key", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_api_key_ends_after_it_starts"), "api_key", "expires_at > created_at"
    )
    op.execute("UPDATE api_key SET scopes = scopes - 'operate'")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_api_key_ends_after_it_starts"), "api_key")
    op.drop_column("api_key", "last_used_at")
    op.drop_column("api_key", "expires_at")
    op.drop_column("api_key", "holder")
