"""Owns the term: the months that one charge of an item is for, and how many of their days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from invoices.money import COST_DIGITS, EXACT
from invoices.periods import BillingPeriod, DaySpan


@dataclass(frozen=True, slots=True)
class Term:
    """Whole months, of which an item may have some days only."""

    start: BillingPeriod
    end: BillingPeriod
    """Exclusive."""
    days: DaySpan | None = None
    """The item's own; None: all of them."""

    @property
    def days_in_all(self) -> int:
        return (self.end.start - self.start.start).days

    @property
    def days_charged(self) -> int:
        return self._until(self._last) - self._until(self._first)

    @property
    def is_part(self) -> bool:
        return self.days_charged < self.days_in_all

    def part_of(self, amount: Decimal) -> Decimal:
        """What of `amount` is for the item's days, to ten places.

        The amount as it accrued until the last day less that until the first: so spans that follow
        each other come to the whole, to the last digit, however many there are.
        """
        return EXACT.subtract(self._accrued(amount, self._last), self._accrued(amount, self._first))

    @property
    def _first(self) -> date:
        return max(self.start.start, self.days.start) if self.days else self.start.start

    @property
    def _last(self) -> date:
        ends = self.days.end if self.days else None
        return min(self.end.start, ends) if ends else self.end.start

    def _until(self, day: date) -> int:
        return (day - self.start.start).days

    def _accrued(self, amount: Decimal, day: date) -> Decimal:
        days = self._until(day)
        if days == self.days_in_all:
            return amount
        exact = EXACT.divide(EXACT.multiply(amount, Decimal(days)), Decimal(self.days_in_all))
        return exact.quantize(Decimal(1).scaleb(-COST_DIGITS), ROUND_FLOOR, EXACT)
