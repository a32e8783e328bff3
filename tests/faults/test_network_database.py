"""A server of somebody else's restarts or fails over under a worker: it goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.environment import Environment
from service.store.database import open_database
from tests.conftest import NOW, MonthOf
from tests.support.months import ask_to_bill
from tests.support.servers.network import HOST, NetworkServer, network_server, standby_of
from tests.support.servers.processes import (
    Installation,
    eventually,
    free_url,
    healthy,
    serve,
    stopped,
)

CLIENTS = 2
AWAY_SECONDS = 2.0


@pytest.fixture
def primary() -> Iterator[NetworkServer]:
    with network_server() as server:
        yield server


def _installation(home: Path, address: str) -> Installation:
    environment = Environment.under(home, open_database(address, home), lambda: NOW)
    MonthOf(environment)(CLIENTS)
    return Installation(home, environment, address)


def _works(installation: Installation) -> float:
    """How long it takes until what is asked for now is done."""
    began_at = time.monotonic()
    run_id = eventually(lambda: ask_to_bill(installation.environment))
    eventually(lambda: installation.done(run_id))
    return time.monotonic() - began_at


@pytest.mark.proof  # `test_kill_rounds.py` restarts one in the default run.
def test_the_worker_goes_on_after_restarts_of_the_server(
    primary: NetworkServer, tmp_path: Path
) -> None:
    installation = _installation(tmp_path, primary.url)
    with installation.running("worker") as worker:
        _works(installation)
        for mode in ("fast", "immediate"):
            primary.restart(mode)
            print(f"done {_works(installation):.1f} s after a restart, {mode}")
        assert worker.poll() is None
        status, complaints = stopped(worker)
    installation.environment.database.close()

    assert (status, "Traceback" in complaints) == (0, False)


def test_worker_and_api_go_on_at_the_standby_when_the_primary_is_gone(
    primary: NetworkServer, tmp_path: Path
) -> None:
    url = free_url()
    with standby_of(primary) as standby:
        hosts = f"{HOST}:{primary.port},{HOST}:{standby.port}"
        installation = _installation(tmp_path, f"postgresql://postgres@{hosts}/postgres")
        with serve(installation, url) as api, installation.running("worker") as worker:
            eventually(lambda: healthy(url))
            _works(installation)

            primary.stop("fast")  # it hands over what was committed before it ends
            time.sleep(AWAY_SECONDS)
            standby.promote()

            print(f"done {_works(installation):.1f} s after the failover")
            eventually(lambda: healthy(url))
            assert (api.poll(), worker.poll()) == (None, None)
            worker_status, worker_words = stopped(worker)
            api_status, api_words = stopped(api)
        installation.environment.database.close()

    assert (api_status, worker_status) == (0, 0)
    assert "Traceback" not in api_words + worker_words
