"""Owns opening what work stands on: the installation, with its snapshots and its cache."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.environment import CheckpointTarget, Environment, Retention
from kernel.errors import BadInput
from service.cli.installation import open_installation
from service.clock import Clock, system_clock
from service.settings import LOCK, Settings, read_settings


@contextmanager
def opened(clock: Clock = system_clock) -> Iterator[Environment]:
    """Apart from `open_installation`, because snapshots bring the libraries of data frames."""
    checkpoints = checkpoint_target(read_settings())
    with open_installation(clock) as installation:
        yield Environment.under(
            installation.home, installation.database, installation.now, checkpoints
        )


def checkpoint_target(settings: Settings) -> CheckpointTarget | None:
    """None where none is set; the settings have seen to it that both or none are."""
    if settings.checkpoint_to is None or settings.checkpoint_key is None:
        return None
    lock = settings.checkpoint_lock and retention(settings.checkpoint_lock)
    return CheckpointTarget(settings.checkpoint_to, settings.checkpoint_key, lock or None)


def retention(text: str) -> Retention:
    """Of `compliance:3650`. Raises BadInput."""
    if not re.fullmatch(LOCK, text):
        raise BadInput(f"--lock {text!r}: write it as governance:DAYS or compliance:DAYS")
    mode, _, days = text.partition(":")
    return Retention(mode.upper(), int(days))
