"""Owns the scheduled backup: once a day, by whichever worker is told where to."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.backups.making import Installed, back_up
from jobs.backups.manifest import time_of
from jobs.backups.places import BackupPlace, place_of, whole
from jobs.environment import Environment
from kernel.errors import RebillError

EVERY = timedelta(days=1)
ACTOR = "worker"

log = logging.getLogger("rebill.backup")


@dataclass(frozen=True, slots=True)
class Schedule:
    """`to` is a place; `keep` whole backups stay there."""

    to: str
    keep: int


def back_up_as_scheduled(environment: Environment, schedule: Schedule) -> None:
    """What went wrong is told in one line, and tried again at the next turn."""
    try:
        back_up_if_due(environment, schedule)
    except RebillError as trouble:
        log.error("the scheduled backup failed, and is tried again: %s", trouble)


def back_up_if_due(environment: Environment, schedule: Schedule) -> bool:
    """Whether it was: a day after the latest whole one. Raises as `back_up` does."""
    place = place_of(schedule.to)
    if not is_due(place, environment.now()):
        return False
    source = Installed(environment.database, environment.snapshots, environment.cache)
    made = back_up(source, place, keep=schedule.keep, actor=ACTOR, now=environment.now())
    for words in made.warnings():
        log.warning("%s", words)
    return True


def is_due(place: BackupPlace, now: datetime) -> bool:
    """A backup of the future was made by a wrong clock, and says nothing."""
    times = [time for name in whole(place) if (time := time_of(name)) is not None]
    return not any(now - EVERY < time <= now for time in times)


__all__ = ["Schedule", "back_up_as_scheduled", "back_up_if_due", "is_due"]
