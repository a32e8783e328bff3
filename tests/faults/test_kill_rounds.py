"""Months and accounts go on by themselves, whatever is killed under them, as often as it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest

from sandbox.aws import Fault, Faults
from tests.support.servers.network import network_server
from tests.support.servers.rounds import KILLS, Rounds, rounds_on

ACCOUNT_EACH = 5
"""An account takes far longer than a month, so that it lives through several kills."""

WENT_ON_SECONDS = 15.0


@pytest.fixture
def home() -> Iterator[Path]:
    """Not in pytest's folder, which PostgreSQL cannot enter."""
    with tempfile.TemporaryDirectory(prefix="rebill-tests-") as name:
        yield Path(name) / "home"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("is_network", "seed", "count"),
    [
        pytest.param(True, 0, len(KILLS), id="network"),
        *(
            pytest.param(is_network, seed, 50, marks=pytest.mark.proof, id=f"{is_network}-{seed}")
            for is_network in (False, True)
            for seed in range(1, 6)
        ),
    ],
)
def test_nothing_is_lost_doubled_or_stuck_whatever_is_killed(
    home: Path, is_network: bool, seed: int, count: int
) -> None:
    """A month and an account under way at each kill. Half a thousand of them in `make proof`."""
    with ExitStack() as stack:
        network = stack.enter_context(network_server()) if is_network else None
        rounds = stack.enter_context(rounds_on(home, network, seed))
        rounds.calm()
        calm = rounds.calm()  # of a worker that has imported what it needs
        longer = []
        for number in range(count):
            kill = KILLS[number % len(KILLS)]
            longer.append(rounds.play(kill, calm=calm, onboard=number % ACCOUNT_EACH == 0))
            print(f"{number}: {kill.__name__}, month {longer[-1]:+.1f} s over {calm:.1f} s")
        rounds.check_accounts()
        rounds.check_queue()
        complaints = rounds.worker.complaints() + rounds.api.complaints()

    assert median(longer) < WENT_ON_SECONDS
    assert "Traceback" not in complaints, complaints
    assert {*rounds.worker.statuses, *rounds.api.statuses} <= {0, -9}


class KillingAsCreated(Faults):
    """The worker dies, and what it sent does not reach AWS: the worst time to die."""

    def __init__(self, rounds: Rounds) -> None:
        super().__init__()
        self._rounds, self.is_struck = rounds, False

    def next(self, name: str) -> Fault | None:
        if self.is_struck or not name.endswith("CreateAccount"):
            return super().next(name)
        self.is_struck = True
        self._rounds.worker.kill()
        return Fault.TIMEOUT_BEFORE


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_an_account_that_was_asked_for_in_vain_is_asked_for_again_and_is_one(home: Path) -> None:
    """Only after the minutes in which AWS might still have shown it."""
    with rounds_on(home, None, 0) as rounds:
        rounds.aws.door.faults = killing = KillingAsCreated(rounds)
        rounds.asked.append(rounds.ask_for_account("round-0"))
        rounds.check_accounts()

    assert killing.is_struck
