"""Whatever goes wrong at whichever call to AWS: one account, one role set, one handshake, live."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from accounts.model.organization import OnboardingKind
from sandbox.aws import Fault, Rules
from service.actions.onboarding.request_onboarding import Wanted
from service.store.database import Database
from service.store.embedded import EmbeddedServer
from tests.conftest import fresh_database
from tests.support.onboarding import CREATE, INVITE, Installation, live_once, onboard, opened

CALLS = {OnboardingKind.CREATE: 76, OnboardingKind.INVITE: 67}
"""What an undisturbed onboarding sends, sessions in the account and repeated looks included."""

CHAOS_RATE = 0.08


def calls_of(installation: Installation) -> Counter[str]:
    return Counter(entry.name for entry in installation.aws.log)


@pytest.mark.parametrize("wanted", [CREATE, INVITE], ids=lambda wanted: wanted.kind)
def test_undisturbed_it_takes_so_many_calls(database: Database, wanted: Wanted) -> None:
    with opened(database) as installation:
        live_once(installation, onboard(installation, wanted).id)

        assert len(installation.aws.log) == CALLS[wanted.kind]


def struck(
    server: EmbeddedServer, template: str, wanted: Wanted, *, number: int, fault: Fault
) -> None:
    """The call with this number meets this fault; nobody helps; it is live once all the same."""
    with fresh_database(server, template) as database, opened(database) as installation:
        installation.aws.faults.at(installation.aws.faults.calls + number, fault)
        onboarding = onboard(installation, wanted)

        live_once(installation, onboarding.id)
        assert sum(installation.aws.faults.struck.values()) == 1, number
        assert installation.crashes == (fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER))


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("wanted", [CREATE, INVITE], ids=lambda wanted: wanted.kind)
def test_one_fault_at_some_call_converges(
    server: EmbeddedServer, template: str, wanted: Wanted, fault: Fault
) -> None:
    number = random.Random(f"{wanted.kind} {fault}").randint(1, CALLS[wanted.kind])
    struck(server, template, wanted, number=number, fault=fault)


@pytest.mark.proof
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("wanted", [CREATE, INVITE], ids=lambda wanted: wanted.kind)
def test_one_fault_at_every_call_converges(
    server: EmbeddedServer, template: str, wanted: Wanted, fault: Fault
) -> None:
    """76 and 67 calls, 8 faults: 1,144 injections."""
    for number in range(1, CALLS[wanted.kind] + 1):
        struck(server, template, wanted, number=number, fault=fault)


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("runs", [4, pytest.param(1_000, marks=pytest.mark.proof)])
def test_random_chaos_converges(server: EmbeddedServer, template: str, runs: int) -> None:
    """Faults at one call in twelve, while AWS is slow to show, to create and to trust."""
    faults: Counter[Fault] = Counter()
    crashes = 0
    for seed in range(runs):
        installation = chaotic(server, template, seed)
        for (_, fault), times in installation.aws.faults.struck.items():
            faults[fault] += times
        crashes += installation.crashes

    print(f"{runs} runs, {sum(faults.values())} faults, {crashes} crashes: all live, once each")
    assert crashes > runs / 2
    assert runs < 100 or set(faults) == set(Fault)


def chaotic(server: EmbeddedServer, template: str, seed: int) -> Installation:
    dice = random.Random(seed)
    rules = Rules(
        creation_seconds=dice.choice([0, 20, 200]),
        request_listing_seconds=dice.choice([0, 5, 60]),
        listing_seconds=dice.choice([0, 10, 100]),
        activation_seconds=dice.choice([0, 30]),
        usable_seconds=dice.choice([0, 15, 60]),
        role_seconds=dice.choice([0, 5, 20]),
    )
    wanted = dice.choice([CREATE, INVITE])
    with (
        fresh_database(server, template) as database,
        opened(database, rules=rules, seed=seed + 1) as installation,
    ):
        installation.aws.faults.randomly(seed=seed, rate=CHAOS_RATE)
        onboarding = onboard(installation, wanted)
        installation.aws.faults.clear()
        live_once(installation, onboarding.id)
    return installation
