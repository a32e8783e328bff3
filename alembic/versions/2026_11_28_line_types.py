"""Line item types that a person mapped to a kind."""

import sqlalchemy as sa

from alembic import op

revision = "0006_line_types"
down_revision = "0005_reseller"
branch_labels = None
depends_on = None

KINDS = (
    "usage", "fee", "subscription", "ri_usage", "ri_fee", "ri_upfront", "sp_usage", "sp_negation",
    "sp_fee", "sp_upfront", "credit", "refund", "tax", "discount_edp", "discount_private_rate",
    "discount_bundled", "discount_ri_volume", "discount_spp", "discount_other", "unknown",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "line_type",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("start_period", sa.String(7, collation="C"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.CheckConstraint(
            "start_period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'",
            name=op.f("ck_line_type_start_period_form"),
        ),
        sa.PrimaryKeyConstraint("name", "start_period", name=op.f("pk_line_type")),
    )


def downgrade() -> None:
    op.drop_table("line_type")
