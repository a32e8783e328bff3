"""API keys: shown once, kept as a hash, and nothing but the exact key opens."""

from __future__ import annotations

from datetime import datetime

import pytest

from service.actions.access.create_api_key import create_api_key
from service.store.access import keys
from service.store.access.keys import Scope
from service.store.billing.clients import put_client
from service.store.database import Database
from tests.support.builders import client


@pytest.fixture
def key(database: Database, now: datetime) -> str:
    with database.transaction() as session:
        put_client(session, client("acme"))
        return create_api_key(
            session, "Acme's PSA", scopes=[Scope.READ], client="acme", actor="test", now=now
        )


def test_the_exact_key_opens_with_its_scopes_and_client(database: Database, key: str) -> None:
    with database.transaction() as session:
        found = keys.find_key(session, key)

    assert found is not None
    assert (found.name, found.scopes, found.client) == (
        "Acme's PSA",
        frozenset({Scope.READ}),
        "acme",
    )


def test_nothing_else_opens(database: Database, key: str) -> None:
    _, prefix, secret = key.split("_")
    wrong = [
        "",
        "rb_",
        key[:-1],
        key + "0",
        key.upper(),
        f"rb_{prefix}_",
        f"rb__{secret}",
        f"xx_{prefix}_{secret}",
        f"x{key}",
        f"rb_{prefix}_{'0' * 64}",
    ]
    with database.transaction() as session:
        assert [keys.find_key(session, each) for each in wrong] == [None] * len(wrong)


def test_the_secret_is_nowhere_in_the_database(database: Database, key: str) -> None:
    secret = key.split("_")[2]
    with database.transaction() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT to_jsonb(k)::text FROM api_key k "
            "UNION ALL SELECT to_jsonb(a)::text FROM audit_entry a"
        )
        texts = [text for (text,) in rows]

    assert len(texts) == 2
    assert not any(secret in text for text in texts)


def test_a_revoked_key_opens_nothing(database: Database, key: str, now: datetime) -> None:
    with database.transaction() as session:
        keys.revoke_key(session, key.split("_")[1], now)
        assert keys.find_key(session, key) is None
