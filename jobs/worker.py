"""Owns the worker: procrastinate's, begun again whenever it has lost the database."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import procrastinate
from procrastinate.worker import Worker

from jobs.backups.schedule import Schedule
from jobs.environment import Environment
from jobs.onboarding.tasks import tasks as onboarding_tasks
from jobs.tasks import STALLED_SECONDS, tasks
from kernel.errors import Unavailable
from service.store import queue
from service.store.accounts import turns
from service.store.database import CLOCK_SECONDS_MAX, DatabaseUnavailable
from service.store.embedded import ServerNotStarted

HEARTBEAT_SECONDS = 2.0

CONNECTION_SECONDS_MAX = 10.0
"""How long the queue waits for a connection; without a database a stop takes so long, too."""

LOSS_SECONDS_MAX = 600.0
"""Longer than a managed PostgreSQL takes to fail over to another host.

Then a supervisor starts the worker anew, with the address and password as they are by now.
"""

LOOK_SECONDS = 1.0

BRIEF_SECONDS, BRIEF_MAX = 3.0, 20
"""A worker that ends so soon, so often in a row, suffers from something else than a loss."""

STOPS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger("rebill.worker")


class WorkerBroken(Unavailable):
    """The worker ends again and again, although the database answers."""


@dataclass(frozen=True, slots=True)
class _Told:
    environment: Environment
    concurrency: int
    backups: Schedule | None


def work(environment: Environment, *, concurrency: int, backups: Schedule | None = None) -> None:
    """Move runs until told to stop (SIGTERM or SIGINT: after the runs at hand).

    A lost database is waited for, ten minutes at most, and the embedded one brought back.
    Raises ServerNotStarted, DatabaseUnavailable, ClockDiffers or WorkerBroken when it cannot go on.
    """
    told = _Told(environment, concurrency, backups)
    with environment.database.supervised(_is_met_by_the_worker):
        asyncio.run(_until_told_to_stop(_begin_again_and_again(told)))


def _is_met_by_the_worker(trouble: ServerNotStarted) -> None:
    """It ends with the same trouble, in its one line."""
    log.debug("not back yet: %s", trouble)


async def _until_told_to_stop(work: Coroutine[Any, Any, None]) -> None:
    """The signals are ours: procrastinate returns alike when told to stop and when it breaks.

    The first cancels the work, and procrastinate ends the jobs at hand; a second one kills.
    """
    loop, working = asyncio.get_running_loop(), asyncio.ensure_future(work)

    def stop() -> None:
        for each in STOPS:
            loop.remove_signal_handler(each)
        working.cancel()

    for each in STOPS:
        loop.add_signal_handler(each, stop)
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


async def _begin_again_and_again(told: _Told) -> None:
    """procrastinate ends at a lost connection, and leaves it to its caller to begin again.

    That is right for us: it comes back as another worker. So a job that was handed out, by an
    answer that was lost with the connection, is found to have no worker, and is rescued.
    """
    app = _app(told.environment)
    brief, lost = 0, None
    await _wait_for_database(told.environment)
    while brief < BRIEF_MAX:
        began_at = time.monotonic()
        lost = await _work_until_lost(app, told, lost)
        if _is_told_to_stop():
            return
        brief = brief + 1 if time.monotonic() - began_at < BRIEF_SECONDS else 0
        await _wait_for_database(told.environment)
        log.warning("the worker lost the database, or broke; it begins again")
    raise WorkerBroken(f"the worker ended {brief} times within {BRIEF_SECONDS:.0f} s of its start")


async def _wait_for_database(environment: Environment) -> None:
    """The queue's pool alone would look ever more seldom, and give up after half a minute."""
    give_up_at, told = time.monotonic() + LOSS_SECONDS_MAX, False
    while True:
        try:
            return await asyncio.to_thread(_begin_with_its_clock, environment)
        except DatabaseUnavailable as trouble:
            if time.monotonic() > give_up_at:
                raise
            if not told:
                log.warning("%s; the worker waits for it", trouble)
            told = True
        await asyncio.sleep(LOOK_SECONDS)


async def _work_until_lost(app: procrastinate.App, told: _Told, lost: int | None) -> int | None:
    """The queue's id of this worker, where it could not take its leave.

    `lost` is what it was before: its jobs are others' at once, not after a long silence.
    """
    at_work = Worker(
        app=app,
        concurrency=told.concurrency,
        delete_jobs="always",
        additional_context={"environment": told.environment, "backups": told.backups},
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
        fetch_job_polling_interval=1.0,
    )
    try:
        await app.open_async()
        if lost is not None:
            await app.job_manager.unregister_worker(lost)
        working = at_work.run()  # type: ignore[no-untyped-call]
        await _work_until_the_clock_jumps(working)
    except Exception as error:
        if not queue.is_lost_database(error):
            raise
    finally:
        await app.close_async()
    return at_work.worker_id or lost


async def _work_until_the_clock_jumps(work: Coroutine[Any, Any, None]) -> None:
    """Then the work is ended as if told to stop, to be begun anew.

    procrastinate remembers until when it has scheduled: behind a clock that was set back it would
    schedule nothing until then, and after a leap every five seconds of it, one by one.
    """
    working, watching = asyncio.ensure_future(work), asyncio.ensure_future(_clock_jumps())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        has_jumped = watching.done()
        for each in (working, watching):
            each.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)
    if has_jumped:
        log.warning("the machine's clock jumped")
    if not working.cancelled():
        working.result()


async def _clock_jumps() -> None:
    """Until it and the time that passes part; a machine that slept wakes up to a jump, too.

    The clock that procrastinate schedules by, whatever time the environment lives in.
    """
    ahead = time.time() - time.monotonic()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if abs(time.time() - time.monotonic() - ahead) > CLOCK_SECONDS_MAX:
            return


def _begin_with_its_clock(environment: Environment) -> None:
    """Raises ClockDiffers: back-offs and schedules by another clock than others' hold them up."""
    environment.database.bring_back()
    environment.database.check_clock(datetime.fromtimestamp(time.time(), UTC))
    with environment.database.transaction() as session:
        turns.wake_written_ahead(session, environment.now())


def _app(environment: Environment) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(
        conninfo=environment.database.conninfo,
        timeout=CONNECTION_SECONDS_MAX,
        # For each dead connection that it tries first, the pool waits longer: 1, 2, 4 seconds.
        min_size=1,
        max_size=4,
    )
    app = procrastinate.App(connector=connector)
    app.add_tasks_from(tasks, namespace=queue.NAMESPACE)
    app.add_tasks_from(onboarding_tasks, namespace=queue.NAMESPACE)
    return app


def _is_told_to_stop() -> bool:
    """Also where the loss of the database took the place of the cancellation."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
