"""A database that is away, or has become read-only, is told by one exception and left alone."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.exc import ProgrammingError

from kernel.errors import BadInput
from service.store import queue
from service.store.address import with_link
from service.store.database import Database, DatabaseUnavailable
from service.store.embedded import no_space_told_by
from service.store.session import Session

WRITE = sa.text("INSERT INTO number_series VALUES ('s', 0, NULL, '')")

WRITE_AND_FILL = sa.text("""
    INSERT INTO number_series VALUES ('s', 0, NULL, '');
    DO $$ BEGIN RAISE 'could not extend file "base/1/2": No space left on device'
    USING ERRCODE = 'disk_full'; END $$
""")
"""As PostgreSQL 18 has it."""

START = "no space left on its disk: make room there and start it again "


def _is_kept(session: Session) -> bool:
    return bool(session.execute(sa.text("SELECT count(*) FROM number_series")).scalar_one())


def test_a_primary_that_became_a_standby_is_left(database: Database) -> None:
    """Its connections stay, answer pings, and refuse writes: other pools wrote in vain for days."""
    with database.transaction() as session:
        session.execute(sa.text("SET default_transaction_read_only = on"))

    with (
        pytest.raises(DatabaseUnavailable, match="read-only transaction"),
        database.transaction() as session,
    ):
        session.execute(WRITE)

    with database.transaction() as session:
        session.execute(WRITE)
        assert _is_kept(session)


def test_the_queue_knows_a_standby_too(database: Database) -> None:
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
            connection.execute("CREATE TABLE t ()")

    assert queue.is_lost_database(refused.value)


def test_a_full_disk_is_told_with_its_cause_first_and_nothing_is_kept(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as told, database.transaction() as session:
        session.execute(WRITE_AND_FILL)

    assert told.value.code == "database_full"
    assert str(told.value) == (
        "no space left on the database's disk: make room there and try again; nothing of this was "
        'kept (could not extend file "base/1/2": No space left on device)'
    )
    with database.transaction() as session:
        assert not _is_kept(session)


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (
            'LOG:  shut down | FATAL:  could not write lock file "p": No space left on device',
            START + '(could not write lock file "p": No space left on device)',
        ),
        (
            'PANIC:  could not write to file "x": No space left on device | LOG:  shut down',
            START + '(could not write to file "x": No space left on device)',
        ),
        ("FATAL:  could not write: No space left on device | FATAL:  data directory is empty", ""),
        ("LOG:  could not remove: No space left on device", ""),
        ("no log", ""),
    ],
)
def test_why_a_server_does_not_start_is_what_ended_it_last(tail: str, words: str) -> None:
    assert no_space_told_by(tail) == words


def test_a_defect_is_no_loss(database: Database) -> None:
    with pytest.raises(ProgrammingError, match="syntax"), database.transaction() as session:
        session.execute(sa.text("SELEC 1"))


def test_an_address_says_how_long_to_wait_or_gets_our_word() -> None:
    said = conninfo_to_dict(with_link("postgresql://me@one:5432,two:5433/books?connect_timeout=60"))

    assert said == {
        "host": "one,two", "port": "5432,5433", "user": "me", "dbname": "books",
        "connect_timeout": "60",
        "keepalives_idle": "4", "keepalives_interval": "2", "keepalives_count": "2",
        "tcp_user_timeout": "8000", "target_session_attrs": "read-write",
    }  # fmt: skip


def test_an_address_that_cannot_be_read_is_bad_input() -> None:
    with pytest.raises(BadInput, match="REBILL_DATABASE_URL is no address; write "):
        with_link("postgresql://host/database?no_such_word=1")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:can%ary@host/books",
        "postgresql://me:p@canary@host/books",
        "postgresql://me:canary/x@host/books",
        "host=one password=not canary",
        "mysql://me:canary@host/books",
        "me:canary=@host",
    ],
)
def test_of_an_address_that_is_torn_by_its_password_nothing_is_quoted(address: str) -> None:
    with pytest.raises(BadInput) as refused:
        with_link(address)

    assert "ary" not in str(refused.value)
    assert "in a password %40 for @" in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
