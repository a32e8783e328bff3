"""Owns the database as one file: written at one instant while others work, and read back whole."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kernel.errors import Refused, Unavailable
from kernel.room import line_of_full
from service.store.address import DatabaseUnavailable
from service.store.embedded import programs

LOCK_WAIT = "10min"
"""Only an upgrade of the tables makes a dump wait."""


PATIENTLY = """
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""
"""While pg_dump works, the transaction that it looks into only waits; managed servers end such."""


class DumpFails(Unavailable):
    """One of PostgreSQL's programs says no; the message has its words."""

    code = "dump_fails"


class DatabaseNotEmpty(Refused):
    code = "database_not_empty"

    def __init__(self) -> None:
        super().__init__(
            "the database has tables already: restore into an empty one "
            "(another REBILL_HOME, or a new database at REBILL_DATABASE_URL)"
        )


@dataclass(frozen=True, slots=True)
class DatabaseInstant:
    """What the dump says, asked in the very transaction that it shows."""

    name: str
    """By which pg_dump sees that transaction."""
    conninfo: str
    postgres: int
    """The server's major version."""
    revision: str
    snapshots: tuple[str, ...]
    documents: int
    last_ordinals: dict[str, int]
    """By series of numbers."""

    def dump(self, path: Path) -> None:
        """Raises DumpFails."""
        _run(
            "pg_dump", self.conninfo,
            f"--snapshot={self.name}", f"--lock-wait-timeout={LOCK_WAIT}",
            "--format=custom", "--no-owner", "--no-privileges", f"--file={path}",
        )  # fmt: skip


@contextmanager
def instant(conninfo: str) -> Iterator[DatabaseInstant]:
    """As long as it is held, `dump` sees the database as it is now. Raises DatabaseUnavailable."""
    try:
        with psycopg.connect(conninfo) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(PATIENTLY)
            yield _look(connection, conninfo)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(error) from error


def _look(connection: psycopg.Connection, conninfo: str) -> DatabaseInstant:
    def column(question: str) -> list[str]:
        return [str(value) for (value,) in connection.execute(question.encode())]

    series = connection.execute("SELECT key, last_ordinal FROM number_series ORDER BY key")
    return DatabaseInstant(
        name=column("SELECT pg_export_snapshot()")[0],
        conninfo=conninfo,
        postgres=connection.info.server_version // 10_000,
        revision=column("SELECT version_num FROM alembic_version")[0],
        snapshots=tuple(column("SELECT id FROM snapshot ORDER BY id")),
        documents=int(column("SELECT count(*) FROM document")[0]),
        last_ordinals=dict(series.fetchall()),
    )


def check_empty(conninfo: str) -> None:
    """Raises DatabaseNotEmpty, DatabaseUnavailable."""
    try:
        with psycopg.connect(conninfo) as connection:
            found = connection.execute(
                "SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
                "WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LIMIT 1"
            ).fetchone()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(error) from error
    if found is not None:
        raise DatabaseNotEmpty


def load(conninfo: str, path: Path) -> None:
    """All of it or nothing. Raises DumpFails."""
    _run(
        "pg_restore", conninfo,
        "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(path),
    )  # fmt: skip


def _run(program: str, conninfo: str, *arguments: str) -> None:
    """A password is handed over in the environment: everybody can read a command line."""
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    secret = {"PGPASSWORD": parts.pop("password")} if "password" in parts else {}
    finished = subprocess.run(  # noqa: S603 - programs of our own wheel, no shell
        [str(programs() / program), f"--dbname={make_conninfo(**parts)}", *arguments],
        env=os.environ | secret,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        if full := line_of_full(finished.stderr):
            raise DumpFails(
                "no space left on a disk, so that the database cannot be copied: "
                f"make room and run it again ({full})"
            )
        words = finished.stderr.strip().splitlines() or ["no message"]
        raise DumpFails(f"the database cannot be copied: {words[0]}")


__all__ = ["DatabaseInstant", "DatabaseNotEmpty", "DumpFails", "check_empty", "instant", "load"]
