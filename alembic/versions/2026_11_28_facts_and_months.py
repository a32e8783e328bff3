"""Facts by date, what becomes of months that ask for nothing, and drafts that are no documents."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0015_facts_and_months"
down_revision = "0014_tax_currency"
branch_labels = None
depends_on = None

POLICIES = {"zero_months": ("invoice", "no_document"), "negative_months": ("park", "carry_forward")}
STATES = ("draft", "approved", "issued", "no_document", "discarded")
UNAPPROVED = ("draft", "no_document", "discarded")
LIVING = ("draft", "approved", "no_document")


def one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(map(repr, words))})"


def lives_of_drafts(states: tuple[str, ...], unapproved: tuple[str, ...]) -> None:
    for name, rule in {
        "ck_draft_draft_state": one_of("state", states),
        "ck_draft_issued_only_when_approved": (
            f"({one_of('state', unapproved)}) OR approved_at IS NOT NULL"
        ),
    }.items():
        op.drop_constraint(op.f(name), "draft", type_="check")
        op.create_check_constraint(op.f(name), "draft", rule)


def one_living(living: tuple[str, ...]) -> None:
    op.drop_index("uq_draft_living", "draft")
    op.create_index(
        "uq_draft_living",
        "draft",
        ["payer_account_id", "period", "client_key"],
        unique=True,
        postgresql_where=sa.text(one_of("state", living)),
    )


def upgrade() -> None:
    for table in ("client", "seller"):
        for column, words in POLICIES.items():
            op.add_column(table, sa.Column(column, sa.String(32), nullable=True))
            rule = one_of(column, words)
            op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, rule)
    lives_of_drafts(STATES, UNAPPROVED)
    one_living(LIVING)
    for party in ("client", "seller"):
        op.create_table(
            f"{party}_facts",
            sa.Column(f"{party}_key", sa.String(), nullable=False),
            sa.Column("starts_on", sa.Date(), nullable=False),
            sa.Column(
                "said", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
            ),
            sa.ForeignKeyConstraint(
                [f"{party}_key"],
                [f"{party}.key"],
                name=op.f(f"fk_{party}_facts_{party}_key_{party}"),
            ),
            sa.PrimaryKeyConstraint(f"{party}_key", "starts_on", name=op.f(f"pk_{party}_facts")),
        )


def downgrade() -> None:
    # Refused by the database where there is a month without a document: an older version would
    # not know what it is.
    one_living(LIVING[:2])
    lives_of_drafts(("draft", "approved", "issued", "discarded"), ("draft", "discarded"))
    for table in ("client", "seller"):
        for column in POLICIES:
            op.drop_column(table, column)
    op.drop_table("seller_facts")
    op.drop_table("client_facts")
