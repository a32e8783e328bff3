"""Fifty clients with two accounts each are onboarded within what AWS allows."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta

import pytest

from accounts.model.organization import OnboardingKind
from sandbox.aws import Rules
from service.actions.onboarding.request_onboarding import Wanted
from service.actions.onboarding.request_onboardings import Batch, BatchRefused, request_onboardings
from service.store.accounts import onboardings
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
