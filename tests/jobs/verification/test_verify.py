"""Whatever is changed behind the database's back is named; what an outsider must remember, too."""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from invoices.documents.chain import START, Head, LinkPlace, Origin, link_sha256
from invoices.documents.document import content_id
from jobs.environment import Environment
from jobs.runs import engine
from jobs.verification.verifying import verify
from service.cli import commands
from service.store import tables, upgrade
from service.store.archive import chain, proof
from service.store.archive.proof import DamagedDocuments, Mark, prove_documents
from service.store.session import Session
from tests.conftest import MonthOf
from tests.support.months import approve_all, ask_to_issue, bill

TABLES = ("document", "document_file", "chain_link", "number_series")
LINKS = 10
"""Of two invoices, and of the four files of each."""


@pytest.fixture
def books(environment: Environment, month_of: MonthOf) -> Environment:
    month_of(2)
    bill(environment)
    approve_all(environment)
    # One after the other, so that links stand in an order: a month's files are rendered together.
    for client in ("c00", "c01"):
        engine.follow(environment, ask_to_issue(environment, client=client))
    return environment


class _Undone(Exception):
    pass


@contextmanager
def superuser(environment: Environment, *, keeps: bool = False) -> Iterator[Session]:
    """May change every row; all of it is undone at the end, unless it `keeps`."""
    try:
        with environment.database.transaction() as session:
            for table in TABLES:
                session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            yield session
            if not keeps:
                raise _Undone
            for table in TABLES:
                session.execute(sa.text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))
    except _Undone:
        pass


def problem(session: Session, *marks: Mark) -> str:
    """'' where everything proves right."""
    session.expire_all()
    try:
        prove_documents(session, marks)
    except DamagedDocuments as damaged:
        return str(damaged).partition(": issued documents are")[0]
    return ""


def test_what_was_issued_proves_right_and_is_counted(books: Environment) -> None:
    verified = verify(books, (), lambda *_: None)

    assert (verified.proven.documents, verified.proven.files, verified.months) == (2, 8, 1)
    assert verified.proven.upgraded == 0
    (head,) = verified.proven.heads
    assert (head.series, head.position, head.number) == ("seller", LINKS, "INV-000002")


OF_FIRST = "(SELECT id FROM document WHERE number = 'INV-000001')"
CHANGES = {
    "UPDATE document SET body = jsonb_set(body, '{total}', '\"1.00\"') WHERE ordinal = 2": (
        "INV-000002: its body is not what its hash says"
    ),
    "UPDATE document_file SET content = set_byte(content, 100, 0) "
    f"WHERE format = 'pdf' AND document_id = {OF_FIRST}": (
        "INV-000001, pdf: its bytes are not what their hash says"
    ),
    "UPDATE document SET issued_at = issued_at + interval '1 second' WHERE ordinal = 1": (
        "INV-000001: its row, or link 1 of seller, was changed"
    ),
    "UPDATE document SET client_key = 'c09' WHERE ordinal = 1": (
        "INV-000001: its row says otherwise than its body"
    ),
    # Link 1 is the document's; its PDF, CSV, XLSX and JSON follow.
    f"DELETE FROM document_file WHERE format = 'csv' AND document_id = {OF_FIRST}": (
        "INV-000001, csv: gone, and link 3 of seller not"
    ),
    "DELETE FROM chain_link WHERE position = 3": "INV-000001, xlsx: link 3 of seller is gone",
    "DELETE FROM chain_link WHERE position = 10": "INV-000002, json: it is in no chain",
    "DELETE FROM document WHERE ordinal = 2": "document 2: gone, and link 6 of seller not",
    "UPDATE number_series SET last_ordinal = 3": (
        "seller: after INV-000002 its series goes on otherwise"
    ),
}


def test_the_first_bad_row_is_named(books: Environment) -> None:
    for statement, named in CHANGES.items():
        with superuser(books) as session:
            session.execute(sa.text(statement))
            assert problem(session) == named


def _change_a_byte(session: Session, chance: random.Random) -> str:
    """Which it was; the database's own forms and keys are kept, so some draws are repeated."""
    while True:
        table = chance.choice(TABLES)
        column = chance.choice([each.name for each in tables.METADATA.tables[table].columns])
        cells = session.execute(
            sa.text(f"SELECT ctid::text, {column}, pg_typeof({column})::text FROM {table}")
        ).all()
        row, value, kind = chance.choice(cells)
        if kind != "bytea":
            value = session.execute(
                sa.text(f"SELECT {column}::text FROM {table} WHERE ctid = CAST(:row AS tid)"),
                {"row": row},
            ).scalar_one()
        if not value:
            continue
        changed = _with_another_byte(value, chance)
        attempt = session.begin_nested()
        try:
            now = session.execute(
                sa.text(
                    f"UPDATE {table} SET {column} = CAST(:changed AS {kind}) "
                    f"WHERE ctid = CAST(:row AS tid) RETURNING {column}"
                    f"{'' if kind == 'bytea' else '::text'}"
                ),
                {"changed": changed, "row": row},
            ).scalar_one()
        except DBAPIError:  # No value of that type, or twice the same key.
            attempt.rollback()
            continue
        if now != value:
            return f"{table}.{column}: {value[:80]!r} is {now[:80]!r}"


def _with_another_byte(value: str | bytes, chance: random.Random) -> Any:
    at = chance.randrange(len(value))
    if isinstance(value, bytes):
        return value[:at] + bytes([value[at] ^ chance.randrange(1, 256)]) + value[at + 1 :]
    other = chance.choice(string.ascii_lowercase + string.digits)
    return value[:at] + other + value[at + 1 :]


def _missed(books: Environment, changes: int) -> list[str]:
    missed = []
    for seed in range(changes):
        with superuser(books) as session:
            what = _change_a_byte(session, random.Random(seed))
            if not problem(session):
                missed.append(f"{seed}: {what}")
    return missed


def test_sixty_changes_of_one_byte_are_all_named(books: Environment) -> None:
    assert _missed(books, 60) == []


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_a_thousand_changes_of_one_byte_are_all_named(books: Environment) -> None:
    assert _missed(books, 1000) == []


def test_a_proof_that_overlooks_bytes_is_found_out(
    books: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hunt can fail: files are taken for proven here, and changes to their bytes live."""
    monkeypatch.setattr(proof, "_prove_file", lambda *_: None)

    assert any("document_file.content" in each for each in _missed(books, 60))


def _cut(session: Session, links: int) -> None:
    """As somebody does who knows how all of it is made: what is left proves right."""
    session.execute(sa.text("DELETE FROM chain_link WHERE position > :links"), {"links": links})
    session.execute(
        sa.text(
            "DELETE FROM document_file f WHERE NOT EXISTS (SELECT FROM chain_link l "
            "WHERE (l.document_id, l.format) = (f.document_id, f.format))"
        )
    )
    session.execute(
        sa.text(
            "DELETE FROM document d WHERE NOT EXISTS (SELECT FROM chain_link l "
            "WHERE l.document_id = d.id AND l.format = '')"
        )
    )
    last = "FROM document ORDER BY ordinal DESC LIMIT 1"
    session.execute(
        sa.text(
            f"UPDATE number_series SET last_ordinal = coalesce((SELECT ordinal {last}), 0), "
            f"last_issued_on = (SELECT issued_on {last}), "
            f"last_chain_sha256 = coalesce((SELECT chain_sha256 {last}), '{START}')"
        )
    )


def test_every_cut_tail_is_seen_by_who_remembers_its_end(books: Environment) -> None:
    for left in range(LINKS):
        with superuser(books) as session:
            (head,) = chain.heads(session)
            _cut(session, left)

            assert problem(session) == ""
            number = "no document" if left == 0 else f"INV-00000{1 + (left > 5)}"
            assert problem(session, Mark(head, "the checkpoint of May")) == (
                f"seller: its tail was cut: it ends at link {left} ({number}), and the checkpoint "
                f"of May saw link {LINKS} (INV-000002)"
            )


def test_the_commands_see_a_cut_tail_by_a_checkpoint(
    books: Environment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The second invoice and its files are gone, and the counter is as before them."""
    monkeypatch.setenv("REBILL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REBILL_DATABASE_URL", books.database.conninfo)
    key, place = tmp_path / "key", str(tmp_path / "elsewhere")
    compared = ["verify", "--checkpoints", place, "--key", f"{key}.pub"]
    assert commands.run(["checkpoint", "key", str(key)]) == 0
    assert commands.run(["checkpoint", "write", "--to", place, "--key", str(key)]) == 0
    assert commands.run(compared) == 0

    with superuser(books, keeps=True) as session:
        _cut(session, 5)

    capsys.readouterr()
    assert commands.run(["verify"]) == 0
    alone = capsys.readouterr()
    assert "1 documents, 4 files" in alone.out and "no checkpoint was compared" in alone.err
    assert commands.run(compared) == 1
    assert "its tail was cut: it ends at link 5 (INV-000001)" in capsys.readouterr().err


def test_every_hash_written_anew_is_seen_by_who_remembers_the_old_ones(books: Environment) -> None:
    """One who may write everything changes the last invoice, and hashes all of it again."""
    with superuser(books) as session:
        was = session.get_one(tables.documents.ChainLinkRow, ("seller", 6)).chain_sha256
        first, second = session.exec(
            select(tables.documents.DocumentRow).order_by(col(tables.documents.DocumentRow.ordinal))
        )
        second.body = {**second.body, "notes": ["Paid in full."]}
        second.sha256 = content_id(second.body)
        both = f"{first.chain_sha256}{second.sha256}"
        second.chain_sha256 = hashlib.sha256(both.encode()).hexdigest()
        counter = session.get_one(tables.documents.NumberSeriesRow, "seller")
        counter.last_chain_sha256 = second.chain_sha256
        session.flush()
        session.execute(
            sa.text("DELETE FROM document_file WHERE format = 'json' AND document_id = :document"),
            {"document": second.id},
        )
        _link_anew(session, but=(second.id, "json"))

        assert problem(session) == ""
        mark = Mark(Head("seller", 6, was, "INV-000002"), "the checkpoint of May")
        assert problem(session, mark) == (
            "INV-000002: the checkpoint of May saw another one in its place"
        )


def _link_anew(session: Session, *, but: tuple[int | None, str]) -> None:
    link, file = tables.documents.ChainLinkRow, tables.documents.DocumentFileRow
    links = session.exec(select(link).order_by(col(link.position))).all()
    kept = [each for each in links if (each.document_id, each.format) != but]
    session.execute(sa.text("DELETE FROM chain_link"))
    session.expunge_all()
    before = START
    for position, each in enumerate(kept, start=1):
        facts: Any = (
            chain.file_facts(session.get_one(file, (each.document_id, each.format)))
            if each.format
            else chain.document_facts(
                session.get_one(tables.documents.DocumentRow, each.document_id)
            )
        )
        before = link_sha256(before, LinkPlace(each.series, position, each.origin), facts)
        session.add(
            link(
                series=each.series, position=position, origin=each.origin,
                document_id=each.document_id, format=each.format, chain_sha256=before,
            )
        )  # fmt: skip
    session.flush()


def test_an_older_store_is_linked_as_it_stands_and_says_so(books: Environment) -> None:
    with psycopg.connect(books.database.conninfo, autocommit=True) as connection:
        connection.execute("DROP TABLE chain_link")
        # Another day in another place: an instant is linked as what it is.
        connection.execute("ALTER ROLE CURRENT_USER SET timezone = 'Pacific/Kiritimati'")
    engine = upgrade._engine(books.database.conninfo)
    try:
        # Its migration alone: those after it would lose rows on the way back.
        with engine.begin() as store, Operations.context(MigrationContext.configure(store)):
            scripts = ScriptDirectory.from_config(upgrade._config(store))
            scripts.get_revision("0021_chain_links").module.upgrade()
    finally:
        engine.dispose()
        with psycopg.connect(books.database.conninfo, autocommit=True) as connection:
            connection.execute("ALTER ROLE CURRENT_USER RESET timezone")

    verified = verify(books, (), lambda *_: None)

    assert verified.proven.upgraded == LINKS
    with superuser(books) as session:
        session.execute(sa.text("UPDATE document SET draft_id = draft_id + 1 WHERE ordinal = 2"))
        assert "INV-000002" in problem(session)


def test_a_head_names_its_document(books: Environment) -> None:
    with books.database.transaction() as session:
        (head,) = chain.heads(session)
        link = session.get_one(tables.documents.ChainLinkRow, ("seller", LINKS))
    assert head == Head("seller", LINKS, link.chain_sha256, "INV-000002")
    assert link.origin == Origin.ISSUE


def test_a_month_whose_charges_were_changed_is_named(books: Environment) -> None:
    for file in books.snapshots.root.rglob("daily.parquet"):
        file.write_bytes(b"PAR1" + file.read_bytes()[4:-8] + b"\0\0\0\0PAR1")

    with pytest.raises(DamagedDocuments, match=r"2018-10 of 836060457634: snapshot \w+: its files"):
        verify(books, (), lambda *_: None)
