"""Owns what is true of a bill: exact totals by account, kind and day, as it was generated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from sandbox.bills.amounts import Ints
from sandbox.bills.lines import DISCOUNTS, Interval, LineKind, Lines, Template


class Discounts(StrEnum):
    """How a bill shows discounts: as lines of their own, or as columns of the lines they lower."""

    ROWS = "rows"
    COLUMNS = "columns"


TOTALS: tuple[str, ...] = (
    "billed",
    "amortized",
    "net_billed",
    "net_amortized",
    "list",
    "blended",
    "trueup",
    "upfront",
    "usage",
    "rows",
)
"""Whole units of 1e-10, but `rows`, which counts lines that readers keep."""

_PLAIN_KINDS = frozenset(LineKind) - {
    LineKind.RI_USAGE, LineKind.RI_FEE, LineKind.RI_UPFRONT,
    LineKind.SP_USAGE, LineKind.SP_NEGATION, LineKind.SP_FEE, LineKind.SP_UPFRONT,
}  # fmt: skip
_UPFRONT_KINDS = frozenset({LineKind.RI_UPFRONT, LineKind.SP_UPFRONT})


def costs_of(lines: Lines, kinds: Sequence[LineKind], discounts: Discounts) -> dict[str, Ints]:
    """Every total's share on every line. The amortized cost is its own field of the bill by kind:
    a fee's unused part, a covered hour's effective cost, and elsewhere the cost itself.
    """
    plain = np.array([kind in _PLAIN_KINDS for kind in kinds])[lines.template]
    upfront = np.array([kind in _UPFRONT_KINDS for kind in kinds])[lines.template]
    billed = lines.measure("unblended")
    reserved = lines.total_of("ri_upfront_used", "ri_recurring_used")
    unused = lines.total_of("ri_upfront_unused", "ri_recurring_unused", "sp_commitment")
    amortized = (
        np.where(plain, billed, 0)
        + reserved
        + unused
        + lines.measure("sp_effective")
        - lines.measure("sp_used")
    )
    off = lines.total_of(*DISCOUNTS)
    off_amortized = np.where(plain, off, lines.total_of("ri_used_discount", "ri_unused_discount"))
    columns = discounts == Discounts.COLUMNS
    return {
        "billed": billed,
        "amortized": amortized,
        "net_billed": billed + off if columns else billed,
        "net_amortized": amortized + off_amortized if columns else amortized,
        "list": lines.measure("list"),
        "blended": lines.measure("blended"),
        "trueup": -lines.total_of("ri_upfront_fee", "sp_upfront_fee"),
        "upfront": np.where(upfront, billed, 0),
        "usage": lines.measure("usage"),
        "rows": np.ones(len(lines), np.int64),
    }


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an amount of the truth belongs."""

    account_id: str
    kind: LineKind
    invoice_id: str
    product_code: str


@dataclass(frozen=True, slots=True)
class Fact:
    place: Place
    day: date
    last_day: date
    """Of lines that last longer than their first day."""
    totals: dict[str, int]


class Truth:
    """Exact totals by place, first and last day, added up line by line as the bill is made."""

    def __init__(
        self,
        templates: Sequence[Template],
        intervals: Sequence[Interval],
        discounts: Discounts,
    ) -> None:
        places = [Place(t.account_id, t.kind, t.invoice_id, t.product_code) for t in templates]
        self.discounts = discounts
        self._places = sorted(set(places))
        position = {place: number for number, place in enumerate(self._places)}
        days = [
            (interval.start.date(), (interval.end - timedelta(microseconds=1)).date())
            for interval in intervals
        ]
        self._days = sorted(set(days))
        self._kinds = [template.kind for template in templates]
        self._kept = np.array([not template.is_split for template in templates])
        self._place_of = np.array([position[place] for place in places], np.int64)
        day_number = {each: number for number, each in enumerate(self._days)}
        self._day_of = np.array([day_number[each] for each in days], np.int64)
        cells = len(self._places) * len(self._days)
        self._cells = {name: np.zeros(cells, np.int64) for name in TOTALS}
        self.split_rows = 0

    def add(self, lines: Lines) -> None:
        kept = self._kept[lines.template]
        self.split_rows += int(np.count_nonzero(~kept))
        cell = self._place_of[lines.template] * len(self._days) + self._day_of[lines.interval]
        for name, values in costs_of(lines, self._kinds, self.discounts).items():
            np.add.at(self._cells[name], cell[kept], values[kept])

    def facts(self) -> Iterator[Fact]:
        """One per place, first and last day on which anything was billed, in order."""
        width = len(self._days)
        for cell in np.flatnonzero(self._cells["rows"]):
            totals = {name: int(values[cell]) for name, values in self._cells.items()}
            yield Fact(self._places[cell // width], *self._days[cell % width], totals)


def add_up(facts: Sequence[Fact]) -> dict[str, int]:
    return {name: sum(fact.totals[name] for fact in facts) for name in TOTALS}
