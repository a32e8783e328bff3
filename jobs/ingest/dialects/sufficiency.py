"""Owns what an export can answer: which cost bases its columns suffice for, and which rules.

Payers choose their columns. A column that is not there must never become 0, or another column,
without a word: whoever is billed by what it would have said is parked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from invoices.inputs import ExportLimits
from invoices.kinds import Kind
from invoices.money import plain

AMORTIZED = ("amortized", "net_amortized")
NET = ("net_billed", "net_amortized")


@dataclass(frozen=True, slots=True)
class Need:
    """Rows of these kinds (none: any row) say nothing of these bases without these columns."""

    bases: tuple[str, ...]
    columns: tuple[str, ...]
    kinds: tuple[Kind, ...] = ()


def limits_of(
    absent: Collection[str],
    by_key: pl.DataFrame,
    *,
    needs: Collection[Need],
    matched: Mapping[str, tuple[str, ...]],
) -> ExportLimits:
    """`by_key` are the month's charges, `absent` the columns that any of its files lacks.

    `matched`: a column that rules match -> those of the export, each of which can fill it.
    """
    bases: dict[str, list[str]] = {}
    for need in needs:
        lacking = [column for column in need.columns if column in absent]
        if lacking:
            words = _rows_at_stake(by_key, need.kinds)
            if words:
                for basis in need.bases:
                    bases.setdefault(basis, []).append(f"{words}, and no column {_and(lacking)}")
    columns = {
        name: f"the export has no column {_or(theirs)}"
        for name, theirs in matched.items()
        if all(column in absent for column in theirs)
    }
    return ExportLimits({basis: "; ".join(words) for basis, words in bases.items()}, columns)


def _rows_at_stake(by_key: pl.DataFrame, kinds: tuple[Kind, ...]) -> str:
    """'' where there is no such row."""
    touched = by_key
    if kinds:
        touched = by_key.filter(pl.col("kind").is_in([str(kind) for kind in kinds]))
    if touched.is_empty():
        return ""
    rows, billed = touched.select(pl.col("rows", "billed_cost").sum()).row(0)
    named = f" of {_and(kinds)}" if kinds else ""
    return f"there are {rows} rows{named} ({plain(billed)} billed)"


def _and(names: Collection[str]) -> str:
    return ", ".join(names)


def _or(names: Collection[str]) -> str:
    return " or ".join(names)


__all__ = ["AMORTIZED", "NET", "Need", "limits_of"]
