"""Owns trying many things from one and the same moment: each in a fork of this process."""

from __future__ import annotations

import gc
import os
import pickle
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.aws import Fault, Faults, StrictAWS


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


class Branches:
    """A run that divides as it goes: each fork goes on from where it left, and tells its end."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[str, int]] = {}
        self._came_to: dict[str, Any] = {}
        self._writing: int | None = None

    def goes_off(self, name: str) -> bool:
        """True in a new fork, False in the run that it left. A fork does not divide again."""
        if self._writing is not None:
            return False
        if len(self._running) >= (os.cpu_count() or 1):
            self._came_to |= _next_to_end(self._running)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            gc.disable()  # It would touch, and so copy, every page that it shares with the run.
            self._writing = writing
            return True
        os.close(writing)
        self._running[child] = (name, reading)
        return False

    def come_to(self, run: Callable[[], Any]) -> dict[str, Any]:
        """What each fork that went off during the run came to, by name: its value, or Failed."""
        try:
            value = run()
        except BaseException:
            if self._writing is None:
                self._wait_for_all()
                raise
            value = Failed(traceback.format_exc()[-6_000:])
        if self._writing is not None:
            _tell_and_end(value, self._writing)
        self._wait_for_all()
        return self._came_to

    def _wait_for_all(self) -> None:
        while self._running:
            self._came_to |= _next_to_end(self._running)


class StrikingEach(Faults):
    """Disturbs nothing; at one call in so many a fork goes off, in which `fault` strikes."""

    def __init__(self, fault: Fault, one_in: int) -> None:
        super().__init__()
        self.fault = fault
        self.one_in = one_in
        self.is_over = False
        self.branches = Branches()

    def next(self, name: str) -> Fault | None:
        number = self.calls + 1
        is_chosen = number % self.one_in == 0 and not self.is_over
        if is_chosen and self.branches.goes_off(str(number)):
            self.at(number, self.fault)
        return super().next(name)

    def clear(self) -> None:
        """What comes now is no part of the run any more: it is looked at."""
        super().clear()
        self.is_over = True


def strike_each_call(
    aws: StrictAWS, fault: Fault, run: Callable[[], Any], *, one_in: int = 1
) -> dict[int, Any]:
    """What the run came to, by the number of the call that the fault struck."""
    aws.faults = aws.door.faults = striking = StrikingEach(fault, one_in)
    return {int(number): end for number, end in striking.branches.come_to(run).items()}


def _act_and_end(act: Callable[[], Any], writing: int) -> None:
    """Never returns: the tests that follow are the parent's to run."""
    try:
        value = act()
    except BaseException:  # noqa: BLE001 - whatever it was is told: a crash, an interrupt
        value = Failed(traceback.format_exc()[-6_000:])
    _tell_and_end(value, writing)


def _tell_and_end(value: Any, writing: int) -> None:
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
