"""Owns seeing that two files are one bill twice: by their line items, or else by their sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from jobs.ingest.reduction.lines import LineMarks, most_shared
from jobs.ingest.reduction.sums import Reduced
from jobs.ingest.summary.parts import Part

LINES_MAX = 0.01
"""Ids are unique in a file; that they are in several, AWS does not promise."""

SUMS_MAX = 0.5
"""Of sums that are not 0. Files of one delivery have a few in common: instances that ran all day
cost the same."""

Copies = tuple[int, int, float]
"""Two files, and how much of the smaller one is in both."""


def copies(parts: Sequence[Part]) -> Copies | None:
    """By line items; where those have no id by sums of a day or (of another time unit) a month."""
    with_ids = [n for n, part in enumerate(parts) if len(part.reduced.lines.sketch)]
    without = [n for n in range(len(parts)) if n not in with_ids]
    looks: list[tuple[list[int], Callable[[Reduced], LineMarks], float]] = [
        (with_ids, lambda file: file.lines, LINES_MAX),
        (without, lambda file: _sums(file, by_day=True), SUMS_MAX),
        (without, lambda file: _sums(file, by_day=False), SUMS_MAX),
    ]
    for numbers, marks, limit in looks:
        found = most_shared([marks(parts[n].reduced) for n in numbers]) if numbers[1:] else None
        if found and found[2] > limit:
            return numbers[found[0]], numbers[found[1]], found[2]
    return None


def _sums(file: Reduced, *, by_day: bool) -> LineMarks:
    """A mark of each sum that costs anything: whose it is, of which day, and how much."""
    keys = file.key_table().hash_rows().gather(file.key)
    table = pl.DataFrame(
        [
            keys.alias("key"),
            pl.Series("day", file.day if by_day else np.zeros(len(file.key), np.int32)),
            *(file.amount(name) for name in ("usage", "billed_cost", "net_billed_cost")),
        ]
    )
    summed = table.group_by("key", "day").agg(pl.all().sum())
    costing = summed.filter((pl.col("billed_cost") != 0) | (pl.col("net_billed_cost") != 0))
    return LineMarks.of([costing.hash_rows().to_numpy()])


__all__ = ["copies"]
