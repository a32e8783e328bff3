"""Owns trying many things from one and the same moment: each in a fork of this process."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Failed:
    """What a fork died of."""

    words: str


def each_apart(named: Iterable[tuple[str, Callable[[], Any]]]) -> dict[str, Any]:
    """What each came to, by name: its value, or Failed. As many at a time as there are cores.

    What one changes in memory no other sees. Values are small, and made to be pickled.
    """
    running: dict[int, tuple[str, int]] = {}
    came_to: dict[str, Any] = {}
    for name, act in named:
        if len(running) >= (os.cpu_count() or 1):
            came_to |= _next_to_end(running)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _act_and_end(act, writing)
        os.close(writing)
        running[child] = (name, reading)
    while running:
        came_to |= _next_to_end(running)
    return came_to


def _act_and_end(act: Callable[[], Any], writing: int) -> None:
    """Never returns: the tests that follow are the parent's to run."""
    try:
        value = act()
    except BaseException:  # noqa: BLE001 - whatever it was is told: a crash, an interrupt
        value = Failed(traceback.format_exc()[-6_000:])
    try:
        os.write(writing, pickle.dumps(value))
    finally:
        os._exit(0)


def _next_to_end(running: dict[int, tuple[str, int]]) -> dict[str, Any]:
    child, status = os.wait()
    name, reading = running.pop(child)
    with os.fdopen(reading, "rb") as told:
        told_bytes = told.read()
    silent = Failed(f"it ended with status {status} and said nothing")
    return {name: pickle.loads(told_bytes) if told_bytes else silent}
