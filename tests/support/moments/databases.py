"""Owns databases that a test throws away: copied from a template, and gone again."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service.store.database import Database


def create(conninfo: str, name: str, *, template: str) -> str:
    """Where to reach it. `conninfo` is anything on the server; nobody may be at the template.

    Files are copied: by PostgreSQL's usual way each page passes through its log, which costs
    twice the time.
    """
    words = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with _maintenance(conninfo) as connection:
        connection.execute(words.format(sql.Identifier(name), sql.Identifier(template)))
    return make_conninfo(conninfo, dbname=name)


def drop(conninfo: str, name: str) -> None:
    """Whoever is connected to it loses the connection."""
    with _maintenance(conninfo) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def keep_copy(database: Database, name: str) -> None:
    """As it is now, for nobody to connect to."""
    database.close()
    create(database.conninfo, name, template=name_of(database))


def replace_by(database: Database, template: str) -> None:
    """It becomes as the template is; its connections are closed."""
    database.close()
    drop(database.conninfo, name_of(database))
    create(database.conninfo, name_of(database), template=template)


def name_of(database: Database) -> str:
    return str(conninfo_to_dict(database.conninfo)["dbname"])


Rows = tuple[tuple[str, int, int | None], ...]


def rows_of(database: Database) -> Rows:
    """How many rows each table has, and the latest transaction that wrote one that is there."""
    with psycopg.connect(database.conninfo) as connection:
        return tuple(sorted(connection.execute(_counts(_tables(connection))).fetchall()))


def _tables(connection: psycopg.Connection) -> list[str]:
    asked = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return [name for (name,) in connection.execute(asked)]


def _counts(tables: list[str]) -> sql.Composed:
    one = sql.SQL("SELECT {}, count(*), max(xmin::text::bigint) FROM {}")
    each = (one.format(sql.Literal(name), sql.Identifier(name)) for name in tables)
    return sql.SQL(" UNION ALL ").join(each)


def _maintenance(conninfo: str) -> psycopg.Connection:
    return psycopg.connect(make_conninfo(conninfo, dbname="postgres"), autocommit=True)
