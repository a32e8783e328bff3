"""Asking costs the same however many accounts there are, and how many are shown decides nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from accounts.model.observed import ObservedAccount
from accounts.model.organization import OnboardingKind
from invoices.clients import AccountId, Assignment, ClientKey
from invoices.periods import DaySpan
from jobs.onboarding.advance import advance
from sandbox.aws import PAYER
from service.actions.onboarding.cancel_onboarding import cancel_onboarding
from service.actions.onboarding.request_onboarding import Wanted
from service.actions.onboarding.request_onboardings import request_onboardings
from service.store.accounts import members
from service.store.accounts.onboardings import AlreadyOnboarded
from service.store.billing import clients
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import INVITE, INVITED, NOON, Installation, opened

MEMBERS = [f"{700_000_000_000 + number}" for number in range(1_000)]
OF_A_BATCH = 100


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        yield installation


@pytest.fixture
def registry(installation: Installation) -> Installation:
    """A thousand members of the organization, all of them initech's."""
    return with_members(installation, MEMBERS)


def with_members(installation: Installation, account_ids: list[str]) -> Installation:
    with installation.database.transaction() as session:
        clients.put_assignments(
            session, [given(account_id, date(2026, 1, 1)) for account_id in account_ids]
        )
        members.note_seen(session, PAYER, map(seen, account_ids), NOON)
    return installation


def given(account_id: str, start: date, end: date | None = None) -> Assignment:
    return Assignment(AccountId(account_id), ClientKey("initech"), DaySpan(start, end))


def seen(account_id: str) -> ObservedAccount:
    return ObservedAccount(
        account_id=account_id, email="a@msp.example", name="m", state="ACTIVE", joined_at=NOON
    )


def test_each_of_a_thousand_accounts_is_known_to_be_another_client_s(
    registry: Installation,
) -> None:
    for account_id in (MEMBERS[0], MEMBERS[499], MEMBERS[500], MEMBERS[700], MEMBERS[999]):
        taken = replace(INVITE, account_id=account_id)
        with pytest.raises(AlreadyOnboarded, match=f"account {account_id} is initech's"):
            registry.ask(taken)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2026, 11, 23), None),
        (date(2026, 1, 1), date(2026, 11, 24)),
        (date(2027, 1, 1), None),
    ],
)
def test_an_account_that_is_or_will_be_another_client_s_is_refused(
    installation: Installation, start: date, end: date | None
) -> None:
    """On 23 November 2026: it would be found out only when AWS had the invitation accepted."""
    with installation.database.transaction() as session:
        clients.put_assignments(session, [given(INVITED, start, end)])

    with pytest.raises(AlreadyOnboarded, match=f"account {INVITED} is initech's"):
        installation.ask(INVITE)
    assert installation.ask(replace(INVITE, client="initech")).state == "requested"


def test_an_account_that_was_another_client_s_until_today_is_anybody_s(
    installation: Installation,
) -> None:
    with installation.database.transaction() as session:
        clients.put_assignments(session, [given(INVITED, date(2026, 1, 1), date(2026, 11, 23))])

    assert installation.ask(INVITE).state == "requested"


def test_an_invitation_that_was_given_up_leaves_the_account_to_its_owner(
    installation: Installation,
) -> None:
    """Acme mistyped Globex's account; that must not keep Globex from it."""
    mistyped = installation.ask(replace(INVITE, client="acme"))
    with installation.database.transaction() as session:
        cancel_onboarding(session, mistyped.id, actor="ada", now=installation.now())
    installation.work()
    assert installation.stored(mistyped.id).state == "cancelled"

    assert onboarded(installation, replace(INVITE, external_ref="T-9")).state == "live"


@contextmanager
def counted(installation: Installation) -> Iterator[list[str]]:
    """The statements that the database is sent while inside."""
    with installation.database.transaction() as session:
        engine = session.get_bind().engine
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def asked(installation: Installation, first: int) -> tuple[int, int]:
    """How many statements one request takes, and a batch of ten."""
    with counted(installation) as of_one:
        number = f"{800_000_000_000 + first}"
        installation.ask(replace(INVITE, account_id=number, external_ref=number))
    with counted(installation) as of_ten, installation.database.transaction() as session:
        request_onboardings(session, batch_of(10, first), actor="ada", now=NOON)
    return len(of_one), len(of_ten)


def batch_of(size: int, first: int = 0) -> list[Wanted]:
    return [
        Wanted(kind=OnboardingKind.CREATE, client="acme", name=name, external_ref=name)
        for name in (f"a{number}" for number in range(first, first + size))
    ]


def test_a_request_asks_the_database_as_often_whatever_the_number_of_members(
    installation: Installation,
) -> None:
    """Of none, then of two hundred. Warm: what the first of all asks once is not counted."""
    asked(installation, 0)

    of_one, of_ten = asked(installation, 100)
    assert asked(with_members(installation, MEMBERS[:200]), 200) == (of_one, of_ten)
    assert of_one > 0 and of_ten > 10


def test_what_waits_costs_no_look(installation: Installation) -> None:
    """Five that wait until tomorrow, then sixty: a turn of the worker asks as often."""
    found = []
    for first, size in ((0, 5), (5, 55)):
        with installation.database.transaction() as session:
            request_onboardings(session, batch_of(size, first), actor="ada", now=NOON)
            session.execute(
                sa.text("UPDATE onboarding SET next_at = :later"),
                {"later": NOON + timedelta(days=1)},
            )
        with counted(installation) as statements:
            assert advance(installation.environment, PAYER) == 0
        found.append(len(statements))

    assert found[0] == found[1] > 0
    assert len(installation.aws.log) == 0


@pytest.mark.proof
def test_one_request_costs_less_than_a_tenth_of_a_second(registry: Installation) -> None:
    registry.ask(replace(INVITE, account_id="800000000000", external_ref="first"))
    began = time.process_time()
    for number in range(1, 6):
        invite = replace(INVITE, account_id=f"80000000000{number}", external_ref=f"{number}")
        registry.ask(invite)

    assert (time.process_time() - began) / 5 < 0.1


@pytest.mark.proof
def test_a_batch_of_a_hundred_takes_less_than_five_seconds(registry: Installation) -> None:
    wanted = batch_of(OF_A_BATCH)
    began, cpu_began = time.perf_counter(), time.process_time()
    with registry.database.transaction() as session:
        batch = request_onboardings(session, wanted, actor="ada", now=NOON)
    took = time.perf_counter() - began

    print(f"{OF_A_BATCH} onboardings: {took:.2f} s, {time.process_time() - cpu_began:.2f} s of CPU")
    assert len(batch.onboardings) == OF_A_BATCH
    assert took < 5
