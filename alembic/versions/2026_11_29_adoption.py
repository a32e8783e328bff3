"""Members that are adopted: a kind of onboarding more."""

from alembic import op

revision = "0017_adoption"
down_revision = "0016_grants_that_end"
branch_labels = None
depends_on = None

BEFORE = ("create", "invite", "billing_transfer")
AFTER = ("create", "invite", "adopt", "billing_transfer")


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_onboarding_kind"), "onboarding", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_onboarding_kind"), "onboarding", f"kind IN ({listed})")


def upgrade() -> None:
    _allow(AFTER)


def downgrade() -> None:
    """Refused by the database where an account was adopted: nothing says what else it would be."""
    _allow(BEFORE)
