"""The embedded server killed under `rebill serve` and `rebill worker`: both bring it back."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from jobs.environment import Environment
from service.store.database import Database, open_database
from service.store.embedded import EmbeddedServer
from tests.conftest import NOW, MonthOf
from tests.support.months import approve_all, ask_to_bill, ask_to_issue, issued
from tests.support.servers.processes import (
    Installation,
    ended,
    eventually,
    free_url,
    healthy,
    serve,
    stopped,
)

CLIENTS = 40


@pytest.fixture
def installation() -> Iterator[Installation]:
    """A month of forty clients is ready to be billed. See the fixture `server` for the folder."""
    with tempfile.TemporaryDirectory(prefix="rebill-tests-") as name:
        home = Path(name)
        server = EmbeddedServer(home / "postgres", {})
        prepared = open_database(None, home)
        MonthOf(Environment.under(home, prepared, lambda: NOW))(CLIENTS)
        prepared.close()
        database = Database(server.conninfo("rebill"))
        yield Installation(home, Environment.under(home, database, lambda: NOW))
        database.close()


@pytest.fixture
def url() -> str:
    return free_url()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.proof)])
def test_the_api_answers_and_the_worker_works_after_every_kill(
    installation: Installation, url: str, kills: int
) -> None:
    """Two processes share the server; what is asked for after the kill is done."""
    with serve(installation, url) as api, installation.running("worker") as worker:
        eventually(lambda: healthy(url))
        for _ in range(kills):
            killed_at = installation.kill_server()
            eventually(lambda: healthy(url))
            answers_after = time.monotonic() - killed_at
            run_id = eventually(lambda: ask_to_bill(installation.environment))
            eventually(lambda: installation.done(run_id))  # noqa: B023 - called in this turn
            done_after = time.monotonic() - killed_at
            print(f"API answers after {answers_after:.1f} s, work is done after {done_after:.1f} s")
        assert (api.poll(), worker.poll()) == (None, None)
        worker_status, worker_words = stopped(worker)
        api_status, api_words = stopped(api)

    assert (api_status, worker_status) == (0, 0)
    assert (api_words + worker_words).count("the database had died") == kills
    assert "Traceback" not in api_words + worker_words
    assert installation.server.postmaster_pid is None


def test_a_run_amid_which_the_server_was_killed_is_finished_by_the_same_worker(
    installation: Installation,
) -> None:
    with installation.running("worker") as worker:
        billing = eventually(lambda: ask_to_bill(installation.environment))
        eventually(lambda: installation.done(billing))
        assert approve_all(installation.environment) == CLIENTS
        issuing = ask_to_issue(installation.environment)
        eventually(lambda: installation.is_running(issuing))
        installation.kill_server()

        run = eventually(lambda: installation.done(issuing))

        assert run.attempt >= 2
        assert [each.number for each in issued(installation.environment)] == [
            f"INV-{ordinal:06}" for ordinal in range(1, CLIENTS + 1)
        ]
        status, complaints = stopped(worker)

    assert (status, "Traceback" in complaints) == (0, False)


@pytest.mark.proof  # It waits for half a minute, as the worker does.
def test_a_server_whose_files_are_gone_ends_the_worker_and_the_api_waits_for_their_return(
    installation: Installation, url: str
) -> None:
    with serve(installation, url) as api, installation.running("worker") as worker:
        eventually(lambda: healthy(url))
        billing = ask_to_bill(installation.environment)
        eventually(lambda: installation.done(billing))
        installation.lose_server_and_files()
        status, complaints = ended(worker)

        assert status == 75
        assert complaints.startswith("rebill: the database died and its files")
        assert complaints.count("\n") == 1
        answer = httpx.get(f"{url}/v1/health")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert not installation.data.exists()

        installation.put_files_back()
        eventually(lambda: healthy(url))
        assert stopped(api)[0] == 0


@pytest.mark.proof
def test_without_a_database_both_stop_when_told_to(installation: Installation, url: str) -> None:
    with serve(installation, url) as api, installation.running("worker") as worker:
        eventually(lambda: healthy(url))
        billing = ask_to_bill(installation.environment)
        eventually(lambda: installation.done(billing))
        installation.lose_server_and_files()

        assert stopped(worker)[0] == 0
        assert stopped(api)[0] == 0


@pytest.mark.proof
def test_a_worker_goes_on_when_somebody_elses_server_is_back(installation: Installation) -> None:
    """At `REBILL_DATABASE_URL` it is not the worker's to start."""
    keeper = EmbeddedServer.attach(installation.home / "postgres")
    address = keeper.conninfo("rebill")
    with installation.running("worker", url=address) as worker:
        first = ask_to_bill(installation.environment)
        eventually(lambda: installation.done(first))
        killed = installation.server.postmaster_pid
        installation.kill_server()
        time.sleep(3)
        assert installation.server.postmaster_pid == killed
        keeper.bring_back()

        second = eventually(lambda: ask_to_bill(installation.environment))
        eventually(lambda: installation.done(second))
        assert stopped(worker)[0] == 0
    keeper.release()
