"""Owns the way to the database: its connections, transactions and locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import DBAPIError

from service.store.address import (
    DatabaseUnavailable,
    embedded_database,
    is_lost,
    lock_id,
    prepare_database,
    with_link,
)
from service.store.embedded import EmbeddedServer
from service.store.session import Session
from service.store.supervision import OnTrouble, supervised


class Database:
    """A PostgreSQL database with our tables in it, for one process (a fork opens its own)."""

    def __init__(self, conninfo: str, server: EmbeddedServer | None = None) -> None:
        self.conninfo = make_conninfo(with_link(conninfo), application_name="rebill")
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
        except (DBAPIError, psycopg.Error) as error:
            if not is_lost(getattr(error, "orig", error)):
                raise
            # Connections to what is a standby now answer every ping, and refuse every write:
            # `tests/store/test_losses.py::test_a_primary_that_became_a_standby_is_left`.
            self._engine.dispose()
            raise DatabaseUnavailable(error) from error

    @contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        """Whether we hold the lock `name` while inside; another holder's death frees it."""
        with closing(self._connection()) as connection:
            try:
                asked = connection.execute("SELECT pg_try_advisory_lock(%s)", [lock_id(name)])
                row = asked.fetchone()
            except psycopg.OperationalError as error:
                raise DatabaseUnavailable(error) from error
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

    def supervised(self, on_trouble: OnTrouble) -> AbstractContextManager[None]:
        """While inside, the embedded server is brought back whenever it dies.

        A server at an address is somebody else's to bring back; the pools find it when it answers.
        """
        return nullcontext() if self._server is None else supervised(self._server, on_trouble)

    def bring_back(self) -> None:
        """Start the embedded server again if it died; find out whether one at an address answers.

        Raises ServerNotStarted, DatabaseUnavailable.
        """
        if self._server is not None:
            self._server.bring_back()
        self._connection().close()

    def close(self) -> None:
        self._engine.dispose()
        if self._server is not None:
            self._server.release()


def open_database(url: str | None, home: Path) -> Database:
    """As `prepare_database` finds or makes it."""
    address = prepare_database(url, home)
    return Database(address.conninfo, address.server)


__all__ = ["Database", "DatabaseUnavailable", "embedded_database", "open_database"]
