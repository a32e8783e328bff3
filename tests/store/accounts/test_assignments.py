"""An account has one client on a day: the action says so in words, the database enforces it."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from psycopg.errors import ExclusionViolation

from invoices.clients import OverlappingAssignments
from service.store.billing import clients
from service.store.database import Database
from tests.support.builders import ADDRESS, client, owns

ACCOUNT = "011254002932"


@pytest.fixture
def two_clients(database: Database) -> Database:
    with database.transaction() as session:
        for key in ("acme", "globex"):
            clients.put_client(session, client(key, address=ADDRESS))
    return database


def test_an_account_moves_in_mid_month_when_the_old_span_is_ended(two_clients: Database) -> None:
    with two_clients.transaction() as session:
        clients.put_assignments(session, [owns("acme", ACCOUNT, date(2018, 10, 1))])
    moved = [
        owns("acme", ACCOUNT, date(2018, 10, 1), date(2018, 10, 16)),
        owns("globex", ACCOUNT, date(2018, 10, 16)),
    ]
    with two_clients.transaction() as session:
        changes = clients.put_assignments(session, moved)
        again = clients.put_assignments(session, moved)
        roster = clients.roster(session)

    assert [str(change) for change in changes] == [
        "account 011254002932 at acme from 2018-10-01: removed",
        "account 011254002932 at acme from 2018-10-01 until 2018-10-16: added",
        "account 011254002932 at globex from 2018-10-16: added",
    ]
    assert again == []
    assert roster.client_of(moved[0].account_id, date(2018, 10, 15)) == "acme"
    assert roster.client_of(moved[0].account_id, date(2018, 10, 16)) == "globex"


def test_a_second_client_on_the_same_day_is_refused(two_clients: Database) -> None:
    with two_clients.transaction() as session:
        clients.put_assignments(session, [owns("acme", ACCOUNT, date(2018, 10, 1))])

    with (
        pytest.raises(OverlappingAssignments, match="end the first before the second begins"),
        two_clients.transaction() as session,
    ):
        clients.put_assignments(session, [owns("globex", ACCOUNT, date(2018, 10, 16))])


def test_other_accounts_stay_as_they_are(two_clients: Database) -> None:
    with two_clients.transaction() as session:
        clients.put_assignments(session, [owns("acme", ACCOUNT)])
        clients.put_assignments(session, [owns("globex", "836060457634")])
        days = clients.assignments_on(session, date(2018, 10, 1))

    assert [(each.account_id, each.client) for each in days] == [
        (ACCOUNT, "acme"),
        ("836060457634", "globex"),
    ]


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "allowed"),
    [
        ("2018-10-16", None, True),
        ("2018-09-01", "2018-10-01", True),
        ("2018-10-15", None, False),
        ("2018-09-01", "2018-10-02", False),
        ("2018-09-01", None, False),
        ("2018-10-05", "2018-10-06", False),
    ],
)
def test_the_database_refuses_two_clients_on_a_day(
    two_clients: Database, starts_on: str, ends_on: str | None, allowed: bool
) -> None:
    insert = (
        "INSERT INTO assignment (account_id, client_key, starts_on, ends_on) "
        "VALUES (%s, %s, %s, %s)"
    )
    with psycopg.connect(two_clients.conninfo, autocommit=True) as connection:
        connection.execute(insert, [ACCOUNT, "acme", "2018-10-01", "2018-10-16"])
        if allowed:
            connection.execute(insert, [ACCOUNT, "globex", starts_on, ends_on])
        else:
            with pytest.raises(ExclusionViolation, match="one_client_on_a_day"):
                connection.execute(insert, [ACCOUNT, "globex", starts_on, ends_on])
        connection.execute(insert, ["836060457634", "globex", starts_on, ends_on])
