"""Owns time as billing sees it: half-open months and day spans, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, order=True)
class BillingPeriod:
    """One calendar month in UTC: `start` is in it, `end` is not. Its text is `YYYY-MM`."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> BillingPeriod:
        """Raises ValueError with words for a person unless `text` is `YYYY-MM`."""
        match = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
        if match is None or match[1] == "0000":
            raise ValueError(f"{text!r} is no billing period; write it as YYYY-MM, like 2026-10")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> BillingPeriod:
        return cls(day.year, day.month)

    @property
    def start(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def end(self) -> date:
        return self.next.start

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def next(self) -> BillingPeriod:
        return BillingPeriod(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def previous(self) -> BillingPeriod:
        return BillingPeriod.of(self.start - timedelta(days=1))

    @property
    def days(self) -> DaySpan:
        return DaySpan(self.start, self.end)

    def after(self, months: int) -> BillingPeriod:
        years, month = divmod(self.month - 1 + months, 12)
        return BillingPeriod(self.year + years, month + 1)

    def months_since(self, earlier: BillingPeriod) -> int:
        return (self.year - earlier.year) * 12 + self.month - earlier.month

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


@dataclass(frozen=True, slots=True, order=True)
class DaySpan:
    """Civil days from `start` until, but without, `end`; open-ended when `end` is None."""

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"a span must end after it starts: {self.start} to {self.end}")

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)

    def overlaps(self, other: DaySpan) -> bool:
        return (self.end is None or other.start < self.end) and (
            other.end is None or self.start < other.end
        )
