"""Owns what is noticed of rows while they are summed, and is in no sum: doubts that add up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from invoices.money import EXACT


@dataclass(frozen=True, slots=True)
class Noticed:
    absent: frozenset[str] = frozenset()
    """Columns that would have been read, and were not there."""
    undated: int = 0
    """Rows without a time."""
    unpriced: int = 0
    """Rows without an amount that every row has."""
    cut_off: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    """By amount and currency, what lies beyond the tenth place of each row, added up."""

    @classmethod
    def together(cls, parts: Iterable[Noticed]) -> Noticed:
        every = tuple(parts)
        return cls(
            frozenset().union(*(part.absent for part in every)),
            sum(part.undated for part in every),
            sum(part.unpriced for part in every),
            _added(part.cut_off for part in every),
        )

    def to_json(self) -> str:
        return json.dumps(
            {
                "absent": sorted(self.absent),
                "undated": self.undated,
                "unpriced": self.unpriced,
                "cut_off": [[*key, str(amount)] for key, amount in self.cut_off.items()],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Noticed:
        told = json.loads(text)
        return cls(
            frozenset(told["absent"]),
            told["undated"],
            told["unpriced"],
            {(name, currency): Decimal(amount) for name, currency, amount in told["cut_off"]},
        )


NOTHING = Noticed()


def _added(
    parts: Iterable[Mapping[tuple[str, str], Decimal]],
) -> dict[tuple[str, str], Decimal]:
    """Without amounts that come to 0."""
    sums: dict[tuple[str, str], Decimal] = {}
    for part in parts:
        for key, amount in part.items():
            sums[key] = EXACT.add(sums.get(key, Decimal(0)), amount)
    return {key: amount for key, amount in sums.items() if amount}


__all__ = ["NOTHING", "Noticed"]
