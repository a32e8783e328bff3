"""The table of our own organization is called what the field calls us: the reseller."""

from alembic import op

revision = "0005_reseller"
down_revision = "0004_root_security"
branch_labels = None
depends_on = None

REFERRING = ("account_finding", "mailbox_canary", "member_account", "onboarding", "root_audit")


def upgrade() -> None:
    _rename("practice", "reseller")


def downgrade() -> None:
    _rename("reseller", "practice")


def _rename(before: str, after: str) -> None:
    """The table, and every constraint that carries its name."""
    op.rename_table(before, after)
    _rename_constraint(after, f"pk_{before}", f"pk_{after}")
    names = "fk_{}_payer_account_id_payer_account"
    _rename_constraint(after, names.format(before), names.format(after))
    for table in REFERRING:
        name = f"fk_{table}_payer_account_id_"
        _rename_constraint(table, name + before, name + after)


def _rename_constraint(table: str, before: str, after: str) -> None:
    op.execute(f'ALTER TABLE "{table}" RENAME CONSTRAINT "{before}" TO "{after}"')
