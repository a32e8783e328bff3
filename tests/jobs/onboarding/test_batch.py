"""Fifty clients with two accounts each are onboarded within what AWS allows."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta

import pytest

from accounts.model.lifecycle import Stage
from accounts.model.organization import OnboardingKind
from jobs.onboarding.advance import advance
from sandbox.aws import PAYER, Rules
from service.actions.onboarding.request_onboarding import Wanted
from service.actions.onboarding.request_onboardings import Batch, BatchRefused, request_onboardings
from service.store.accounts import onboardings, turns
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.support.onboarding import NOON, Installation, live_once, opened

SLOW = Rules(creation_seconds=60, page_size=20)


def named(clients: int) -> dict[str, str]:
    return {f"c{number:02}": f"Client {number}" for number in range(clients)}


def ask(installation: Installation, wanted: list[Wanted]) -> Batch:
    with installation.database.transaction() as session:
        return request_onboardings(session, wanted, actor="ada", now=installation.now())


def two_each(clients: int) -> list[Wanted]:
    return [
        Wanted(
            kind=OnboardingKind.CREATE, client=client, name=name, external_ref=f"{client}-{name}"
        )
        for client in named(clients)
        for name in ("prod", "test")
    ]


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("clients", [4, pytest.param(50, marks=pytest.mark.proof)])
def test_a_batch_is_live_within_aws_s_limits(database: Database, clients: int) -> None:
    with opened(database, rules=SLOW, names=named(clients), enforced=True) as installation:
        batch = ask(installation, two_each(clients))
        began = time.perf_counter()
        installation.work()
        took = time.perf_counter() - began

        for each in batch.onboardings:
            live_once(installation, each.id)
        sent = Counter(entry.name for entry in installation.aws.log)
        lasted = installation.now() - NOON
        print(
            f"{clients} clients, {2 * clients} accounts: {sum(sent.values())} calls "
            f"({sum(sent.values()) / 2 / clients:.0f} an account), {lasted} by AWS's clock, "
            f"{took:.0f} s by ours; estimated {batch.ends_at - NOON}"
        )
        assert sent["organizations:CreateAccount"] == 2 * clients
        assert in_flight_max(installation) == 5
        assert lasted < 2 * (batch.ends_at - NOON)


def test_what_waits_for_its_turn_is_not_looked_at(database: Database) -> None:
    """Eight creations, five hands: three are told so once, and then only when a hand is free."""
    with opened(database, rules=SLOW, names=named(4)) as installation:
        ask(installation, two_each(4))
        advance(installation.environment, PAYER)
        queued = in_queue(installation)
        for _ in range(3):
            installation.aws.clock.advance(seconds=15)
            advance(installation.environment, PAYER)

        assert len(queued) == 3
        assert {each.state for each in queued} == {"waiting_aws"}
        assert {each.waiting.reason for each in queued if each.waiting} == {
            "in the queue: AWS creates 5 accounts at a time"
        }
        assert in_queue(installation) == queued
        installation.aws.clock.advance(seconds=60)
        advance(installation.environment, PAYER)
        assert in_queue(installation) == []


def test_the_queue_is_in_the_order_of_asking(database: Database) -> None:
    """Whoever asks later counts those in the queue as if they were in AWS's hands already."""
    with opened(database, rules=SLOW, names=named(4)) as installation:
        ask(installation, two_each(3))
        advance(installation.environment, PAYER)
        installation.aws.clock.advance(seconds=1)
        early, late = ask(installation, two_each(4)[6:]).onboardings
        with installation.database.transaction() as session:
            (first,) = turns.queued(session, PAYER, limit=10)
            assert turns.queued(session, PAYER, limit=0) == ()
            assert turns.queued_before(session, onboardings.onboarding(session, first)) == 0
            assert turns.queued_before(session, early) == 1
            assert turns.queued_before(session, late) == 1


def in_queue(installation: Installation) -> list[Onboarding]:
    with installation.database.transaction() as session:
        return [
            each
            for each in onboardings.onboardings(session)
            if each.next_at is None and each.stage is Stage.REQUESTED
        ]


def in_flight_max(installation: Installation) -> int:
    """How many creations AWS ever had at a time."""
    (organization,) = installation.aws.world.organizations.values()
    spans: list[tuple[datetime, int]] = []
    for request in organization.requests.values():
        assert request.completed_at is not None
        spans += [(request.requested_at, 1), (request.completed_at, -1)]
    running = most = 0
    for _, change in sorted(spans):
        running += change
        most = max(most, running)
    return most


def test_a_batch_is_taken_whole_or_not_at_all(database: Database) -> None:
    with opened(database, names=named(2)) as installation:
        wanted = [*two_each(2), Wanted(kind=OnboardingKind.CREATE, client="nobody")]
        with pytest.raises(BatchRefused) as refused:
            ask(installation, wanted)
        with installation.database.transaction() as session:
            assert onboardings.onboardings(session) == ()

    assert refused.value.problems == (
        (4, "there is no client 'nobody'; add it under `clients` and apply"),
    )
    assert len(installation.aws.log) == 0


def test_an_estimate_counts_what_is_ahead(database: Database) -> None:
    """Eight creations, five at a time, three minutes each, and five to set the last one up."""
    with opened(database, names=named(4)) as installation:
        assert ask(installation, two_each(4)).ends_at == NOON + timedelta(minutes=11)
