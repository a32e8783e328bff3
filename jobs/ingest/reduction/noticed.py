"""Owns what is noticed of rows while they are summed, and is in no sum: doubts that add up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from invoices.money import EXACT


@dataclass(frozen=True, slots=True)
class CutOff:
    """What lies beyond the tenth place of rows, and is in no sum of them."""

    rows: int
    """That have such a place."""
    rest: Decimal
    """Of each row, added up: what is missing in the sum of all."""
    most: Decimal
    """The same without signs: no sum of any of these rows misses more."""

    def __add__(self, other: CutOff) -> CutOff:
        return CutOff(
            self.rows + other.rows,
            EXACT.add(self.rest, other.rest),
            EXACT.add(self.most, other.most),
        )


@dataclass(frozen=True, slots=True)
class Watch:
    """Rows whose key is one of `words`, and in which a blank amount is not 0: nobody knows it."""

    amount: str
    key: str
    words: frozenset[str]
    by: str
    """The key that tells whose blank it is."""


@dataclass(frozen=True, slots=True)
class Noticed:
    absent: frozenset[str] = frozenset()
    """Columns that would have been read, and were not there."""
    undated: int = 0
    """Rows without a time."""
    unpriced: int = 0
    """Rows without an amount that every row has."""
    cut_off: Mapping[tuple[str, str], CutOff] = field(default_factory=dict)
    """By amount and currency."""
    blank: Mapping[str, int] = field(default_factory=dict)
    """By a word of a key, watched rows without their amount."""

    @classmethod
    def together(cls, parts: Iterable[Noticed]) -> Noticed:
        every = tuple(parts)
        return cls(
            frozenset().union(*(part.absent for part in every)),
            sum(part.undated for part in every),
            sum(part.unpriced for part in every),
            _added(part.cut_off for part in every),
            dict(sum((Counter(part.blank) for part in every), Counter())),
        )

    def to_json(self) -> str:
        return json.dumps(
            {
                "absent": sorted(self.absent),
                "undated": self.undated,
                "unpriced": self.unpriced,
                "cut_off": [
                    [*key, found.rows, str(found.rest), str(found.most)]
                    for key, found in self.cut_off.items()
                ],
                "blank": dict(sorted(self.blank.items())),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Noticed:
        told = json.loads(text)
        return cls(
            frozenset(told["absent"]),
            told["undated"],
            told["unpriced"],
            {
                (name, currency): CutOff(rows, Decimal(rest), Decimal(most))
                for name, currency, rows, rest, most in told["cut_off"]
            },
            told["blank"],
        )


NOTHING = Noticed()


def _added(parts: Iterable[Mapping[tuple[str, str], CutOff]]) -> dict[tuple[str, str], CutOff]:
    sums: dict[tuple[str, str], CutOff] = {}
    for part in parts:
        for key, found in part.items():
            sums[key] = sums[key] + found if key in sums else found
    return sums


__all__ = ["NOTHING", "CutOff", "Noticed", "Watch"]
