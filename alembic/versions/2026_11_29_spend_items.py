"""Custom line items: minimum and maximum spend, and what is paid ahead."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from service.store.keeping import WouldLoseRows

revision = "0025_spend_items"
down_revision = "0024_corrections"
branch_labels = None
depends_on = None

TABLE = "custom_line_item"
AMOUNTS = ("minimum_spend", "maximum_spend", "prepaid")


def upgrade() -> None:
    for name in AMOUNTS:
        op.add_column(TABLE, sa.Column(name, sa.Numeric(), nullable=True))
    counts = sa.Enum("charges", "all", name="counts", native_enum=False, length=32)
    op.add_column(TABLE, sa.Column("counts", counts, nullable=True))
    op.create_check_constraint(
        op.f("ck_custom_line_item_counts"), TABLE, "counts IN ('charges', 'all')"
    )
    op.add_column(
        TABLE, sa.Column("carry_over", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    json = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    op.add_column(TABLE, sa.Column("opening", json, nullable=True))
    op.drop_constraint(op.f("ck_custom_line_item_either_flat_or_percent"), TABLE, type_="check")
    op.create_check_constraint(
        op.f("ck_custom_line_item_one_charge"),
        TABLE,
        "num_nonnulls(flat_amount, percent, minimum_spend, maximum_spend, prepaid) = 1",
    )


def downgrade() -> None:
    """The version before knows flat amounts and percentages only."""
    item = sa.table(TABLE, *map(sa.column, AMOUNTS))
    limits = sa.or_(*(item.c[name].is_not(None) for name in AMOUNTS))
    rows = op.get_bind().scalar(sa.select(sa.func.count()).select_from(item).where(limits))
    if rows:
        raise WouldLoseRows("minima, maxima or prepayments of custom_line_item", rows)
    op.drop_constraint(op.f("ck_custom_line_item_one_charge"), TABLE, type_="check")
    op.create_check_constraint(
        op.f("ck_custom_line_item_either_flat_or_percent"),
        TABLE,
        "(flat_amount IS NULL) <> (percent IS NULL)",
    )
    for name in ("opening", "carry_over", "counts", *AMOUNTS):
        op.drop_column(TABLE, name)
