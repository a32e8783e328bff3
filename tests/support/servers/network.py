"""Owns PostgreSQL servers on TCP ports of this machine: stand-ins for somebody else's servers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.store.embedded import _account, _let_pass, programs
from tests.support.servers.processes import kill_all

Mode = Literal["fast", "immediate"]
HOST = "127.0.0.1"
SETTINGS = {
    "listen_addresses": HOST, "unix_socket_directories": "", "autovacuum": "off",
    "fsync": "off", "hot_standby": "on", "recovery_init_sync_method": "syncfs",
}  # fmt: skip
"""`fsync` matters only where the machine dies, and here no machine does."""


@dataclass(frozen=True)
class NetworkServer:
    """Owned by nobody under test: it is started, stopped and promoted here only."""

    folder: Path
    port: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@{HOST}:{self.port}/postgres"

    def start(self) -> None:
        settings = "".join(f" -c {name}='{value}'" for name, value in SETTINGS.items())
        self._run(
            "pg_ctl", "start", "-D", self.data, "-w", "-l", self.folder / "log",
            "-o", f"-p {self.port}{settings}",
        )  # fmt: skip

    def stop(self, mode: Mode) -> None:
        self._run("pg_ctl", "stop", "-D", self.data, "-w", "-m", mode)

    def kill(self) -> None:
        kill_all(int((self.data / "postmaster.pid").read_text().split()[0]))
        (self.data / "postmaster.pid").unlink()

    def restart(self, mode: Mode) -> None:
        self.stop(mode)
        self.start()

    def promote(self) -> None:
        """A standby becomes the server that may be written to."""
        self._run("pg_ctl", "promote", "-D", self.data, "-w")

    def is_running(self) -> bool:
        return (self.data / "postmaster.pid").exists()

    def _initialize(self) -> None:
        self._run(
            "initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip

    def _follow(self, primary: NetworkServer) -> None:
        self._run(
            "pg_basebackup", "-d", primary.url, "-D", self.data, "-R", "-X", "stream",
            "-c", "fast", "--no-sync",
        )  # fmt: skip

    def _run(self, program: str, *arguments: object) -> None:
        account = _account()
        with (self.folder / "words").open("w+") as words:  # a pipe would stay open with the server
            subprocess.run(
                [str(programs() / program), *map(str, arguments)],
                cwd=self.folder,
                stdout=words,
                stderr=subprocess.STDOUT,
                check=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )


@contextmanager
def network_server() -> Iterator[NetworkServer]:
    """A primary with an empty database; gone afterwards."""
    with _place() as server:
        server._initialize()
        server.start()
        yield server


@contextmanager
def standby_of(primary: NetworkServer) -> Iterator[NetworkServer]:
    with _place() as server:
        server._follow(primary)
        server.start()
        yield server


@contextmanager
def _place() -> Iterator[NetworkServer]:
    folder = Path(tempfile.mkdtemp(prefix="rebill-tests-"))
    account = _account()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
        _let_pass(programs())
    server = NetworkServer(folder, _free_port())
    try:
        yield server
    finally:
        if server.is_running():
            server.stop("immediate")
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
