"""Root of a member is entered for one task, asked for and approved."""

import sqlalchemy as sa

from alembic import op

revision = "0019_root_tasks"
down_revision = "0018_first_costs"
branch_labels = None
depends_on = None

KINDS = ("unlock_bucket", "unlock_queue", "recover_root")
STATES = ("asked", "looking", "shown", "performing", "open", "ending", "done", "withdrawn")


def upgrade() -> None:
    op.create_table(
        "root_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("onboarding_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                *KINDS, name="root_task_kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                *STATES,
                name="root_task_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("root_before", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("account_id ~ '^[0-9]{12}$'", name=op.f("ck_root_task_account_id_form")),
        sa.CheckConstraint("approved_by <> asked_by", name=op.f("ck_root_task_a_second_person")),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboarding.id"], name=op.f("fk_root_task_onboarding_id_onboarding")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["reseller.payer_account_id"],
            name=op.f("fk_root_task_payer_account_id_reseller"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_root_task")),
    )
    op.create_index(
        op.f("ix_root_task_payer_account_id"), "root_task", ["payer_account_id"], unique=False
    )
    op.create_index(
        "uq_root_task_living",
        "root_task",
        ["account_id", "kind", "resource"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("root_task")
