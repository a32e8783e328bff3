"""Owns the way to the database: its connections, transactions and locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import DBAPIError

from kernel.errors import Unavailable
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

CLOCK_SECONDS_MAX = 60.0
"""AWS refuses signatures from five minutes on; what several machines share should differ less."""


class ClockDiffers(Unavailable):
    """This machine's clock, or the database's, is wrong; nothing is done by either."""

    code = "clock_differs"

    def __init__(self, here: datetime, there: datetime) -> None:
        way = "ahead of" if here > there else "behind"
        super().__init__(
            f"this machine's clock is {abs(here - there).total_seconds():.0f} s {way} the "
            f"database's ({here:%Y-%m-%d %H:%M:%S}, {there:%Y-%m-%d %H:%M:%S} UTC): "
            "set both by a time server"
        )


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
            # An error that nobody expected goes to the log, and a one-time code of a client's or a
            # key's hash may be what was being written.
            hide_parameters=True,
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

    def check_clock(self, now: datetime) -> None:
        """Raises ClockDiffers where this machine's time is not the database's."""
        with closing(self._connection()) as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        if abs(now - row[0]).total_seconds() > CLOCK_SECONDS_MAX:
            raise ClockDiffers(now, row[0])

    def close(self) -> None:
        self._engine.dispose()
        if self._server is not None:
            self._server.release()


def open_database(url: str | None, home: Path) -> Database:
    """As `prepare_database` finds or makes it."""
    address = prepare_database(url, home)
    return Database(address.conninfo, address.server)


__all__ = [
    "CLOCK_SECONDS_MAX",
    "ClockDiffers",
    "Database",
    "DatabaseUnavailable",
    "embedded_database",
    "open_database",
]
