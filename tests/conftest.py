"""Owns what every test stands on: a real PostgreSQL made by the migrations, and no network."""

from __future__ import annotations

import itertools
import os
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from jobs.environment import Environment
from service.store.database import Database, embedded_database
from service.store.embedded import EmbeddedServer
from service.store.upgrade import upgrade

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TEMPLATE = "template"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Only for databases that a test throws away."""

_numbers = itertools.count(1)


class NetworkUsed(AssertionError):
    """A test reached for the network."""


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    connection, address = arguments
    if connection.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in LOOPBACK:
        raise NetworkUsed(f"a test connects to {address[0]}; tests use loopback only")


LOOPBACK = {"127.0.0.1", "::1", "localhost"}

# An audit hook sees every connection, also those of C libraries that go through Python's sockets.
sys.addaudithook(_refuse_network)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One for all: pytest-xdist's workers are several commands that share a folder."""
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    server = EmbeddedServer.attach(folder / "postgres", FAST)
    yield server
    server.release()


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> str:
    """A database with the migrations applied, to be copied."""
    upgrade(embedded_database(server, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(server: EmbeddedServer, template: str) -> Iterator[Database]:
    """Fresh, and dropped afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    database = Database(embedded_database(server, name, template))
    yield database
    database.close()
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def environment(database: Database, tmp_path: Path) -> Environment:
    """Time stands still, so that equal runs make equal documents."""

    return Environment.under(tmp_path / "home", database, lambda: NOW)
