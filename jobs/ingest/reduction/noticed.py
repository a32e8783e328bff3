"""Owns what is noticed of rows while they are summed, and is in no sum: doubts that add up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from invoices.clients import AccountId
from invoices.inputs import LongRows
from invoices.money import EXACT, plain


@dataclass(frozen=True, slots=True)
class Noticed:
    absent: frozenset[str] = frozenset()
    """Columns that would have been read, and were not there."""
    undated: int = 0
    """Rows without a time."""
    unpriced: int = 0
    """Rows without an amount that every row has."""
    cut_off: Mapping[str, Decimal] = field(default_factory=dict)
    """By amount, what lies beyond the tenth place of each row, added up."""
    long_rows: tuple[LongRows, ...] = ()
    """Of sums of charges only: what lasts longer than its day."""

    @classmethod
    def together(cls, parts: Iterable[Noticed]) -> Noticed:
        every = tuple(parts)
        return cls(
            frozenset().union(*(part.absent for part in every)),
            sum(part.undated for part in every),
            sum(part.unpriced for part in every),
            _added(part.cut_off for part in every),
            _once(rows for part in every for rows in part.long_rows),
        )

    def to_json(self) -> str:
        return json.dumps(
            {
                "absent": sorted(self.absent),
                "undated": self.undated,
                "unpriced": self.unpriced,
                "cut_off": {name: str(amount) for name, amount in self.cut_off.items()},
                "long_rows": [long_rows_json(rows) for rows in self.long_rows],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Noticed:
        told = json.loads(text)
        return cls(
            frozenset(told["absent"]),
            told["undated"],
            told["unpriced"],
            {name: Decimal(amount) for name, amount in told["cut_off"].items()},
            tuple(_long_rows(each) for each in told["long_rows"]),
        )


NOTHING = Noticed()


def long_rows_json(rows: LongRows) -> dict[str, str | int]:
    return {
        "account_id": rows.account_id,
        "kind": rows.kind,
        "first_day": str(rows.first_day),
        "last_day": str(rows.last_day),
        "rows": rows.rows,
        "billed": plain(rows.billed),
        **({"currency": rows.currency} if rows.currency else {}),
    }


def _long_rows(told: Mapping[str, str]) -> LongRows:
    first, last = (date.fromisoformat(told[name]) for name in ("first_day", "last_day"))
    account, rows, billed = AccountId(told["account_id"]), int(told["rows"]), told["billed"]
    currency = str(told.get("currency", ""))
    return LongRows(account, str(told["kind"]), first, last, rows, Decimal(billed), currency)


def _added(parts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Without amounts that come to 0."""
    sums: dict[str, Decimal] = {}
    for part in parts:
        for name, amount in part.items():
            sums[name] = EXACT.add(sums.get(name, Decimal(0)), amount)
    return {name: amount for name, amount in sums.items() if amount}


def _once(every: Iterable[LongRows]) -> tuple[LongRows, ...]:
    """Each account, kind, time and currency once, sorted."""
    sums: dict[tuple[AccountId, str, date, date, str], tuple[int, Decimal]] = {}
    for each in every:
        whose = (each.account_id, each.kind, each.first_day, each.last_day, each.currency)
        rows, billed = sums.get(whose, (0, Decimal(0)))
        sums[whose] = rows + each.rows, EXACT.add(billed, each.billed)
    return tuple(LongRows(*whose[:4], *sums[whose], whose[4]) for whose in sorted(sums))


__all__ = ["NOTHING", "Noticed", "long_rows_json"]
