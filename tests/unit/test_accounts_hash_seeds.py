"""The same decisions and the same stored text in every process: no order comes from a hash seed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from accounts.model.decision import Call
from accounts.model.lifecycle import Stage
from accounts.model.request import Consent
from service.store.plain import to_json
from tests.support.accounts_reseller import ASKED, CREATE, DANGEROUS
from tests.support.core_worker import a_worker
from tests.unit.accounts.conftest import recovered, with_its_codes

ROOT = Path(__file__).parents[2]
SEEDS = ("0", "1")
TEAMS = ("admins", "engineers", "finance", "oncall")
REQUEST = replace(
    CREATE,
    teams=dict.fromkeys(("MspAdmin", "MspEngineer", "MspOnCall"), TEAMS),
    consents=frozenset(Consent),
)
HANDOVER = replace(ASKED, request=REQUEST, approvals=dict.fromkeys(sorted(DANGEROUS), "bob"))


def an_account_that_comes_and_leaves() -> tuple[list[Call], list[object]]:
    """Every call on its way in and out, and all that is stored of it."""
    with a_worker(REQUEST) as worker:
        worker.run()
        onboarded = worker.stored
        worker.aws.clock.advance(days=5)
        worker.handover = HANDOVER
        with_its_codes(recovered(worker))
    assert worker.stored.stage is Stage.AWAITING_FINAL_INVOICE
    past = frozenset(f"h-{number}" for number in range(8))
    again = replace(worker.stored, past_handshakes=past)
    return worker.sent, [onboarded, again, REQUEST, HANDOVER, worker.reseller]


DRAWN = re.compile(r"ssoins-[0-9a-z]{16}")
"""Identity Center's instance: moto draws its id, and answers an operation that ours leaves it."""


def lines() -> Iterator[str]:
    sent, stored = an_account_that_comes_and_leaves()
    for call in sent:
        line = f"{call.key} {call.session} {json.dumps(call.arguments, default=str)}"
        yield DRAWN.sub("ssoins-drawn", line)
    for value in stored:
        yield json.dumps(to_json(value))


def told_by_processes() -> list[list[str]]:
    """What each says that has another seed; they run side by side."""
    processes = [
        subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in SEEDS
    ]
    told = [process.communicate()[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(SEEDS)
    return told


def test_a_hash_seed_decides_nothing() -> None:
    first, *others = told_by_processes()

    doors = [line for line in first if line.startswith("prove_no_access:")]
    assert len(doors) == len(ASKED.registered_roles) + 1
    for seed, other in zip(SEEDS[1:], others, strict=True):
        assert other == first, f"PYTHONHASHSEED={seed}"


def test_the_seeds_are_enough_to_show_an_order_of_a_set() -> None:
    """The planted fault: what the test above would miss if no two seeds told two orders."""
    shown = {
        subprocess.check_output(
            [sys.executable, "-c", f"print(list(frozenset({TEAMS})))"],
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in SEEDS
    }

    assert len(shown) > 1


if __name__ == "__main__":
    print("\n".join(lines()))
