"""Owns where the database is, and that it is there, its tables up to date."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import psycopg

from kernel.errors import BadInput, RebillError, Unavailable
from service.store.embedded import EmbeddedServer
from service.store.revision import is_current

DATABASE = "rebill"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    conninfo: str
    server: EmbeddedServer | None
    """Where it is embedded: this process's use of it."""

    def release(self) -> None:
        if self.server is not None:
            self.server.release()


def prepare_database(url: str | None, home: Path) -> DatabaseAddress:
    """The server at `url`, or without one the embedded server under `home`; tables up to date.

    Raises DatabaseUnavailable, ServerNotStarted.
    """
    if url is not None and "://" not in url and "=" not in url:
        raise BadInput(
            "REBILL_DATABASE_URL is no address; write postgresql://user:password@host/database"
        )
    if url is None:
        server = EmbeddedServer.attach(home / "postgres")
        address = DatabaseAddress(embedded_database(server, DATABASE), server)
    else:
        address = DatabaseAddress(url.replace("postgresql+psycopg://", "postgresql://", 1), None)
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


class DatabaseUnavailable(Unavailable):
    """Nobody answers there, or not as PostgreSQL should."""

    def __init__(self, error: Exception) -> None:
        # SQLAlchemy wraps the driver's words in its own.
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        super().__init__(f"cannot use the database: {reason} (see REBILL_DATABASE_URL)")


__all__ = [
    "DatabaseAddress",
    "DatabaseUnavailable",
    "embedded_database",
    "lock_id",
    "prepare_database",
]
