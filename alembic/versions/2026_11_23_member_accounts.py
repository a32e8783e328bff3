"""member accounts."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0002_member_accounts"
down_revision = "0001_first_tables"
branch_labels = None
depends_on = None


FROZEN = ("onboarding_event",)
"""What AWS was asked and what it said is never changed or removed, whoever asks."""


def freeze(table: str) -> None:
    op.execute(f"""
        CREATE TRIGGER frozen_rows BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """)
    op.execute(f"""
        CREATE TRIGGER frozen_table BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    # ALWAYS: also where replication switches ordinary triggers off.
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER frozen_rows")
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER frozen_table")


def upgrade() -> None:
    op.create_table(
        "catalogue_role",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_catalogue_role")),
    )
    op.create_table(
        "team",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_team")),
    )
    op.create_table(
        "client_external_id",
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_key"], ["client.key"], name=op.f("fk_client_external_id_client_key_client")
        ),
        sa.PrimaryKeyConstraint("client_key", name=op.f("pk_client_external_id")),
        sa.UniqueConstraint("external_id", name=op.f("uq_client_external_id_external_id")),
    )
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("team_key", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("role_name", sa.String(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.String(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "account_id ~ '^[0-9]{12}$'", name=op.f("ck_role_grant_account_id_form")
        ),
        sa.ForeignKeyConstraint(
            ["team_key"], ["team.key"], name=op.f("fk_role_grant_team_key_team")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    op.create_index(
        "uq_role_grant_living",
        "role_grant",
        ["team_key", "account_id", "role_name"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "practice",
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["payer_account.account_id"],
            name=op.f("fk_practice_payer_account_id_payer_account"),
        ),
        sa.PrimaryKeyConstraint("payer_account_id", name=op.f("pk_practice")),
    )
    op.create_table(
        "account_finding",
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column(
            "severity",
            sa.Enum(
                "critical",
                "warning",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["practice.payer_account_id"],
            name=op.f("fk_account_finding_payer_account_id_practice"),
        ),
        sa.PrimaryKeyConstraint(
            "payer_account_id", "code", "place", name=op.f("pk_account_finding")
        ),
    )
    op.create_table(
        "member_account",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "account_id ~ '^[0-9]{12}$'", name=op.f("ck_member_account_account_id_form")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["practice.payer_account_id"],
            name=op.f("fk_member_account_payer_account_id_practice"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_member_account")),
    )
    op.create_table(
        "onboarding",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("payer_account_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "create",
                "invite",
                "billing_transfer",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("account_name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("batch_id", sa.String(), nullable=True),
        sa.Column(
            "asked", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "request", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "record", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "stage",
            sa.Enum(
                "requested",
                "reserved",
                "creating",
                "invited",
                "linked",
                "in_ou",
                "roles_in_place",
                "verified",
                "live",
                "handing_over",
                "departed",
                "closing",
                "awaiting_final_invoice",
                "archived",
                "cancelled",
                name="stage",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "wait_kind",
            sa.Enum(
                "waiting_client",
                "waiting_aws",
                "blocked",
                "needs_human",
                name="wait_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("wait_reason", sa.String(), nullable=False),
        sa.Column("what_to_do", sa.String(), nullable=False),
        sa.Column("aws_words", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stops_all", sa.Boolean(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_asked_by", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("live_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("departed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "account_id ~ '^([0-9]{12})?$'", name=op.f("ck_onboarding_account_id_form")
        ),
        sa.CheckConstraint("id ~ '^onb-[0-9a-z]{4,16}$'", name=op.f("ck_onboarding_id_form")),
        sa.ForeignKeyConstraint(
            ["client_key"], ["client.key"], name=op.f("fk_onboarding_client_key_client")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"],
            ["practice.payer_account_id"],
            name=op.f("fk_onboarding_payer_account_id_practice"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_onboarding")),
        sa.UniqueConstraint("external_ref", name=op.f("uq_onboarding_external_ref")),
    )
    op.create_index(op.f("ix_onboarding_batch_id"), "onboarding", ["batch_id"], unique=False)
    op.create_index(op.f("ix_onboarding_client_key"), "onboarding", ["client_key"], unique=False)
    op.create_index(
        "ix_onboarding_due",
        "onboarding",
        ["payer_account_id", "next_at"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "uq_onboarding_account_living",
        "onboarding",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text(
            "account_id <> '' AND stage NOT IN ('cancelled', 'departed', 'awaiting_final_invoice', 'archived')"
        ),
    )
    op.create_index(
        "uq_onboarding_email_living",
        "onboarding",
        [sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text(
            "email <> '' AND stage NOT IN ('cancelled', 'departed', 'awaiting_final_invoice', 'archived')"
        ),
    )
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.String(), nullable=False),
        sa.Column(
            "exit",
            sa.Enum(
                "transfer",
                "standalone",
                "close",
                "end_billing",
                name="exit",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("client_email", sa.String(), nullable=False),
        sa.Column(
            "client_contact",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "codes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("aborted_by", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboarding.id"], name=op.f("fk_handover_onboarding_id_onboarding")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    op.create_index(op.f("ix_handover_onboarding_id"), "handover", ["onboarding_id"], unique=False)
    op.create_index(
        "uq_handover_living",
        "handover",
        ["onboarding_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "onboarding_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "asked",
                "intent",
                "call",
                "entry",
                "wait",
                "done",
                "person",
                name="event_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "ok",
                "refused",
                "lost",
                name="event_outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
            name=op.f("fk_onboarding_event_onboarding_id_onboarding"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_onboarding_event")),
    )
    op.create_index(
        op.f("ix_onboarding_event_onboarding_id"),
        "onboarding_event",
        ["onboarding_id"],
        unique=False,
    )
    op.create_table(
        "registered_role",
        sa.Column("role_arn", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("onboarding_id", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "account_id ~ '^[0-9]{12}$'", name=op.f("ck_registered_role_account_id_form")
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
            name=op.f("fk_registered_role_onboarding_id_onboarding"),
        ),
        sa.PrimaryKeyConstraint("role_arn", name=op.f("pk_registered_role")),
    )
    op.create_index(
        op.f("ix_registered_role_account_id"), "registered_role", ["account_id"], unique=False
    )
    op.create_table(
        "reservation",
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("account_name", sa.String(), nullable=False),
        sa.Column("onboarding_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
            name=op.f("fk_reservation_onboarding_id_onboarding"),
        ),
        sa.PrimaryKeyConstraint("email", name=op.f("pk_reservation")),
        sa.UniqueConstraint("account_name", name=op.f("uq_reservation_account_name")),
        sa.UniqueConstraint("onboarding_id", name=op.f("uq_reservation_onboarding_id")),
    )
    op.create_table(
        "handover_approval",
        sa.Column("handover_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "approved_by <> asked_by", name=op.f("ck_handover_approval_a_second_person")
        ),
        sa.ForeignKeyConstraint(
            ["handover_id"], ["handover.id"], name=op.f("fk_handover_approval_handover_id_handover")
        ),
        sa.PrimaryKeyConstraint("handover_id", "item", name=op.f("pk_handover_approval")),
    )
    for table in FROZEN:
        freeze(table)


def downgrade() -> None:
    op.drop_table("handover_approval")
    op.drop_table("reservation")
    op.drop_index(op.f("ix_registered_role_account_id"), table_name="registered_role")
    op.drop_table("registered_role")
    op.drop_index(op.f("ix_onboarding_event_onboarding_id"), table_name="onboarding_event")
    op.drop_table("onboarding_event")
    op.drop_index(
        "uq_handover_living", table_name="handover", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_index(op.f("ix_handover_onboarding_id"), table_name="handover")
    op.drop_table("handover")
    op.drop_index(
        "uq_onboarding_email_living",
        table_name="onboarding",
        postgresql_where=sa.text(
            "email <> '' AND stage NOT IN ('cancelled', 'departed', 'awaiting_final_invoice', 'archived')"
        ),
    )
    op.drop_index(
        "uq_onboarding_account_living",
        table_name="onboarding",
        postgresql_where=sa.text(
            "account_id <> '' AND stage NOT IN ('cancelled', 'departed', 'awaiting_final_invoice', 'archived')"
        ),
    )
    op.drop_index(
        "ix_onboarding_due",
        table_name="onboarding",
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_onboarding_client_key"), table_name="onboarding")
    op.drop_index(op.f("ix_onboarding_batch_id"), table_name="onboarding")
    op.drop_table("onboarding")
    op.drop_table("member_account")
    op.drop_table("account_finding")
    op.drop_table("practice")
    op.drop_index(
        "uq_role_grant_living",
        table_name="role_grant",
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.drop_table("role_grant")
    op.drop_table("client_external_id")
    op.drop_table("team")
    op.drop_table("catalogue_role")
