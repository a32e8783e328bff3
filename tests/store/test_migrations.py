"""The migrations and the tables agree, and upgrading can be done by anybody at any time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from service.store import queue, upgrade
from service.store.database import Database, DatabaseUnavailable, embedded_database
from service.store.embedded import EmbeddedServer
from tests.support.places import ROOT


def test_the_migrations_make_the_tables(database: Database) -> None:
    upgrade.check(database.conninfo)


def test_upgrading_an_up_to_date_database_changes_nothing(database: Database) -> None:
    upgrade.upgrade(database.conninfo)

    upgrade.check(database.conninfo)


def test_commands_that_upgrade_at_once_do_not_disturb_each_other(server: EmbeddedServer) -> None:
    conninfo = embedded_database(server, "upgraded_by_many")

    with ThreadPoolExecutor(4) as commands:
        list(commands.map(upgrade.upgrade, [conninfo] * 4))

    upgrade.check(conninfo)


def test_the_queue_learns_of_later_migrations_only() -> None:
    names = [path.name for path in queue._migrations_after("3.3.2")]

    assert names[:2] == [
        "03.04.00_01_pre_add_retry_failed_job_procedure.sql",
        "03.04.00_50_post_add_retry_failed_job_procedure.sql",
    ]
    assert queue._migrations_after("99.0.0") == []


def test_an_older_queue_is_brought_up_to_date(database: Database) -> None:
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("UPDATE procrastinate_applied SET version = '99.0'")
        queue.upgrade_queue(connection)
        applied = connection.execute("SELECT version FROM procrastinate_applied").fetchone()

    assert applied != ("99.0",)


def test_the_folder_of_migrations_does_not_hide_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_an_unreachable_server_is_one_line_of_words(tmp_path: Path) -> None:
    database = Database(f"postgresql://nobody@/none?host={tmp_path}")

    with (
        pytest.raises(DatabaseUnavailable, match="cannot use the database: connection"),
        database.transaction() as session,
    ):
        session.connection()
