"""Custom line items: quantity, a cap, and percentages of named services and accounts."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from service.store.keeping import WouldLoseRows

revision = "0020_custom_items"
down_revision = "0019_root_tasks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "custom_line_item"
    op.add_column(table, sa.Column("maximum", sa.Numeric(), nullable=True))
    for name, kind, default in (
        ("quantity", sa.Numeric(), "1"),
        ("services", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "[]"),
        ("accounts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "[]"),
    ):
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default=default))
        op.alter_column(table, name, server_default=None)


def downgrade() -> None:
    """The version before has no units, and would take a percentage of everything, uncapped."""
    item = sa.table("custom_line_item", *map(sa.column, ("maximum", "services", "accounts")))
    empty = [sa.cast(item.c[name], sa.Text) == "[]" for name in ("services", "accounts")]
    limited = sa.or_(item.c.maximum.is_not(None), *(sa.not_(each) for each in empty))
    rows = op.get_bind().scalar(sa.select(sa.func.count()).select_from(item).where(limited))
    if rows:
        raise WouldLoseRows("what percentages of custom_line_item are limited to", rows)
    op.execute("UPDATE custom_line_item SET flat_amount = flat_amount * quantity")
    for name in ("accounts", "services", "quantity", "maximum"):
        op.drop_column("custom_line_item", name)
