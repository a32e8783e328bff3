"""Files of AWS's own totals that were compared with a month."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0008_control_files"
down_revision = "0007_waivers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "control_file",
        sa.Column("snapshot_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(7, collation="C"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("theirs", sa.Numeric(), nullable=False),
        sa.Column("ours", sa.Numeric(), nullable=False),
        sa.Column(
            "differing",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
        ),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared_by", sa.String(), nullable=False),
        sa.CheckConstraint(
            "payer_account_id ~ '^[0-9]{12}$'",
            name=op.f("ck_control_file_payer_account_id_form"),
        ),
        sa.CheckConstraint(
            "period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_control_file_period_form")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["payer_account.account_id"],
            name=op.f("fk_control_file_payer_account_id_payer_account"),
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["snapshot.id"],
            name=op.f("fk_control_file_snapshot_id_snapshot"),
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "sha256", name=op.f("pk_control_file")),
    )
    op.create_index(
        op.f("ix_control_file_payer_account_id_period"),
        "control_file",
        ["payer_account_id", "period"],
    )


def downgrade() -> None:
    op.drop_table("control_file")
