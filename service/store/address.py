"""Owns where the database is, and that it is there, its tables up to date."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kernel.errors import BadInput, RebillError, Unavailable
from kernel.room import line_of_full
from service.store.embedded import EmbeddedServer
from service.store.revision import is_current

DATABASE = "rebill"

NO_ADDRESS = (
    "REBILL_DATABASE_URL is no address; write postgresql://user:password@host/database, and in a "
    "password %40 for @, %2F for /, %3A for :, %3F for ?, %23 for #, %25 for %"
)

READ_ONLY = "25006"
"""PostgreSQL's read_only_sql_transaction: this server was the primary, and is a standby now."""

LINK = {
    "connect_timeout": "5",
    "keepalives_idle": "4",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "8000",
    "target_session_attrs": "read-write",
}
"""What an address does not say otherwise. Of several hosts, the one that may be written to.

A host that fails over often vanishes without a word; by TCP's own times that is noticed after
minutes, or hours where nothing was under way (libpq's manual, on `tcp_user_timeout` and
`keepalives_idle`).
"""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    conninfo: str
    server: EmbeddedServer | None
    """Where it is embedded: this process's use of it."""

    def release(self) -> None:
        if self.server is not None:
            self.server.release()


def find_database(url: str | None, home: Path) -> DatabaseAddress:
    """The database at `url`, or without one that of the embedded server, as it is.

    Raises BadInput, DatabaseUnavailable, ServerNotStarted.
    """
    if url is None:
        server = EmbeddedServer.attach(home / "postgres")
        try:
            return DatabaseAddress(embedded_database(server, DATABASE), server)
        except psycopg.Error as error:
            server.release()
            raise DatabaseUnavailable(error) from error
    if "://" not in url and "=" not in url:
        raise BadInput(NO_ADDRESS)
    return DatabaseAddress(
        with_link(url.replace("postgresql+psycopg://", "postgresql://", 1)), None
    )


def prepare_database(url: str | None, home: Path) -> DatabaseAddress:
    """As `find_database` finds it, its tables brought up to date.

    Raises DatabaseUnavailable, ServerNotStarted.
    """
    address = find_database(url, home)
    try:
        if not is_current(address.conninfo):
            _upgrade(address.conninfo)
    except psycopg.Error as error:
        address.release()
        raise DatabaseUnavailable(error) from error
    except RebillError:
        address.release()
        raise
    return address


def _upgrade(conninfo: str) -> None:
    # Here, because Alembic takes a second to import and is needed once in the life of a version.
    from service.store.upgrade import upgrade

    upgrade(conninfo)


def embedded_database(server: EmbeddedServer, name: str, template: str = "template1") -> str:
    """Where to reach the database `name` of `server`, made from `template` when there is none."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [lock_id("create database")])
        there = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
        if there is None:
            statement = psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            names = (psycopg.sql.Identifier(name), psycopg.sql.Identifier(template))
            connection.execute(statement.format(*names))
    return server.conninfo(name)


def lock_id(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def with_link(conninfo: str) -> str:
    """Raises BadInput, which quotes nothing: where an address is torn, a password may be anywhere.

    libpq cuts a URL at the first `@`, `/` and `?`, so what follows one in a password is a host or
    a port to it, and stands in its errors.
    """
    try:
        parts = conninfo_to_dict(conninfo)
        linked = make_conninfo(**(LINK | parts))  # type: ignore[arg-type]
    except psycopg.ProgrammingError:
        raise BadInput(NO_ADDRESS) from None
    if "@" in str(parts.get("host", "")) or not re.fullmatch(r"[\d,]*", str(parts.get("port", ""))):
        raise BadInput(NO_ADDRESS)
    return linked


def is_lost(error: BaseException | None) -> bool:
    """Whether the driver says by this that the database is away, or has become read-only."""
    return isinstance(error, psycopg.OperationalError) or (
        isinstance(error, psycopg.Error) and error.sqlstate == READ_ONLY
    )


class DatabaseUnavailable(Unavailable):
    """Nobody answers there, or not as PostgreSQL should; with its own code where it has no room."""

    def __init__(self, error: Exception) -> None:
        # SQLAlchemy wraps the driver's words in its own.
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        if line_of_full(reason):
            self.code = "database_full"
            super().__init__(
                "no space left on the database's disk: make room there and try again; "
                f"nothing of this was kept ({reason})"
            )
        else:
            super().__init__(f"cannot use the database: {reason} (see REBILL_DATABASE_URL)")


__all__ = [
    "DatabaseAddress",
    "DatabaseUnavailable",
    "embedded_database",
    "find_database",
    "is_lost",
    "lock_id",
    "prepare_database",
    "with_link",
]
