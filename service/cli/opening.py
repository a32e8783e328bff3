"""Owns opening what work stands on: the installation, with its snapshots and its cache."""

from collections.abc import Iterator
from contextlib import contextmanager

from jobs.environment import Environment
from service.cli.installation import open_installation
from service.clock import Clock, system_clock


@contextmanager
def opened(clock: Clock = system_clock) -> Iterator[Environment]:
    """Apart from `open_installation`, because snapshots bring the libraries of data frames."""
    with open_installation(clock) as installation:
        yield Environment.under(installation.home, installation.database, installation.now)
