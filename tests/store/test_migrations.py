"""The migrations and the tables agree, and upgrading can be done by anybody at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from alembic import command
from jobs.environment import Environment
from service.store import queue, revision, upgrade
from service.store.address import prepare_database
from service.store.database import Database, DatabaseUnavailable, embedded_database
from service.store.embedded import EmbeddedServer
from service.store.keeping import WouldLoseRows
from service.store.revision import DatabaseNewer
from tests.conftest import MonthOf
from tests.support.moments.databases import rows_of
from tests.support.months import approve_all, bill, issue
from tests.support.places import ROOT


def test_the_migrations_make_the_tables(database: Database) -> None:
    upgrade.check(database.conninfo)


CATALOGUE = """
    SELECT 'class', oid::text, relname, relfilenode::text, xmin::text
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'column', attrelid::text, attname, format_type(atttypid, atttypmod), xmin::text
    FROM pg_attribute WHERE attrelid IN
        (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL
    SELECT 'constraint', oid::text, conname, pg_get_constraintdef(oid), xmin::text
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'function', oid::text, proname, prosrc, xmin::text
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'trigger', oid::text, tgname, pg_get_triggerdef(oid), xmin::text FROM pg_trigger
    UNION ALL
    SELECT 'version', 'alembic', version_num, '', xmin::text FROM alembic_version
    UNION ALL
    SELECT 'version', 'procrastinate', version, '', xmin::text FROM procrastinate_applied
    ORDER BY 1, 2, 3
"""
"""Everything the database is made of, and which transaction wrote it last."""


def test_upgrading_an_up_to_date_database_changes_nothing(database: Database) -> None:
    with psycopg.connect(database.conninfo) as connection:
        before = connection.execute(CATALOGUE).fetchall()

    upgrade.upgrade(database.conninfo)

    with psycopg.connect(database.conninfo) as connection:
        after = connection.execute(CATALOGUE).fetchall()
    assert {kind for kind, *_ in before} == {
        "class", "column", "constraint", "function", "trigger", "version",
    }  # fmt: skip
    assert after == before


def test_the_last_migration_is_the_one_that_commands_ask_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(upgrade.MIGRATIONS))

    assert ScriptDirectory.from_config(config).get_heads() == [revision.HEAD]


@pytest.mark.parametrize(
    "older",
    [
        "UPDATE alembic_version SET version_num = '0003_asked_over_http'",
        "DELETE FROM alembic_version",
        "UPDATE procrastinate_applied SET version = '3.0.0'",
        "DELETE FROM procrastinate_applied",
        "DROP TABLE procrastinate_applied",
    ],
)
def test_a_database_that_lacks_something_is_not_current(database: Database, older: str) -> None:
    assert revision.is_current(database.conninfo)

    with psycopg.connect(database.conninfo) as connection:
        connection.execute(older)

    assert not revision.is_current(database.conninfo)


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


def test_an_older_queue_gets_the_migrations_after_its_own(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = tmp_path / "99.00.00_01_pre_add_a_table.sql"
    migration.write_text("CREATE TABLE added_later (id bigint); SELECT 1;", encoding="utf-8")
    asked: list[str] = []

    def migrations_after(applied: str) -> list[Path]:
        asked.append(applied)
        return [migration]

    monkeypatch.setattr(queue, "_migrations_after", migrations_after)
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("UPDATE procrastinate_applied SET version = '3.3.2'")
        queue.upgrade_queue(connection)
        queue.upgrade_queue(connection)
        applied = connection.execute("SELECT version FROM procrastinate_applied").fetchall()
        added = connection.execute("SELECT FROM added_later").fetchall()

    assert (asked, applied, added) == (["3.3.2"], [(version("procrastinate"),)], [])


def test_the_folder_of_migrations_does_not_hide_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_an_unreachable_server_is_one_line_of_words(tmp_path: Path) -> None:
    database = Database(f"postgresql://nobody@/none?host={tmp_path}")

    with (
        pytest.raises(DatabaseUnavailable, match="cannot use the database: connection"),
        database.transaction() as session,
    ):
        session.connection()


@contextmanager
def _connected(database: Database) -> Iterator[sa.Connection]:
    engine = upgrade._engine(database.conninfo)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _downgrade(database: Database, revision: str) -> None:
    """As somebody would who calls the library: no command of ours does."""
    with _connected(database) as connection:
        command.downgrade(upgrade._config(connection), revision)


def test_tables_without_rows_may_be_dropped(database: Database) -> None:
    _downgrade(database, "0001_first_tables")

    with psycopg.connect(database.conninfo) as connection:
        (left,) = connection.execute("SELECT to_regclass('onboarding')").fetchone() or ()
    assert left is None


def test_a_downgrade_that_would_drop_what_was_issued_is_refused_and_changes_nothing(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(2)
    bill(environment)
    approve_all(environment)
    issue(environment)
    before = rows_of(environment.database)

    with pytest.raises(WouldLoseRows, match=r"drop .* which holds \d+ rows: nothing was"):
        _downgrade(environment.database, "base")

    assert rows_of(environment.database) == before
    upgrade.check(environment.database.conninfo)


ITEM = (
    "INSERT INTO custom_line_item (key, client_key, kind, description, start_period, services, "
    "accounts, quantity, {}) VALUES ('i', 'c00', 'fee', 'Fee', '2026-10', '{}', '[]', {}, {})"
)


def test_before_units_an_item_is_their_sum(environment: Environment, month_of: MonthOf) -> None:
    month_of(1)
    with psycopg.connect(environment.database.conninfo, autocommit=True) as connection:
        connection.execute(ITEM.format("flat_amount", "[]", 12, "35.50"))
        _downgrade(environment.database, "0019_root_tasks")
        (amount,) = connection.execute("SELECT flat_amount FROM custom_line_item").fetchone() or ()

    assert amount == 426


def test_before_named_services_a_percentage_of_some_is_refused(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(1)
    with psycopg.connect(environment.database.conninfo, autocommit=True) as connection:
        connection.execute(ITEM.format("percent, percent_of", '["*RDS"]', 1, "10, 'price'"))

    with pytest.raises(WouldLoseRows, match="custom_line_item"):
        _downgrade(environment.database, "0019_root_tasks")
    upgrade.check(environment.database.conninfo)


@pytest.mark.parametrize("table", ["document", "number_series", "audit_entry"])
def test_what_was_issued_keeps_its_columns(
    environment: Environment, month_of: MonthOf, table: str
) -> None:
    month_of(1)
    bill(environment)
    approve_all(environment)
    issue(environment)

    with (
        _connected(environment.database) as connection,
        pytest.raises(WouldLoseRows, match=f"drop column id of {table}, which holds"),
    ):
        Operations(MigrationContext.configure(connection)).drop_column(table, "id")


def test_no_migration_drops_by_words_of_its_own() -> None:
    """Only what goes by the library is looked at (`service/store/keeping.py`)."""
    for migration in upgrade.MIGRATIONS.glob("versions/*.py"):
        words = migration.read_text(encoding="utf-8").upper()
        assert not re.search(r"DROP TABLE|DROP COLUMN|TRUNCATE (?!ON)|DELETE FROM", words), (
            migration
        )


def test_a_database_of_a_newer_version_is_refused_in_one_line(database: Database) -> None:
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_future'")

    with pytest.raises(DatabaseNewer, match="are of a newer Rebill"):
        prepare_database(database.conninfo, Path("unused"))
