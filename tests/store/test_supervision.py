"""A server that died is brought back while somebody watches it, and only then."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from service.store.embedded import EmbeddedServer, ServerNotStarted, _is_postmaster
from service.store.supervision import supervised
from tests.conftest import FAST

PATIENCE_SECONDS = 60.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """Outside pytest's own folder: see the fixture `server` of all tests."""
    with tempfile.TemporaryDirectory(prefix="rebill-tests-") as name:
        yield Path(name) / "postgres"


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer.attach(folder, FAST)
    yield server
    server.release()


def _kill(server: EmbeddedServer) -> int:
    """The id of the process that was the server."""
    killed = server.postmaster_pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    # On a busy machine it dies a moment later, and a look before that finds it running.
    _eventually(lambda: not _is_postmaster(killed, server._data))
    return killed


def _answers(server: EmbeddedServer) -> bool:
    try:
        psycopg.connect(server.conninfo()).close()
    except psycopg.OperationalError:
        return False
    return True


def _eventually(happens: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < give_up_at, f"not within {PATIENCE_SECONDS} s"
        time.sleep(0.05)


def test_a_watched_server_that_dies_is_back_at_the_same_socket(server: EmbeddedServer) -> None:
    troubles: list[ServerNotStarted] = []
    with supervised(server, troubles.append):
        for _ in range(2):
            killed = _kill(server)
            _eventually(lambda: server.postmaster_pid not in {None, killed})  # noqa: B023
            _eventually(lambda: _answers(server))

    assert troubles == []
    _kill(server)
    _eventually(lambda: not _answers(server))
    time.sleep(3)  # Three looks of a watch that did not end.
    assert not _answers(server)


def test_of_two_who_share_a_dead_server_one_starts_it(server: EmbeddedServer, folder: Path) -> None:
    other = EmbeddedServer.attach(folder, FAST)
    _kill(server)
    started: list[bool] = []
    threads = [
        threading.Thread(target=lambda each=each: started.append(each.bring_back()))
        for each in (server, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(started) == [False, True]
    other.release()
    assert _answers(server)


@pytest.mark.proof
def test_files_that_are_gone_are_told_once_and_never_made_anew(
    server: EmbeddedServer, folder: Path
) -> None:
    troubles: list[ServerNotStarted] = []
    killed = server.postmaster_pid
    assert killed is not None
    data, elsewhere = folder / "data", folder / "elsewhere"
    data.rename(elsewhere)
    os.kill(killed, signal.SIGKILL)
    with supervised(server, troubles.append):
        _eventually(lambda: bool(troubles))
        time.sleep(3)  # Two seconds later it is tried again.
        assert len(troubles) == 1
        assert str(troubles[0]).startswith("the database died and its files")
        assert not data.exists()

        elsewhere.rename(data)
        _eventually(lambda: _answers(server))


def test_what_was_released_is_not_brought_back(server: EmbeddedServer) -> None:
    server.release()

    with pytest.raises(AssertionError, match="only who uses the server"):
        server.bring_back()
