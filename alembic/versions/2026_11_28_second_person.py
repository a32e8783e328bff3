"""Grants of administrators' roles wait for a second person; names of roles ignore case."""

import sqlalchemy as sa

from alembic import op

revision = "0010_second_person"
down_revision = "0009_keys_that_end"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grant_proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("team_key", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("role_name", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "account_id ~ '^[0-9]{12}$'", name=op.f("ck_grant_proposal_account_id_form")
        ),
        sa.CheckConstraint(
            "approved_by <> asked_by", name=op.f("ck_grant_proposal_a_second_person")
        ),
        sa.ForeignKeyConstraint(
            ["team_key"], ["team.key"], name=op.f("fk_grant_proposal_team_key_team")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_proposal")),
    )
    op.create_index(
        "uq_grant_proposal_living",
        "grant_proposal",
        ["team_key", "account_id", "role_name"],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_index(
        "uq_catalogue_role_name_case",
        "catalogue_role",
        [sa.text("lower(name)")],
        unique=True,
    )


def downgrade() -> None:
    op.drop_index("uq_catalogue_role_name_case", table_name="catalogue_role")
    op.drop_table("grant_proposal")
