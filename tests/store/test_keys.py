"""API keys: shown once, kept as a hash, and nothing but the exact key opens."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from kernel.errors import BadInput
from service.actions.access.create_api_key import create_api_key
from service.actions.access.end_api_key import (
    KeyEnded,
    KeyReplaced,
    prefix_of,
    revoke_api_key,
    rotate_api_key,
)
from service.store.access import keys
from service.store.access.keys import Scope
from service.store.billing.clients import put_client
from service.store.database import Database
from tests.conftest import NOW
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
        found = keys.find_key(session, key, NOW)

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
        assert [keys.find_key(session, each, NOW) for each in wrong] == [None] * len(wrong)


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
        assert keys.find_key(session, key, NOW) is None


def test_a_key_ends_with_its_day(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        made = create_api_key(session, "trial", scopes=[Scope.READ], days=2, actor="test", now=now)
        assert keys.find_key(session, made, now + timedelta(hours=47)) is not None
        assert keys.find_key(session, made, now + timedelta(hours=48)) is None
        assert keys.is_any_key(session, now + timedelta(hours=47))
        assert not keys.is_any_key(session, now + timedelta(hours=48))


def test_a_rotated_key_may_the_same_and_the_old_one_ends(
    database: Database, key: str, now: datetime
) -> None:
    old = prefix_of(key)
    with database.transaction() as session:
        made = rotate_api_key(session, old, overlap_hours=24, actor="test", now=now)
        first, second = (keys.find_key(session, each, now) for each in (key, made))
        assert first is not None and second is not None
        assert (second.name, second.scopes, second.client, second.holder) == (
            first.name, first.scopes, "acme", old,
        )  # fmt: skip
        assert keys.find_key(session, key, now + timedelta(hours=24)) is None
        assert keys.find_key(session, made, now + timedelta(days=400)) is not None
        third = rotate_api_key(session, second.prefix, overlap_hours=0, actor="test", now=now)
        assert keys.find_key(session, made, now) is None
        assert keys.key(session, prefix_of(third)).holder == old
        with pytest.raises(KeyEnded):
            rotate_api_key(session, second.prefix, overlap_hours=0, actor="test", now=now)


def test_a_rotated_key_lasts_as_long_as_the_old_one_did(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        made = create_api_key(session, "a", scopes=[Scope.READ], days=30, actor="test", now=now)
        later = now + timedelta(days=29)
        again = rotate_api_key(session, prefix_of(made), overlap_hours=168, actor="t", now=later)

        assert keys.key(session, prefix_of(again)).expires_at == later + timedelta(days=30)
        assert keys.key(session, prefix_of(made)).expires_at == now + timedelta(days=30)


def test_a_key_is_replaced_once_and_a_lost_answer_costs_no_life(
    database: Database, key: str, now: datetime
) -> None:
    """Rotated again, the old key would hand on its own end: the overlap's, a day from now."""
    later, old = now + timedelta(hours=1), prefix_of(key)
    with database.transaction() as session:
        lost = prefix_of(rotate_api_key(session, old, overlap_hours=24, actor="t", now=later))
        with pytest.raises(KeyReplaced) as refused:
            rotate_api_key(session, old, overlap_hours=0, actor="t", now=later)
        assert f"was replaced by {lost}: rotate that one" in str(refused.value)

        again = rotate_api_key(
            session, lost, overlap_hours=0, actor="t", now=later + timedelta(seconds=1)
        )
        assert keys.key(session, prefix_of(again)).expires_at is None
        assert keys.key(session, old).expires_at == later + timedelta(hours=24)


def test_a_whole_key_that_somebody_found_is_revoked_by_its_prefix(
    database: Database, key: str, now: datetime
) -> None:
    with database.transaction() as session:
        for given in (key, key[:15], prefix_of(key)):
            assert revoke_api_key(session, prefix_of(given), actor="t", now=now).revoked_at == now
        found = session.connection().exec_driver_sql(
            "SELECT count(*) FROM audit_entry WHERE action = 'revoke_api_key'"
        )
        assert found.scalar() == 1
    with pytest.raises(BadInput) as refused:
        prefix_of(key.upper())
    assert key.upper() not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "client_key", "days"),
    [("", None, None), ("a\0b", None, None), ("x" * 101, None, None), ("a", "nobody", None),
     ("a", None, 0), ("a", None, 3_651)],
)  # fmt: skip
def test_what_cannot_be_a_key_is_refused_in_words(
    database: Database, now: datetime, name: str, client_key: str | None, days: int | None
) -> None:
    with database.transaction() as session, pytest.raises(BadInput) as refused:
        create_api_key(
            session, name, scopes=[Scope.READ], client=client_key, days=days, actor="t", now=now
        )
    assert "\n" not in str(refused.value)
