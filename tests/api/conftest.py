"""Owns the API under test: two clients' issued month over HTTP, and keys of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

import pytest
from fastapi.testclient import TestClient

from jobs.environment import Environment
from jobs.runs import engine
from service.actions.access.create_api_key import create_api_key
from service.app import create_app
from service.cli.system.serve import explaining
from service.store.access.keys import Scope
from service.store.embedded import EmbeddedServer
from tests.conftest import NOW, MonthOf, fresh_database
from tests.support import months

Caller = Callable[..., TestClient]


@pytest.fixture(scope="module")
def environment(
    server: EmbeddedServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """One installation for a module's tests, which only read."""
    with fresh_database(server, template) as database:
        yield Environment.under(tmp_path_factory.mktemp("home"), database, lambda: NOW)


@pytest.fixture
def caller(environment: Environment) -> Iterator[Caller]:
    """Makes an HTTP client with a key of its own; `client` binds it to that client's documents."""
    app = create_app(
        environment.database, explain=explaining(environment.database, environment.snapshots.root)
    )
    opened: list[TestClient] = []

    def call(client: str | None = None, scopes: Iterable[Scope] = (Scope.READ,)) -> TestClient:
        with environment.database.transaction() as session:
            key = create_api_key(
                session, "test", scopes=scopes, client=client, actor="test", now=environment.now()
            )
        made = TestClient(
            app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False
        )
        opened.append(made)
        return made

    yield call
    for each in opened:
        each.close()


@pytest.fixture
def nobody(environment: Environment) -> Iterator[TestClient]:
    """Without a key."""
    with TestClient(create_app(environment.database), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def issued_month(environment: Environment) -> None:
    """Clients c00 and c01 owe 100.00 and 101.00 USD; both are issued, as INV-000001 and -2."""
    MonthOf(environment)(2)
    months.bill(environment)
    months.approve_all(environment)
    engine.follow(environment, months.ask_to_issue(environment, issued_on=date(2026, 11, 6)))


@pytest.fixture(scope="module")
def drafted_month(environment: Environment) -> None:
    """Clients c00 and c01 have drafts."""
    MonthOf(environment)(2)
    months.bill(environment)
