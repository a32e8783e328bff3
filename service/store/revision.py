"""Owns whether a database's tables are this version's, asked without the library of migrations."""

from __future__ import annotations

from importlib.metadata import version

import psycopg
from psycopg.errors import UndefinedTable

HEAD = "0005_reseller"
"""The last migration. Every command asks for it, and to ask Alembic takes a second; a test does."""


def is_current(conninfo: str) -> bool:
    """Whether there is nothing to upgrade, neither of ours nor of the queue's."""
    with psycopg.connect(conninfo) as connection:
        try:
            row = connection.execute(
                "SELECT array_agg(version_num), (SELECT version FROM procrastinate_applied) "
                "FROM alembic_version"
            ).fetchone()
        except UndefinedTable:
            return False
    return row == ([HEAD], version("procrastinate"))


__all__ = ["HEAD", "is_current"]
