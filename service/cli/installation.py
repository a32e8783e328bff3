"""Owns what every command stands on: settings, the clock and the database, all opened here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from service.clock import Clock, system_clock
from service.settings import usable_settings
from service.store.database import Database, open_database

ACTOR = "command line"


@dataclass(frozen=True, slots=True)
class Installation:
    """All that a command needs which only asks the store."""

    home: Path
    database: Database
    now: Callable[[], datetime]


@contextmanager
def open_installation(clock: Clock = system_clock) -> Iterator[Installation]:
    """The installation that the environment's settings name, its tables up to date."""
    settings = usable_settings()
    database = open_database(settings.database_url, settings.home)
    try:
        yield Installation(settings.home, database, clock)
    finally:
        database.close()
