"""Owns the way to the database: which one, its connections, transactions and locks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import DBAPIError, OperationalError

from kernel.errors import Unavailable
from service.store.embedded import EmbeddedServer
from service.store.session import Session
from service.store.upgrade import upgrade

DATABASE = "rebill"


class Database:
    """A PostgreSQL database with our tables in it, for one process (a fork opens its own)."""

    def __init__(self, conninfo: str, server: EmbeddedServer | None = None) -> None:
        self.conninfo = make_conninfo(conninfo, application_name="rebill")
        """How libpq reaches it: also what the queue's workers connect with."""
        self._server = server
        self._engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(self.conninfo),
            pool_size=5,
            max_overflow=60,
            pool_pre_ping=True,
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """All that is written inside is committed at the end, or nothing of it."""
        try:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (OperationalError, psycopg.OperationalError) as error:
            raise DatabaseUnavailable(error) from error

    @contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        """Whether we hold the lock `name` while inside; another holder's death frees it."""
        with closing(self._connection()) as connection:
            asked = connection.execute("SELECT pg_try_advisory_lock(%s)", [_lock_id(name)])
            row = asked.fetchone()
            assert row is not None
            yield bool(row[0])
            with suppress(psycopg.OperationalError):
                # Closing alone frees it a little later. A broken connection has freed it already.
                connection.execute("SELECT pg_advisory_unlock_all()")

    def _connection(self) -> psycopg.Connection:
        try:
            return psycopg.connect(self.conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(error) from error

    def close(self) -> None:
        self._engine.dispose()
        if self._server is not None:
            self._server.release()


def open_database(url: str | None, home: Path) -> Database:
    """The server at `url`, or without one the embedded server under `home`; tables up to date.

    Raises DatabaseUnavailable, ServerNotStarted.
    """
    if url is None:
        server = EmbeddedServer.attach(home / "postgres")
        conninfo = embedded_database(server, DATABASE)
        database = Database(conninfo, server)
    else:
        database = Database(url.replace("postgresql+psycopg://", "postgresql://", 1))
    try:
        upgrade(database.conninfo)
    except (psycopg.OperationalError, DBAPIError) as error:
        database.close()
        raise DatabaseUnavailable(error) from error
    return database


def embedded_database(server: EmbeddedServer, name: str, template: str = "template1") -> str:
    """Where to reach the database `name` of `server`, made from `template` when there is none."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_lock_id("create database")])
        there = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
        if there is None:
            statement = psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            names = (psycopg.sql.Identifier(name), psycopg.sql.Identifier(template))
            connection.execute(statement.format(*names))
    return server.conninfo(name)


class DatabaseUnavailable(Unavailable):
    """Nobody answers there, or not as PostgreSQL should."""

    def __init__(self, error: Exception) -> None:
        # SQLAlchemy wraps the driver's words in its own.
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        super().__init__(f"cannot use the database: {reason} (see REBILL_DATABASE_URL)")


def _lock_id(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


__all__ = ["Database", "DatabaseUnavailable", "embedded_database", "open_database"]
