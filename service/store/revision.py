"""Owns whether a database's tables are this version's, asked without the library of migrations."""

from __future__ import annotations

from importlib.metadata import version

import psycopg
from psycopg.errors import UndefinedTable

from kernel.errors import Refused

HEAD = "0029_steps"
"""The last migration. Every command asks for it, and to ask Alembic takes a second; a test does."""


class DatabaseNewer(Refused):
    """Its tables are of a version that this one does not know."""

    code = "database_newer"

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database's tables are of a newer Rebill ({revision}; this one knows {HEAD}): "
            "install that version or a later one"
        )


def is_current(conninfo: str) -> bool:
    """Whether there is nothing to upgrade, neither of ours nor of the queue's.

    Raises DatabaseNewer: revisions begin with their number, so that this can be told.
    """
    with psycopg.connect(conninfo) as connection:
        try:
            row = connection.execute(
                "SELECT array_agg(version_num), (SELECT version FROM procrastinate_applied) "
                "FROM alembic_version"
            ).fetchone()
        except UndefinedTable:
            return False
    for revision in row[0] or () if row else ():
        if revision[:4] > HEAD[:4]:
            raise DatabaseNewer(revision)
    return row == ([HEAD], version("procrastinate"))


__all__ = ["HEAD", "DatabaseNewer", "is_current"]
