"""Percentages of what is above a limit, or of all once it is reached."""

import sqlalchemy as sa

from alembic import op
from service.store.keeping import WouldLoseRows

revision = "0029_steps"
down_revision = "0028_delivery_watch"
branch_labels = None
depends_on = None

TABLE = "custom_line_item"
LIMITS = ("above", "reached")


def upgrade() -> None:
    for name in LIMITS:
        op.add_column(TABLE, sa.Column(name, sa.Numeric(), nullable=True))


def downgrade() -> None:
    """The version before takes a percentage of everything: another amount."""
    item = sa.table(TABLE, *map(sa.column, LIMITS))
    limited = sa.or_(*(item.c[name].is_not(None) for name in LIMITS))
    rows = op.get_bind().scalar(sa.select(sa.func.count()).select_from(item).where(limited))
    if rows:
        raise WouldLoseRows("limits of percentages of custom_line_item", rows)
    for name in LIMITS:
        op.drop_column(TABLE, name)
