"""Owns seeing that two files are one bill twice, where line items have no id: by their sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from jobs.ingest.reduction.sums import Reduced

ALIKE_MIN = 0.5
"""Of the smaller file's sums that are not 0. Files of one delivery have a few sums in common:
instances that ran all day cost the same."""


def alike(files: Sequence[Reduced]) -> tuple[int, int, float] | None:
    """Two files of which most sums are equal, by day or (of another time unit) by month."""
    if len(files) < 2:
        return None
    without_ids = [n for n, each in enumerate(files) if not len(each.lines.sketch)]
    for by_day in (True, False):
        sums = [_sums(files[n], by_day=by_day) for n in without_ids]
        for one in range(len(sums)):
            for other in range(one + 1, len(sums)):
                fewer = min(len(sums[one]), len(sums[other]))
                common = len(np.intersect1d(sums[one], sums[other], assume_unique=True))
                if fewer and common / fewer > ALIKE_MIN:
                    return without_ids[one], without_ids[other], common / fewer
    return None


def _sums(file: Reduced, *, by_day: bool) -> npt.NDArray[np.uint64]:
    """A hash of each sum that costs anything: whose it is, of which day, and how much."""
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
    return np.unique(costing.hash_rows().to_numpy())


__all__ = ["alike"]
