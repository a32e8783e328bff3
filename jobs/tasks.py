"""Owns the queue's tasks: they wake runs up, and know nothing of what runs do."""

from __future__ import annotations

from contextlib import suppress

import procrastinate
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status

from jobs.backups.schedule import back_up_as_scheduled
from jobs.deliveries import look_as_scheduled
from jobs.environment import Environment
from jobs.runs import engine
from jobs.verification.remembering import remember_as_scheduled
from kernel.room import NoRoom
from service.store import queue
from service.store import runs as stored_runs
from service.store.database import DatabaseUnavailable

STALLED_SECONDS = 8.0
"""A worker that gave no sign of life for so long is dead, and its jobs are others'."""

EVERY_TWO_SECONDS = "* * * * * */2"
EVERY_MINUTE = "* * * * *"
EVERY_TEN_MINUTES = "*/10 * * * *"

AFTER_A_LOSS = procrastinate.RetryStrategy(wait=1, retry_exceptions=[DatabaseUnavailable])
"""A run whose database was lost is as it was stored: the same job takes it up again."""

tasks = procrastinate.Blueprint()


@tasks.task(name="advance_run", pass_context=True, retry=AFTER_A_LOSS)
def advance_run(context: procrastinate.JobContext, run_id: int) -> None:
    with suppress(NoRoom):  # The run has ended, and says so.
        engine.finish(_environment(context), run_id)


@tasks.periodic(cron=EVERY_TWO_SECONDS)
@tasks.task(name="rescue", pass_context=True, queueing_lock="rescue")
async def rescue(
    context: procrastinate.JobContext,
    timestamp: int,  # noqa: ARG001 - procrastinate says when it was due
) -> None:
    """Give the jobs of dead workers to the living, and unfinished runs without a job a new one."""
    manager = context.app.job_manager
    stalled: list[Job] = list(
        await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS)
    )
    for job in stalled:
        try:
            await manager.retry_job(job)
        except UniqueViolation:  # of its queueing lock: another one like it waits already
            await manager.finish_job(job, status=Status.ABORTED, delete_job=True)
    environment = _environment(context)
    with environment.database.transaction() as session:
        enqueued = queue.enqueued_runs(session)
        for run in stored_runs.unfinished_runs(session):
            if run.id not in enqueued:
                queue.enqueue_run(session, run.id, lock=run.lock)


@tasks.periodic(cron=EVERY_TEN_MINUTES)
@tasks.task(name="back_up_daily", pass_context=True, queueing_lock="back_up_daily")
def back_up_daily(
    context: procrastinate.JobContext,
    timestamp: int,  # noqa: ARG001 - procrastinate says when it was due
) -> None:
    schedule = context.additional_context["backups"]
    if schedule is not None:
        back_up_as_scheduled(_environment(context), schedule)


@tasks.periodic(cron=EVERY_MINUTE)
@tasks.task(name="look_for_deliveries", pass_context=True, queueing_lock="look_for_deliveries")
def look_for_deliveries(
    context: procrastinate.JobContext,
    timestamp: int,  # noqa: ARG001 - procrastinate says when it was due
) -> None:
    """Each export a few times an hour; what it asks for are runs as any others."""
    look_as_scheduled(_environment(context))


@tasks.periodic(cron=EVERY_TEN_MINUTES)
@tasks.task(name="write_checkpoint", pass_context=True, queueing_lock="write_checkpoint")
def write_checkpoint(
    context: procrastinate.JobContext,
    timestamp: int,  # noqa: ARG001 - procrastinate says when it was due
) -> None:
    """Makes up for what an issue could not write; it does nothing where all is remembered."""
    remember_as_scheduled(_environment(context))


def _environment(context: procrastinate.JobContext) -> Environment:
    environment = context.additional_context["environment"]
    assert isinstance(environment, Environment)
    return environment
