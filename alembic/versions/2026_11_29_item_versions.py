"""Custom line items: versions of a key, terms of several months, days, and a tax of their own."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from service.store.keeping import WouldLoseRows

revision = "0023_item_versions"
down_revision = "0022_shared_costs"
branch_labels = None
depends_on = None

TABLE = "custom_line_item"
KEY = "pk_custom_line_item"


def upgrade() -> None:
    op.drop_constraint(op.f(KEY), TABLE, type_="primary")
    op.create_primary_key(op.f(KEY), TABLE, ["key", "start_period"])
    op.add_column(
        TABLE, sa.Column("every_months", sa.Integer(), nullable=False, server_default="1")
    )
    op.add_column(TABLE, sa.Column("starts_on", sa.Date(), nullable=True))
    op.add_column(TABLE, sa.Column("ends_on", sa.Date(), nullable=True))
    json = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    op.add_column(TABLE, sa.Column("tax", json, nullable=True))


def downgrade() -> None:
    """The version before has one price of an item, every month, whole, and taxed as the rest."""
    item = sa.table(TABLE, *map(sa.column, ("key", "every_months", "starts_on", "tax")))
    count = sa.select(sa.func.count()).select_from(item)
    other = sa.or_(item.c.every_months > 1, item.c.starts_on.is_not(None), item.c.tax.is_not(None))
    if rows := op.get_bind().scalar(count.where(other)):
        raise WouldLoseRows("terms, days or taxes of custom_line_item", rows)
    versions = sa.select(sa.func.count() - sa.func.count(item.c.key.distinct())).select_from(item)
    if rows := op.get_bind().scalar(versions):
        raise WouldLoseRows("later versions of custom_line_item", rows)
    op.drop_constraint(op.f(KEY), TABLE, type_="primary")
    op.create_primary_key(op.f(KEY), TABLE, ["key"])
    for name in ("tax", "ends_on", "starts_on", "every_months"):
        op.drop_column(TABLE, name)
