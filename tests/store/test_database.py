"""Which database is used, and what goes in comes out again."""

from __future__ import annotations

import socket
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from invoices.month import inputs_id
from invoices.periods import BillingPeriod
from jobs.environment import Environment
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.record_snapshot import record_snapshot
from service.configuration.reading import ConfigurationRefused, read_configuration
from service.store import upgrade
from service.store.billing import documents, months, prices, sellers, snapshots
from service.store.billing.documents import database_now
from service.store.billing.snapshots import Snapshot
from service.store.database import Database, embedded_database, open_database
from service.store.embedded import EmbeddedServer
from tests.conftest import MonthOf, NetworkUsed
from tests.store.test_configuration import EXAMPLE
from tests.support.builders import OCTOBER, PAYER
from tests.support.months import approve_all, bill, issue, issued


def test_a_server_is_named_by_its_url_and_gets_its_tables(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    conninfo = embedded_database(server, "named_by_url")
    folder = conninfo.split("host=")[1].split()[0]

    database = open_database(f"postgresql+psycopg://postgres@/named_by_url?host={folder}", tmp_path)

    upgrade.check(database.conninfo)
    with database.transaction() as session:
        assert sellers.payer_accounts(session) == ()
    database.close()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_held_by_one_and_freed_at_the_end(database: Database) -> None:
    with (
        database.try_lock("october") as first,
        database.try_lock("october") as second,
        database.try_lock("november") as other,
    ):
        assert (first, second, other) == (True, False, True)
    with database.try_lock("october") as again:
        assert again


def test_inputs_come_back_as_they_were_with_the_same_id(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        apply_configuration(session, read_configuration(EXAMPLE), actor="test", now=now)
        snapshot = Snapshot("s1", PAYER, OCTOBER, "cur2", 1, True, {"sums": {}}, ())
        record_snapshot(session, snapshot, actor="test", now=now)
        inputs = months.present_inputs(session, PAYER, OCTOBER, today=OCTOBER.end)
        identity = months.put_inputs(session, inputs, now)
        assert months.put_inputs(session, inputs, now) == identity

    with database.transaction() as session:
        again = months.inputs(session, identity)

    assert again == inputs
    assert inputs_id(again) == identity == inputs_id(inputs)
    assert len(inputs.price_books["standard"].rules) == 3
    assert len(inputs.custom_line_items) == 2


def test_the_snapshot_ingested_last_is_the_current_one(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        apply_configuration(session, read_configuration(EXAMPLE), actor="test", now=now)
        for identity in ("s1", "s2", "s1"):
            snapshot = Snapshot(identity, PAYER, OCTOBER, "cur2", 1, True, {}, ())
            record_snapshot(session, snapshot, actor="test", now=now)
            session.flush()
            assert snapshots.current_snapshot(session, PAYER, OCTOBER).id == identity


def test_a_series_starts_where_the_seller_says_and_only_once(
    environment: Environment, month_of: MonthOf
) -> None:
    def start_at(number: int) -> None:
        text = EXAMPLE[: EXAMPLE.index("payers:")].replace("start: 1", f"start: {number}")
        with environment.database.transaction() as session:
            apply_configuration(
                session, read_configuration(text), actor="test", now=environment.now()
            )

    month_of(1)
    month_of(1, OCTOBER.next)
    start_at(501)
    bill(environment)
    approve_all(environment)
    issue(environment)
    with pytest.raises(ConfigurationRefused, match="leave it at 501"):
        start_at(1)
    bill(environment, OCTOBER.next)
    approve_all(environment, OCTOBER.next)
    issue(environment, OCTOBER.next)

    assert [each.number for each in issued(environment)] == ["INV-000501"]
    assert [each.number for each in issued(environment, OCTOBER.next)] == ["INV-000502"]


def test_documents_are_dated_by_the_databases_own_clock(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            sa.text(
                "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
                "AS $$ SELECT timestamptz '2031-02-03 04:05+00' $$"
            )
        )
        session.execute(sa.text("SET LOCAL search_path = public, pg_catalog"))

        assert database_now(session) == datetime(2031, 2, 3, 4, 5, tzinfo=UTC)


def test_an_error_of_the_databases_tells_nothing_of_what_was_being_written(
    database: Database,
) -> None:
    """It is logged with its stack, and a client's one-time code may have been among it."""
    code = "-".join(("a", "canary"))
    with pytest.raises(sa.exc.DataError) as trouble, database.transaction() as session:
        session.execute(sa.text("SELECT 1 / 0, :code"), {"code": code})

    assert "division by zero" in str(trouble.value)
    assert code not in "".join(traceback.format_exception(trouble.value))


def test_a_price_book_that_starts_later_is_not_there_yet(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        apply_configuration(session, read_configuration(EXAMPLE), actor="test", now=now)
        assert prices.price_books(session, BillingPeriod(2018, 9)) == {}
        assert documents.issued_documents(session, PAYER, OCTOBER) == ()


def test_tests_reach_no_network() -> None:
    with socket.socket() as connection, pytest.raises(NetworkUsed):
        connection.connect(("192.0.2.1", 80))
