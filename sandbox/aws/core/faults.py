"""Owns trouble on demand: which call is hit, by what, before or after it took effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from random import Random
from threading import Lock


class Fault(Enum):
    """`…_AFTER` strikes when the call has taken effect: the caller cannot know that it did."""

    THROTTLE = "throttle"
    CONCURRENT_MODIFICATION = "concurrent modification"
    ERROR_BEFORE = "error before"
    ERROR_AFTER = "error after"
    TIMEOUT_BEFORE = "timeout before"
    TIMEOUT_AFTER = "timeout after"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"

    @property
    def strikes_after(self) -> bool:
        return self.value.endswith("after")


class Crash(BaseException):
    """The caller's process ends here. No retry loop and no `except Exception` survives it."""


@dataclass(frozen=True)
class FaultPlan:
    """`pattern` is a glob over `service:Operation`; hits the `first`th match and those after it."""

    pattern: str
    fault: Fault
    first: int
    times: int
    seen: int = 0


class Faults:
    """Calls are counted from one as they arrive, botocore's own repeats included."""

    def __init__(self) -> None:
        self._plans: list[FaultPlan] = []
        self._numbered: dict[int, Fault] = {}
        self._chance: tuple[Random, float, tuple[Fault, ...], str] | None = None
        self._lock = Lock()
        self.calls = 0
        self.struck: Counter[tuple[str, Fault]] = Counter()

    def on(self, pattern: str, fault: Fault, *, nth: int = 1, times: int = 1) -> None:
        """The `nth` call from now on that matches `pattern`, and `times - 1` more after it."""
        self._plans.append(FaultPlan(pattern, fault, nth, times))

    def at(self, number: int, fault: Fault) -> None:
        """The call with this number, whatever it is."""
        self._numbered[number] = fault

    def randomly(
        self, *, seed: int, rate: float, kinds: Sequence[Fault] = tuple(Fault), pattern: str = "*"
    ) -> None:
        """The same seed strikes the same calls, as long as they come in the same order."""
        self._chance = (Random(seed), rate, tuple(kinds), pattern)

    def clear(self) -> None:
        self._plans.clear()
        self._numbered.clear()
        self._chance = None

    def next(self, name: str) -> Fault | None:
        with self._lock:
            self.calls += 1
            fault = self._numbered.pop(self.calls, None) or self._planned(name)
            fault = fault or self._by_chance(name)
            if fault:
                self.struck[name, fault] += 1
            return fault

    def _planned(self, name: str) -> Fault | None:
        struck = None
        for index, plan in enumerate(self._plans):
            if not fnmatchcase(name, plan.pattern):
                continue
            self._plans[index] = plan = replace(plan, seen=plan.seen + 1)
            if struck is None and plan.first <= plan.seen < plan.first + plan.times:
                struck = plan.fault
        return struck

    def _by_chance(self, name: str) -> Fault | None:
        if self._chance is None:
            return None
        random, rate, kinds, pattern = self._chance
        if not fnmatchcase(name, pattern) or random.random() >= rate:
            return None
        return random.choice(kinds)
