"""Owns time as the sandbox sees it: running from the machine's clock, or still until moved."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """`Clock()` runs; `Clock(at)` stands still. Both can be moved forward, never back."""

    def __init__(self, at: datetime | None = None) -> None:
        assert at is None or at.tzinfo is not None, "the clock is in UTC: give it a time zone"
        self._at = at
        self._ahead = timedelta()

    def now(self) -> datetime:
        start = self._at or datetime.fromtimestamp(time.time(), tz=UTC)
        return start + self._ahead

    def advance(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> datetime:
        span = timedelta(days=days, hours=hours, seconds=seconds)
        assert span >= timedelta(), "time does not run backwards"
        self._ahead += span
        return self.now()

    def sleep(self, seconds: float) -> None:
        """To be handed to code that waits: the wait costs no time."""
        self.advance(seconds=seconds)
