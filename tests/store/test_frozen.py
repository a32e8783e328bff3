"""What is issued stays as it is, even for the database's owner with raw SQL."""

from __future__ import annotations

import hashlib

import psycopg
import pytest

from invoices.documents.document import content_id
from jobs.environment import Environment
from service.store.tables import METADATA
from tests.conftest import MonthOf
from tests.support.months import approve_all, bill, issue

FROZEN = ("document", "document_file", "chain_link", "audit_entry")
COLUMNS = [(table, column.name) for table in FROZEN for column in METADATA.tables[table].columns]


@pytest.fixture
def raw(environment: Environment, month_of: MonthOf) -> psycopg.Connection:
    month_of(1)
    bill(environment)
    approve_all(environment)
    issue(environment)
    return psycopg.connect(environment.database.conninfo, autocommit=True)


def test_no_column_of_an_issued_document_can_be_updated(raw: psycopg.Connection) -> None:
    for table, column in COLUMNS:
        with pytest.raises(psycopg.errors.RestrictViolation, match="its rows are frozen"):
            raw.execute(f"UPDATE {table} SET {column} = {column}")
    raw.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM document_file",
        "DELETE FROM document",
        "DELETE FROM chain_link",
        "TRUNCATE chain_link",
        "DELETE FROM audit_entry",
        "TRUNCATE document_file",
        "TRUNCATE document CASCADE",
        "TRUNCATE audit_entry",
        "SET session_replication_role = replica; DELETE FROM document_file",
    ],
)
def test_no_issued_document_can_be_removed(raw: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="its rows are frozen"):
        raw.execute(statement)

    assert raw.execute("SELECT count(*) FROM document").fetchone() == (1,)
    assert raw.execute("SELECT count(*) FROM document_file").fetchone() == (4,)
    raw.close()


def test_documents_are_what_their_hashes_and_the_chain_say(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(3)
    bill(environment)
    approve_all(environment)
    issue(environment)
    with environment.database.transaction() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT body, sha256, chain_sha256 FROM document ORDER BY ordinal"
        )
        found = [tuple(row) for row in rows]

    chain = "0" * 64
    for body, sha256, chain_sha256 in found:
        assert content_id(body) == sha256
        chain = hashlib.sha256(f"{chain}{sha256}".encode()).hexdigest()
        assert chain == chain_sha256
    assert len(found) == 3
