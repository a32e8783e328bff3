"""Owns time as the sandbox sees it: running from the machine's clock, or still until moved."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """`Clock()` runs; `Clock(at)` stands still, until `run`. It is moved forward, never back."""

    def __init__(self, at: datetime | None = None) -> None:
        assert at is None or at.tzinfo is not None, "the clock is in UTC: give it a time zone"
        self._at = at
        self._ahead = timedelta()

    def now(self) -> datetime:
        start = self._at or datetime.fromtimestamp(time.time(), tz=UTC)
        return start + self._ahead

    def run(self) -> None:
        """From now on it runs with the machine's clock; where it is ahead by now, it stays so."""
        machine = datetime.fromtimestamp(time.time(), tz=UTC)
        self._at, self._ahead = None, max(self.now() - machine, timedelta())

    def advance(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> datetime:
        span = timedelta(days=days, hours=hours, seconds=seconds)
        assert span >= timedelta(), "time does not run backwards"
        self._ahead += span
        return self.now()

    def sleep(self, seconds: float) -> None:
        """To be handed to code that waits: the wait costs no time."""
        self.advance(seconds=seconds)
