"""Cut off or rounded up; tax apart from all else; of a client in another way than its seller's."""

import sqlalchemy as sa

from alembic import op

revision = "0011_rounding"
down_revision = "0010_second_person"
branch_labels = None
depends_on = None

ALL = ("half_up", "half_even", "down", "up")
COLUMNS = (("seller", "tax_rounding"), ("client", "rounding"), ("client", "tax_rounding"))


def _is_one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(map(repr, words))})"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_seller_rounding"), "seller", type_="check")
    op.create_check_constraint(op.f("ck_seller_rounding"), "seller", _is_one_of("rounding", ALL))
    for table, column in COLUMNS:
        op.add_column(table, sa.Column(column, sa.String(32), nullable=True))
        op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, _is_one_of(column, ALL))


def downgrade() -> None:
    for table, column in reversed(COLUMNS):
        op.drop_column(table, column)
    # Refused by the database where a seller rounds in a way that an older version does not know.
    op.drop_constraint(op.f("ck_seller_rounding"), "seller", type_="check")
    op.create_check_constraint(
        op.f("ck_seller_rounding"), "seller", _is_one_of("rounding", ALL[:2])
    )
