"""Owns the API under load, beside bare FastAPI with the same questions: `python -m bench load`."""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.load_data import ONBOARDINGS, Filled, fill
from service.store.database import open_database

CONNECTIONS = (1, 8, 32)
REQUESTS, REPS = 128, 3
READY_SECONDS_MAX = 60.0
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ServingSide:
    base_url: str
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time of its process so far (proc_pid_stat(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        return sum(int(each) for each in fields.split()[11:13]) / TICK


@dataclass(frozen=True, slots=True)
class RequestCost:
    wall_ms: float
    """Of a request: how long all took, by their number."""
    cpu_ms: float
    """Of a request, the server's."""
    slowest_ms: float


def main(requests: int, reps: int) -> int:
    with tempfile.TemporaryDirectory(prefix="bench-load-") as name:
        home = Path(name)
        database = open_database(None, home)
        try:
            filled = fill(database, home)
            print(f"{ONBOARDINGS:,} onboardings stored; {requests} requests, median of {reps}")
            with served("ours", database.conninfo) as ours, served("bare", database.conninfo) as b:
                _compare(filled, {"ours": ours, "bare": b}, requests, reps)
        finally:
            database.close()
    return 0


def _compare(filled: Filled, servers: dict[str, ServingSide], requests: int, reps: int) -> None:
    paths = {
        "list invoices": "/v1/invoices?limit=100",
        "get invoice": f"/v1/invoices/{filled.invoice_id}",
        "PDF": f"/v1/invoices/{filled.invoice_id}.pdf",
        "list onboardings": "/v1/onboardings?limit=100",
        "get onboarding": f"/v1/onboardings/{filled.onboarding_id}",
    }
    print(f"{'':17} {'conn.':>5} {'ours ms':>8} {'CPU':>6} {'slowest':>8} {'bare ms':>8} {'CPU':>6}"
          f" {'ratio':>6} {'of CPU':>6}")  # fmt: skip
    for what, path in paths.items():
        for connections in CONNECTIONS:
            found: dict[str, list[RequestCost]] = {side: [] for side in servers}
            for _ in range(reps):
                for side, server in servers.items():  # In turn: a busy neighbour slows both.
                    asked = asyncio.run(_ask(server, path, filled.key, connections, requests))
                    found[side].append(asked)
            ours, bare = (_median(found[side]) for side in ("ours", "bare"))
            print(
                f"{what:17} {connections:5} {ours.wall_ms:8.2f} {ours.cpu_ms:6.2f} "
                f"{ours.slowest_ms:8.1f} {bare.wall_ms:8.2f} {bare.cpu_ms:6.2f} "
                f"{ours.wall_ms / bare.wall_ms:6.2f} {ours.cpu_ms / max(bare.cpu_ms, 0.01):6.2f}",
                flush=True,
            )


def _median(samples: list[RequestCost]) -> RequestCost:
    return RequestCost(*(
        statistics.median(getattr(each, name) for each in samples)
        for name in ("wall_ms", "cpu_ms", "slowest_ms")
    ))  # fmt: skip


async def _ask(
    server: ServingSide, path: str, key: str, connections: int, requests: int
) -> RequestCost:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    headers = {"Authorization": f"Bearer {key}"}
    left, took = iter(range(requests)), []
    async with httpx.AsyncClient(
        base_url=server.base_url, headers=headers, limits=limits, timeout=60
    ) as client:

        async def one_connection() -> None:
            for _ in left:
                began = time.perf_counter()
                answer = await client.get(path)
                took.append(time.perf_counter() - began)
                assert answer.status_code == 200, answer.text[:300]

        await client.get(path)
        cpu, began = server.cpu_seconds(), time.perf_counter()
        await asyncio.gather(*(one_connection() for _ in range(connections)))
        wall = time.perf_counter() - began
        cpu = server.cpu_seconds() - cpu
    return RequestCost(1_000 * wall / requests, 1_000 * cpu / requests, 1_000 * max(took))


@contextmanager
def served(side: str, conninfo: str) -> Iterator[ServingSide]:
    """On this machine's own address only."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.load_sides", side, conninfo, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield ServingSide(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + READY_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < give_up_at, "the server does not answer"
            time.sleep(0.1)
        else:
            return
