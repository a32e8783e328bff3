"""Owns metered lines: which meters run in a month, and the columns of their hourly lines.

A line is a pure function of the seed and its number, so lines can be made in any order, in pieces
of any size, again and again, and are always the same bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.bills.amounts import Ints
from sandbox.bills.lines import DISCOUNTS, Lines, Template

MICRO = 10**6
CHUNK_ROWS = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Hourly lines of one resource: `rows` of them, spread evenly over `span_hours`.

    Rates are whole units of 1e-10 per unit of usage. Commitments use whole usage without jitter,
    so that what is used and what is not adds up to the fee exactly.
    """

    template: Template
    rows: int
    first_hour: int
    span_hours: int
    usage_micro: int
    jitter_micro: int = 0
    rate: int = 0
    blended_rate: int = 0
    list_rate: int = 0
    ri_upfront_rate: int = 0
    ri_recurring_rate: int = 0
    ri_discount_rate: int = 0
    sp_rate: int = 0
    permille: tuple[int, ...] = (0,) * len(DISCOUNTS)
    """What each discount takes off the unblended cost."""

    @property
    def usage_total_micro(self) -> int:
        assert not self.jitter_micro
        return self.rows * self.usage_micro


_RATES = {
    "unblended": "rate",
    "blended": "blended_rate",
    "list": "list_rate",
    "ri_upfront_used": "ri_upfront_rate",
    "ri_recurring_used": "ri_recurring_rate",
    "ri_used_discount": "ri_discount_rate",
    "sp_effective": "sp_rate",
}


class MeteredLines:
    """The metered lines of a month; the template of a line is the position of its meter.

    A shuffled order is a stride through the month that meets every line once.
    """

    def __init__(self, meters: Sequence[Meter], *, seed: int) -> None:
        self._seed = seed
        self._ends = np.cumsum([meter.rows for meter in meters], dtype=np.int64)
        self._columns = {
            name: np.array([getattr(meter, name) for meter in meters], np.int64)
            for name in ("rows", "first_hour", "span_hours", "usage_micro", "jitter_micro")
        } | {
            measure: np.array([getattr(meter, rate) for meter in meters], np.int64)
            for measure, rate in _RATES.items()
        }
        self._permille = np.array([meter.permille for meter in meters], np.int64).reshape(
            len(meters), len(DISCOUNTS)
        )
        self._stride = _coprime_stride(len(self))

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def in_order(self, start: int, end: int) -> Lines:
        """Lines of that position, resource by resource."""
        return self._lines(np.arange(start, end, dtype=np.int64))

    def shuffled(self, start: int, end: int) -> Lines:
        """Lines of that position when resources and hours are all mixed."""
        return self._lines(np.arange(start, end, dtype=np.int64) * self._stride % len(self))

    def sums_by_meter(self, names: Sequence[str]) -> dict[str, Ints]:
        sums = {name: np.zeros(len(self._ends), np.int64) for name in names}
        for start in range(0, len(self), CHUNK_ROWS):
            lines = self.in_order(start, min(start + CHUNK_ROWS, len(self)))
            for name in names:
                if name in lines.measures:
                    np.add.at(sums[name], lines.template, lines.measures[name])
        return sums

    def _lines(self, numbers: NDArray[np.int64]) -> Lines:
        meter = np.searchsorted(self._ends, numbers, side="right")
        column = {name: values[meter] for name, values in self._columns.items()}
        within = numbers - (self._ends[meter] - column["rows"])
        hour = column["first_hour"] + within * column["span_hours"] // column["rows"]
        usage = column["usage_micro"] + _jitter(
            numbers, seed=self._seed, limit=column["jitter_micro"]
        )
        measures = {"usage": usage * (10**10 // MICRO)}
        for measure in _RATES:
            amount = column[measure] * usage // MICRO
            if amount.any():
                measures[measure] = amount
        for position, discount in enumerate(DISCOUNTS):
            share = self._permille[meter, position]
            if share.any():
                measures[discount] = -(measures["unblended"] * share // 1000)
        return Lines(meter.astype(np.int32), hour.astype(np.int32), measures)


def _coprime_stride(count: int) -> int:
    stride = max(1, int(count * 0.6180339887))
    while np.gcd(stride, count) != 1:
        stride += 1
    return stride


def _jitter(numbers: NDArray[np.int64], *, seed: int, limit: Ints) -> Ints:
    """An even, repeatable draw below `limit` for every line number (the finish of SplitMix64)."""
    mixed = numbers.astype(np.uint64) + np.uint64(seed % 2**32) * np.uint64(0x9E3779B9)
    mixed = (mixed + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    drawn = (mixed ^ (mixed >> np.uint64(33))) % np.maximum(limit, 1).astype(np.uint64)
    return drawn.astype(np.int64)
