"""The embedded server killed under `rebill serve` and `rebill worker`: both bring it back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from jobs.environment import Environment
from service.store import runs as stored_runs
from service.store.database import Database, DatabaseUnavailable, open_database
from service.store.embedded import EmbeddedServer
from service.store.runs import Run
from service.store.tables.runs import RunState
from tests.conftest import NOW, MonthOf
from tests.support.months import approve_all, ask_to_bill, ask_to_issue, issued

CLIENTS = 40
PATIENCE_SECONDS = 120.0
"""The product promises 15 seconds; a machine that runs other tests beside this one gets more."""

STOP_SECONDS = 60.0
Found = TypeVar("Found")
Process = subprocess.Popen[str]
REBILL = (sys.executable, "-c", "from service.cli import main; main()")


@dataclass(frozen=True)
class Installation:
    """A home whose server only the commands under test use; we look on through its socket."""

    home: Path
    environment: Environment

    @property
    def data(self) -> Path:
        return self.home / "postgres" / "data"

    @property
    def server(self) -> EmbeddedServer:
        """Not attached: attached, we would bring it back ourselves."""
        return EmbeddedServer(self.home / "postgres", {})

    @contextmanager
    def running(self, *command: str, url: str = "") -> Iterator[Process]:
        """`rebill` with these words, until it ends or we leave, however we leave."""
        variables = os.environ | {"REBILL_HOME": str(self.home), "REBILL_DATABASE_URL": url}
        process = subprocess.Popen(
            [*REBILL, *command],
            env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            print(process.communicate()[1])  # Shown where the test fails.

    def kill_server(self) -> float:
        """When that was."""
        postmaster = self.server.postmaster_pid
        assert postmaster is not None
        return _kill(postmaster)

    def lose_server_and_files(self) -> None:
        """First the files go, so that nobody is quicker to start it again."""
        postmaster = self.server.postmaster_pid
        assert postmaster is not None
        self.data.rename(self.data.with_name("elsewhere"))
        _kill(postmaster)

    def put_files_back(self) -> None:
        self.data.with_name("elsewhere").rename(self.data)

    def done(self, run_id: int) -> Run | None:
        """The run, once it has ended well."""
        with self.environment.database.transaction() as session:
            run = stored_runs.run(session, run_id)
        assert run.state != RunState.FAILED, run.error
        return run if run.state == RunState.DONE else None

    def is_running(self, run_id: int) -> bool:
        with self.environment.database.transaction() as session:
            return stored_runs.run(session, run_id).state == RunState.RUNNING


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def eventually(look: Callable[[], Found | None]) -> Found:
    """What `look` finds as soon as that is something; until then the database may be away."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        with suppress(DatabaseUnavailable, httpx.TransportError):
            found = look()
            if found:
                return found
        assert time.monotonic() < give_up_at, f"nothing after {PATIENCE_SECONDS} s"
        time.sleep(0.05)


def healthy(url: str) -> bool:
    return httpx.get(f"{url}/v1/health").status_code == 200


def serve(installation: Installation, url: str) -> AbstractContextManager[Process]:
    return installation.running("serve", "--port", url.rsplit(":", 1)[1])


def stopped(process: Process) -> tuple[int, str]:
    """Its status after SIGTERM, and what it complained of in its life."""
    process.terminate()
    return ended(process)


def ended(process: Process) -> tuple[int, str]:
    _, complaints = process.communicate(timeout=STOP_SECONDS)
    return process.returncode, complaints


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

        assert status == 2
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


def _kill(postmaster: int) -> float:
    for pid in (postmaster, *_children_of(postmaster)):
        with suppress(ProcessLookupError):  # A child that saw its postmaster die is gone.
            os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    eventually(lambda: not _lives(postmaster))
    return killed_at


def _children_of(postmaster: int) -> tuple[int, ...]:
    listed = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid="], text=True)
    pairs = [line.split() for line in listed.splitlines()]
    return tuple(int(pid) for pid, parent in pairs if int(parent) == postmaster)


def _lives(pid: int) -> bool:
    """Not as a zombie: nobody may be there to bury it."""
    shown = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(shown.stdout.strip()) and not shown.stdout.strip().startswith("Z")
