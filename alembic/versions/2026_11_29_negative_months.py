"""A month below nothing may be a credit note."""

import sqlalchemy as sa

from alembic import op

revision = "0027_credited_months"
down_revision = "0026_payer_tags"
branch_labels = None
depends_on = None


def allow(*words: str) -> None:
    for table in ("client", "seller"):
        name = op.f(f"ck_{table}_negative_months")
        op.drop_constraint(name, table, type_="check")
        listed = ", ".join(map(repr, words))
        op.create_check_constraint(name, table, sa.text(f"negative_months IN ({listed})"))


def upgrade() -> None:
    allow("park", "carry_forward", "credit_note")


def downgrade() -> None:
    # Refused by the database where somebody has chosen it.
    allow("park", "carry_forward")
