"""The embedded server: shared, found again, and recovered after any crash."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from service.store import embedded
from service.store.embedded import EmbeddedServer, ServerNotStarted
from tests.conftest import FAST


@pytest.fixture
def folder() -> Iterator[Path]:
    """Outside pytest's own folder: see the fixture `server`."""
    with tempfile.TemporaryDirectory(prefix="rebill-tests-") as name:
        yield Path(name) / "postgres"


def test_the_last_to_leave_stops_the_server(folder: Path) -> None:
    first = EmbeddedServer.attach(folder, FAST)
    second = EmbeddedServer.attach(folder, FAST)
    assert first.postmaster_pid == second.postmaster_pid is not None

    first.release()
    psycopg.connect(second.conninfo()).close()
    second.release()

    assert second.postmaster_pid is None
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(second.conninfo())


def test_commands_that_start_at_once_share_one_server(folder: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path;"
        "from service.store.embedded import EmbeddedServer;"
        "server = EmbeddedServer.attach(Path(sys.argv[1]), {'fsync': 'off'});"
        "print(server.postmaster_pid, flush=True); sys.stdin.read()"
    )
    commands = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    pids = [command.stdout.readline().strip() for command in commands if command.stdout]
    for command in commands:
        command.communicate("")

    assert len(set(pids)) == 1
    assert [command.returncode for command in commands] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "left_behind",
    ["as it was", "another process's id", "nothing", "half a line"],
)
def test_a_killed_server_is_recovered_with_all_that_was_committed(
    folder: Path, left_behind: str
) -> None:
    server = EmbeddedServer.attach(folder)
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS figure")
    assert server.postmaster_pid is not None
    os.kill(server.postmaster_pid, signal.SIGKILL)
    lock_file = folder / "data" / "postmaster.pid"
    match left_behind:
        case "another process's id":
            lock_file.write_text(f"{os.getpid()}\n{folder}\n")
        case "nothing":
            lock_file.write_text("")
        case "half a line":
            lock_file.write_text("12x")

    again = EmbeddedServer.attach(folder)

    with psycopg.connect(again.conninfo()) as connection:
        assert connection.execute("SELECT figure FROM kept").fetchone() == (42,)
    again.release()
    server.release()


def test_a_server_that_lost_a_child_this_moment_stops_all_the_same(folder: Path) -> None:
    """Told to stop while it recovers from that, PostgreSQL 18 would stay for ever."""
    server = EmbeddedServer.attach(folder, FAST)
    postmaster = server.postmaster_pid
    listed = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid=,args="], text=True)
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    (child, *_) = [int(pid) for pid, parent, _ in rows if int(parent) == postmaster]
    os.kill(child, signal.SIGKILL)

    server.release()

    assert server.postmaster_pid is None
    again = EmbeddedServer.attach(folder, FAST)
    psycopg.connect(again.conninfo()).close()
    again.release()


def test_a_killed_command_does_not_keep_the_server_from_stopping(folder: Path) -> None:
    program = (
        "import sys, os, signal; from pathlib import Path;"
        "from service.store.embedded import EmbeddedServer;"
        "EmbeddedServer.attach(Path(sys.argv[1]), {'fsync': 'off'});"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(folder)], check=False)
    assert killed.returncode == -signal.SIGKILL

    server = EmbeddedServer.attach(folder, FAST)
    server.release()

    assert server.postmaster_pid is None


def test_a_first_start_that_was_killed_is_begun_anew(folder: Path) -> None:
    half_made = folder / "data.new-1"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")

    server = EmbeddedServer.attach(folder, FAST)
    server.release()

    assert not half_made.exists()
    assert (folder / "data" / "PG_VERSION").exists()


def test_a_folder_too_deep_for_a_socket_works_all_the_same(folder: Path) -> None:
    deep = folder / ("a-long-name-" * 9)
    server = EmbeddedServer.attach(deep, FAST)

    psycopg.connect(server.conninfo()).close()
    sockets = Path(str(conninfo_to_dict(server.conninfo())["host"]))
    assert sockets.exists()
    server.release()

    assert not sockets.exists()


@pytest.mark.parametrize(
    "name", ["a b, Größe $(touch PWN)", "`touch PWN`; quo'te dou\"ble back\\slash"]
)
def test_a_home_may_be_called_anything(folder: Path, name: str) -> None:
    """pg_ctl hands its options to a shell, and a socket's folder may hold no comma."""
    home = folder.parent / name
    server = EmbeddedServer.attach(home / "postgres")
    try:
        with psycopg.connect(server.conninfo()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        again = EmbeddedServer.attach(home / "postgres")
        assert again.postmaster_pid == server.postmaster_pid
        again.release()
    finally:
        server.release()
    assert list(folder.parent.rglob("PWN")) == []


def test_a_dead_servers_id_that_is_another_postgres_by_now_is_no_server(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    EmbeddedServer.attach(folder).release()
    strange = ["bash", "-c", "exec -a $'tail-postgres-\\xff' sleep 60"]
    with subprocess.Popen(strange) as process:
        try:
            (folder / "data/postmaster.pid").write_text(f"{process.pid}\n")
            server = EmbeddedServer.attach(folder)
            assert server.postmaster_pid != process.pid
            server.release()
        finally:
            process.kill()


def test_root_leaves_a_database_alone_that_another_user_made(tmp_path: Path) -> None:
    """Handed over to the database's user, it would be closed to whoever made it."""
    (tmp_path / "data").mkdir()
    if os.geteuid() == 0:
        os.chown(tmp_path, 54_321, -1)
    owner = tmp_path.stat().st_uid
    nobody = pwd.struct_passwd(("x", "x", owner + 1, owner + 1, "", "/", "/bin/false"))

    with pytest.raises(ServerNotStarted, match=f"belongs to user {owner}; run this as that user"):
        embedded._check_not_taken_over(tmp_path, nobody)


def test_variables_of_somebody_elses_server_are_not_taken_for_ours(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGHOSTADDR": "127.0.0.1", "PGHOST": "localhost"}.items():
        monkeypatch.setenv(name, value)

    with psycopg.connect(server.conninfo()) as connection:
        assert connection.info.user == "postgres"
