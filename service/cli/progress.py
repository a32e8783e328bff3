"""Owns showing how far work is: a bar on a terminal, lines in a pipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from service.cli import output
from service.cli.output import Report

PLAIN_SECONDS = 2.0

ERR = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


@contextmanager
def progress() -> Iterator[Report]:
    """A bar on a terminal; elsewhere a plain line for each new work and every two seconds."""
    if not ERR.is_terminal:
        yield _plain_lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=ERR, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield report


def _plain_lines() -> Report:
    last, written_at = "", 0.0

    def report(what: str, done: int, total: int) -> None:
        nonlocal last, written_at
        if what == last and time.monotonic() - written_at < PLAIN_SECONDS:
            return
        last, written_at = what, time.monotonic()
        output.note(f"{what}: {done}/{total}" if total else what)

    return report
