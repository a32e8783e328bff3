"""Owns the queue: procrastinate's tables in our database, and putting a job on it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from service.store.address import is_lost
from service.store.session import Session

if TYPE_CHECKING:
    import procrastinate

NAMESPACE = "rebill"
ADVANCE_RUN = f"{NAMESPACE}:advance_run"
"""The one task that moves runs, by name: who asks for work does not import who does it."""

ADVANCE_ONBOARDINGS = f"{NAMESPACE}:advance_onboardings"
"""The one task that moves the onboardings of an organization."""

CHECK_ACCESS = f"{NAMESPACE}:check_access"
"""The one task that finds out whether roles let in whom they should."""

PERFORM_ROOT_TASK = f"{NAMESPACE}:perform_root_task"
"""The one task that enters root of a member."""

TABLES_PREFIX = "procrastinate_"


@cache
def _deferrer() -> procrastinate.App:
    """Never opened: it only writes jobs on the connection of whoever asks for them."""
    # Here, because most commands put no work on the queue, and need not wait for its library.
    import procrastinate

    return procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def enqueue_run(session: Session, run_id: int, *, lock: str) -> None:
    """In the caller's transaction: a rollback leaves neither the run nor its job."""
    job = _deferrer().configure_task(ADVANCE_RUN, lock=lock, connection=_raw(session))
    job.defer(run_id=run_id)


def enqueue_onboardings(session: Session, payer_account_id: str) -> None:
    """In the caller's transaction; one job that waits is enough for an organization."""
    waiting = _raw(session).execute(
        "SELECT FROM procrastinate_jobs "
        "WHERE status = 'todo' AND task_name = %s AND args->>'payer_account_id' = %s",
        [ADVANCE_ONBOARDINGS, payer_account_id],
    )
    if waiting.fetchone() is None:
        job = _deferrer().configure_task(ADVANCE_ONBOARDINGS, connection=_raw(session))
        job.defer(payer_account_id=payer_account_id)


def enqueue_access_check(session: Session, check_id: int) -> None:
    """In the caller's transaction. One after the other: all use the same people's MFA devices."""
    job = _deferrer().configure_task(CHECK_ACCESS, lock=CHECK_ACCESS, connection=_raw(session))
    job.defer(check_id=check_id)


def enqueue_root_task(session: Session, task_id: int) -> None:
    """In the caller's transaction."""
    lock = f"root task {task_id}"
    job = _deferrer().configure_task(PERFORM_ROOT_TASK, lock=lock, connection=_raw(session))
    job.defer(task_id=task_id)


def forget_run(session: Session, run_id: int) -> None:
    """Nobody needs to take up a finished run that still waits in the queue."""
    _raw(session).execute(
        "DELETE FROM procrastinate_jobs "
        "WHERE status = 'todo' AND task_name = %s AND (args->>'run_id')::bigint = %s",
        [ADVANCE_RUN, run_id],
    )


def enqueued_runs(session: Session) -> frozenset[int]:
    """Ids of the runs whose job waits or is being worked on."""
    found = _raw(session).execute(
        "SELECT (args->>'run_id')::bigint FROM procrastinate_jobs "
        "WHERE status IN ('todo', 'doing') AND task_name = %s",
        [ADVANCE_RUN],
    )
    return frozenset(row[0] for row in found)


def _raw(session: Session) -> psycopg.Connection[tuple[Any, ...]]:
    raw = session.connection().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def is_lost_database(error: BaseException | None) -> bool:
    """Whether the queue says by this that the database went away, or was not to be had in time."""
    from procrastinate.exceptions import ConnectorException  # As in `_deferrer`.

    if isinstance(error, ConnectorException):
        error = error.__cause__
    return is_lost(error)


def upgrade_queue(connection: psycopg.Connection) -> None:
    """Bring procrastinate's tables to the installed version; its migrations are named by theirs."""
    from procrastinate.schema import SchemaManager  # As in `_deferrer`.

    connection.execute("CREATE TABLE IF NOT EXISTS procrastinate_applied (version text NOT NULL)")
    row = connection.execute("SELECT version FROM procrastinate_applied").fetchone()
    installed = version("procrastinate")
    if row is None:
        connection.execute(SchemaManager.get_schema().encode())
        connection.execute("INSERT INTO procrastinate_applied VALUES (%s)", [installed])
        return
    applied = str(row[0])
    if applied == installed:
        return
    for migration in _migrations_after(applied):
        connection.execute(migration.read_bytes())
    connection.execute("UPDATE procrastinate_applied SET version = %s", [installed])


def _migrations_after(applied: str) -> list[Path]:
    """Their names start with the version that brought them: `03.04.00_50_post_….sql`."""
    from procrastinate.schema import SchemaManager  # As in `_deferrer`.

    padded = ".".join(f"{int(part):02}" for part in applied.split(".")[:3])
    folder = Path(SchemaManager.get_migrations_path())
    return [path for path in sorted(folder.glob("*.sql")) if path.name.split("_")[0] > padded]
