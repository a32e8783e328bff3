"""Links over documents and their files; what is there already is linked as of this upgrade."""

import itertools

import sqlalchemy as sa

from alembic import op
from invoices.documents.chain import (
    START,
    LinkedDocument,
    LinkedFile,
    LinkPlace,
    Origin,
    link_sha256,
)

revision = "0021_chain_links"
down_revision = "0020_custom_items"
branch_labels = None
depends_on = None

DOCUMENTS = sa.text("""
    SELECT id, number, ordinal, draft_id, payer_account_id, client_key, period, sha256,
           chain_sha256, issued_on, issued_at
    FROM document WHERE series = :series ORDER BY ordinal
""")
FILES = sa.text("""
    SELECT document_id, format, sha256, octet_length(content)
    FROM document_file WHERE document_id = :document ORDER BY format
""")


def upgrade() -> None:
    table = op.create_table(
        "chain_link",
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("chain_sha256", sa.String(), nullable=False),
        sa.CheckConstraint("position > 0", name=op.f("ck_chain_link_position_positive")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_chain_link_document_id_document")
        ),
        sa.ForeignKeyConstraint(
            ["series"], ["number_series.key"], name=op.f("fk_chain_link_series_number_series")
        ),
        sa.PrimaryKeyConstraint("series", "position", name=op.f("pk_chain_link")),
        sa.UniqueConstraint("document_id", "format", name=op.f("uq_chain_link_document_id_format")),
    )
    # No hash is checked here: what was changed before is told by `rebill verify`, by name.
    for (series,) in op.get_bind().execute(sa.text("SELECT key FROM number_series")).all():
        _link(table, series)
    op.execute("""
        CREATE TRIGGER frozen_rows BEFORE UPDATE OR DELETE ON chain_link
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """)
    op.execute("""
        CREATE TRIGGER frozen_table BEFORE TRUNCATE ON chain_link
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    op.execute("ALTER TABLE chain_link ENABLE ALWAYS TRIGGER frozen_rows")
    op.execute("ALTER TABLE chain_link ENABLE ALWAYS TRIGGER frozen_table")


def _link(table: sa.Table, series: str) -> None:
    """A document, then its files; after all, those that were there first."""
    positions = itertools.count(1)
    before = START
    for row in op.get_bind().execute(DOCUMENTS, {"series": series}).all():
        document = LinkedDocument(*row)
        files = op.get_bind().execute(FILES, {"document": document.document_id}).all()
        rows = []
        for facts in (document, *(LinkedFile(*each) for each in files)):
            place = LinkPlace(series, next(positions), Origin.UPGRADE)
            before = link_sha256(before, place, facts)
            rows.append({
                "series": series, "position": place.position, "origin": place.origin.value,
                "document_id": facts.document_id,
                "format": facts.format if isinstance(facts, LinkedFile) else "",
                "chain_sha256": before,
            })  # fmt: skip
        op.bulk_insert(table, rows)


def downgrade() -> None:
    op.drop_table("chain_link")
