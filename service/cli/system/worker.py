"""The command of workers, which move runs and onboardings until they are told to stop."""

import logging

from jobs.backups.schedule import Schedule
from jobs.worker import work
from service.cli import output
from service.cli.opening import opened
from service.settings import read_settings
from service.store import queue
from service.store.database import DatabaseUnavailable


def worker() -> None:
    """Move runs until told to stop; start any number, on any machine of the installation."""
    logging.basicConfig(format="rebill: %(message)s")
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_more_than_a_lost_database)
    with opened() as environment:
        output.say("moving runs; interrupt to stop after those at hand")
        settings = read_settings()
        to, keep = settings.backup_to, settings.backup_keep
        work(
            environment,
            concurrency=settings.worker_concurrency,
            backups=None if to is None else Schedule(to, keep),
        )


def _is_more_than_a_lost_database(record: logging.LogRecord) -> bool:
    """The worker tells a loss in one line; the queue would, too, with a stack for each task."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, DatabaseUnavailable) and not queue.is_lost_database(error)
