"""Owns what every test stands on: a real PostgreSQL made by the migrations, and no network."""

from __future__ import annotations

import gc
import itertools
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from hypothesis import settings
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from invoices.periods import BillingPeriod
from jobs.environment import Environment
from service import app
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.record_snapshot import record_snapshot
from service.configuration.reading import Configuration, read_configuration
from service.store.billing import documents
from service.store.billing.snapshots import Snapshot
from service.store.database import Database, embedded_database
from service.store.embedded import EmbeddedServer
from service.store.upgrade import upgrade
from tests.support.builders import OCTOBER, PAYER, charge, charges
from tests.support.moments import databases
from tests.support.places import NOT_THERE

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TEMPLATE = "template"
FAST = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
    "wal_level": "minimal", "max_wal_senders": "0",
}  # fmt: skip
"""Only for databases that a test throws away."""

_numbers = itertools.count(1)


class NetworkUsed(AssertionError):
    """A test reached for the network."""


def pytest_collection_finish() -> None:
    """What was imported stays: to look through all of it again and again is a tenth of a run."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


# How long an example takes says how busy the machine is.
settings.register_profile("rebill", deadline=None)
settings.load_profile("rebill")


def pytest_configure() -> None:
    """Each statement is compiled once a run, and the API's document written once.

    SQLAlchemy does so once an engine: that is once a command, and here thousands of times, a third
    of what a test of commands costs. Their engines are of one kind, and equal where it looks.
    """
    one_for_all = {"compiled_cache": dict[Any, Any]()}
    patch = pytest.MonkeyPatch()
    patch.setattr(sa, "create_engine", partial(sa.create_engine, execution_options=one_for_all))
    patch.setattr(PGDialect_psycopg, "__eq__", lambda _, other: type(other) is PGDialect_psycopg)
    patch.setattr(PGDialect_psycopg, "__hash__", lambda _: 0)
    # Every application has the same routes, and asks it at its first request: a quarter second.
    write, written = app._openapi, list[dict[str, object]]()

    def openapi(each: FastAPI) -> dict[str, object]:
        if not written:
            written.append(write(each))
        return written[0]

    patch.setattr(app, "_openapi", openapi)


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    connection, address = arguments
    if connection.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in LOOPBACK:
        raise NetworkUsed(f"a test connects to {address[0]}; tests use loopback only")


LOOPBACK = {"127.0.0.1", "::1", "localhost"}

# An audit hook sees every connection, also those of C libraries that go through Python's sockets.
sys.addaudithook(_refuse_network)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A run on a machine without AWS's sample exports says how much of itself it left out."""
    skipped = terminalreporter.stats.get("skipped", [])
    without = [report for report in skipped if NOT_THERE in str(report.longrepr)]
    if without:
        terminalreporter.write_sep("=", f"{len(without)} tests not run: {NOT_THERE}", yellow=True)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """One for all: pytest-xdist's workers are several commands that share a folder.

    It is not in pytest's own folder, which every pytest that starts closes to the system user
    that PostgreSQL runs as under root.
    """
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"rebill-tests-{session[:12]}"
    server = EmbeddedServer.attach(folder / "postgres", FAST)
    yield server
    server.release()
    if server.postmaster_pid is None:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> str:
    """A database with the migrations applied, to be copied."""
    upgrade(embedded_database(server, TEMPLATE))
    return TEMPLATE


@contextmanager
def fresh_database(server: EmbeddedServer, template: str) -> Iterator[Database]:
    """Dropped afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    database = Database(databases.create(server.conninfo(), name, template=template))
    yield database
    database.close()
    databases.drop(server.conninfo(), name)


@pytest.fixture
def database(server: EmbeddedServer, template: str) -> Iterator[Database]:
    with fresh_database(server, template) as database:
        yield database


@pytest.fixture(autouse=True)
def _database_of_this_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are dated by the database's clock: by the real one, tests would be red in a year.

    That it is PostgreSQL's own: `tests/store/test_database.py`.
    """
    monkeypatch.setattr(documents, "database_now", lambda _session: NOW)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def environment(database: Database, tmp_path: Path) -> Environment:
    """Time stands still, so that equal runs make equal documents."""

    return Environment.under(tmp_path / "home", database, lambda: NOW)


@dataclass(frozen=True)
class MonthOf:
    """Makes a payer's month: clients `c00`, `c01`, … with one account each, who owe 100, 101, …"""

    environment: Environment

    def __call__(self, clients: int, period: BillingPeriod = OCTOBER) -> None:
        now = self.environment.now()
        rows = [
            charge(
                account_of(number),
                str(100 + number),
                billing_period=str(period),
                service_day=period.start,
                invoice_id="1234",
            )
            for number in range(clients)
        ]
        snapshot = Snapshot(
            id=self.environment.snapshots.keep(charges(*rows)),
            payer_account_id=PAYER,
            period=period,
            dialect="cur2",
            source_rows=clients,
            finalized=True,
            facts={"sums": {}},
            findings=(),
        )
        with self.environment.database.transaction() as session:
            apply_configuration(session, configuration_of(clients), actor="test", now=now)
            record_snapshot(session, snapshot, actor="test", now=now)


def account_of(number: int) -> str:
    return f"{number:012}"


def configuration_of(clients: int) -> Configuration:
    return read_configuration(json.dumps(configured(clients)))


def configured(clients: int) -> dict[str, Any]:
    """As a configuration file has it."""
    address = {"street": "1 Quay", "city": "Cork", "postcode": "T12", "country": "IE"}
    return {
        "seller": {"name": "Example Cloud Ltd", "address": address, "tax_id": "IE6388047V"},
        "payers": [{"account_id": str(PAYER)}],
        "clients": [
            {
                "key": f"c{number:02}",
                "name": f"Client {number}",
                "currency": "USD",
                "address": address,
                "price_book": "cost",
                "accounts": [{"id": account_of(number), "from": "2018-01-01"}],
            }
            for number in range(clients)
        ],
        "price_books": [{"key": "cost", "from": "2018-01", "cost_basis": "billed"}],
    }


@pytest.fixture
def month_of(environment: Environment) -> MonthOf:
    return MonthOf(environment)
