"""What is asked for over HTTP and performed by a worker that runs, against the sandbox AWS."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from jobs import worker
from jobs.environment import Environment
from jobs.onboarding import tasks as onboarding_tasks
from service.store.database import Database
from tests.api.test_onboardings import ONBOARDER, ask, caller
from tests.support.onboarding import Installation, opened

PATIENCE_SECONDS = 60.0


@pytest.fixture
def installation(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """The machine's AWS configuration names the sandbox's signers; all else is as it is."""
    with opened(database, enforced=True) as installation:
        monkeypatch.setattr(onboarding_tasks, "configured_signers", lambda: installation.signers)
        yield installation


@pytest.fixture
def staff(installation: Installation) -> Iterator[TestClient]:
    with caller(installation, *ONBOARDER) as client:
        yield client


def beside_a_worker(installation: Installation, home: Path, act: Callable[[], Any]) -> Any:
    """The worker has the main thread, as `rebill worker` does, and is told to stop by SIGTERM."""

    def then_stop() -> Any:
        try:
            return act()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with ThreadPoolExecutor(1) as beside:
        done: Future[Any] = beside.submit(then_stop)
        worker.work(Environment.under(home, installation.database, installation.now), concurrency=2)
        return done.result()


def answered(
    installation: Installation, staff: TestClient, path: str, is_there: Callable[[Any], bool]
) -> Any:
    """Time passes in AWS, too."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        if is_there(shown := staff.get(path).json()):
            return shown
        time.sleep(0.1)
        installation.aws.clock.advance(seconds=1)
    raise AssertionError(f"{path} after {PATIENCE_SECONDS} s: {shown}")


def test_a_worker_creates_an_account_checks_its_access_and_shuts_a_team_out(
    installation: Installation, staff: TestClient, tmp_path: Path
) -> None:
    """HTTP answers 202 and calls nobody; the worker does the rest. One worker to a process."""
    body = {"kind": "create", "client": "acme", "name": "prod", "external_ref": "T-1"}

    def check(account_id: str) -> Any:
        asked = staff.post(f"/v1/accounts/{account_id}/access:check")
        assert (asked.status_code, asked.json()["state"]) == (202, "asked")
        return answered(
            installation, staff, asked.headers["location"], lambda c: c["state"] == "done"
        )

    def walk() -> tuple[Any, Any, Any]:
        where = ask(staff, body).headers["location"]
        live = answered(installation, staff, where, lambda shown: shown["state"] == "live")
        before = check(live["account_id"])
        revoke = {"account_id": live["account_id"], "revoke": [{"team": "oncall"}]}
        assert ask(staff, revoke, "key-2", "/v1/grants:change").status_code == 202
        after = answered(installation, staff, where, lambda shown: shown["next_at"] is None)
        return after, before, check(live["account_id"])

    live, before, after = beside_a_worker(installation, tmp_path, walk)

    assert (live["state"], live["waiting"]) == ("live", None)
    assert "prove_refusal:MspOnCall shut to oncall" in installation.stored(live["id"]).record.proofs
    assert before["is_as_expected"] is after["is_as_expected"] is True
    assert counted(before) == {"allowed": 5, "refused": 6}
    assert counted(after) == {"allowed": 4, "refused": 10}, "four teams tried at what was shut"


def counted(check: Any) -> Counter[str]:
    return Counter(each["expected"] for each in check["results"])
