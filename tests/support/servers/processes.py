"""Owns `rebill`'s own processes under test: an installation, its API, its workers, their ends."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import httpx

from jobs.environment import Environment
from service.store import runs as stored_runs
from service.store.database import DatabaseUnavailable
from service.store.embedded import EmbeddedServer
from service.store.runs import Run
from service.store.tables.runs import RunState

PATIENCE_SECONDS = 120.0
"""The product promises 15 seconds; a machine that runs other tests beside this one gets more."""

STOP_SECONDS = 60.0
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For what is asked again and again in plain HTTP: httpx would read all authorities each time."""

Found = TypeVar("Found")
Process = subprocess.Popen[str]
REBILL = (sys.executable, "-c", "from service.cli import main; main()")


@dataclass(frozen=True)
class Installation:
    """A home whose server only the commands under test use; we look on through its socket."""

    home: Path
    environment: Environment
    url: str = ""
    """Of a server that is not embedded."""

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
        variables = {"REBILL_DATABASE_URL": url or self.url}
        process = self.start(
            *command, variables=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            print(process.communicate()[1])  # Shown where the test fails.

    def start(
        self, *command: str, variables: Mapping[str, str], stdout: int, stderr: int | IO[str]
    ) -> Process:
        ours = {"REBILL_HOME": str(self.home), "REBILL_DATABASE_URL": self.url}
        return subprocess.Popen(
            [*REBILL, *command],
            env={**os.environ, **ours, **variables}, stdout=stdout, stderr=stderr, text=True,
        )  # fmt: skip

    def kill_server(self) -> float:
        """When that was."""
        postmaster = self.server.postmaster_pid
        assert postmaster is not None
        return kill_all(postmaster)

    def lose_server_and_files(self) -> None:
        """First the files go, so that nobody is quicker to start it again."""
        postmaster = self.server.postmaster_pid
        assert postmaster is not None
        self.data.rename(self.data.with_name("elsewhere"))
        kill_all(postmaster)

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


def eventually(look: Callable[[], Found | None], seconds: float = PATIENCE_SECONDS) -> Found:
    """What `look` finds as soon as that is something; until then the database may be away."""
    give_up_at = time.monotonic() + seconds
    while True:
        with suppress(DatabaseUnavailable, httpx.TransportError):
            found = look()
            if found:
                return found
        assert time.monotonic() < give_up_at, f"nothing after {seconds} s"
        time.sleep(0.05)


def healthy(url: str) -> bool:
    return httpx.get(f"{url}/v1/health", verify=NO_TLS).status_code == 200


def serve(installation: Installation, url: str) -> AbstractContextManager[Process]:
    return installation.running("serve", "--port", url.rsplit(":", 1)[1])


def stopped(process: Process) -> tuple[int, str]:
    """Its status after SIGTERM, and what it complained of in its life."""
    process.terminate()
    return ended(process)


def ended(process: Process) -> tuple[int, str]:
    _, complaints = process.communicate(timeout=STOP_SECONDS)
    return process.returncode, complaints


def free_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def kill_all(postmaster: int) -> float:
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
