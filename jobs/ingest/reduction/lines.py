"""Owns which line items a file has: enough of their ids to see that one was delivered twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Marks = npt.NDArray[np.uint64]

SKETCH_SIZE = 2_048
"""The smallest marks of a file: two files that share a hundredth of their lines share some."""


@dataclass(frozen=True, slots=True, eq=False)
class LineMarks:
    """The lines of one file, by marks: hashes that tell a line from all others."""

    sketch: Marks
    """The smallest distinct marks, sorted; all of them where there are no more."""
    repeated: int
    """Lines whose mark an earlier line of the file has."""

    @classmethod
    def of(cls, marks: Iterable[Marks]) -> LineMarks:
        every = np.sort(np.concatenate([np.zeros(0, np.uint64), *marks]))
        is_new = np.ones(len(every), bool)
        is_new[1:] = every[1:] != every[:-1]
        smallest = np.flatnonzero(is_new)[:SKETCH_SIZE]
        return cls(every[smallest], int(len(every) - is_new.sum()))

    @property
    def is_complete(self) -> bool:
        return len(self.sketch) < SKETCH_SIZE


NO_MARKS = LineMarks(np.zeros(0, np.uint64), 0)


def marks_of(
    ids: pl.LazyFrame, starts: pa.Array | pl.Series, is_counted: npt.NDArray[np.bool_] | None
) -> Marks:
    """A hash of each row's id (the one column of `ids`) and start; rows without an id have none."""
    # Hashes are stable within a version of Polars, which is part of a kept part's name. Of a struct
    # they would cost ten times as much.
    line = pl.col(*ids.collect_schema().names())
    has_id = line.is_not_null() & (line != "")
    marked = ids.select(line.hash(0).alias("mark"), has_id.alias("has_id")).collect()
    if isinstance(starts, pa.Array) and pa.types.is_dictionary(starts.type):
        # Its codes are the file's own, and their hashes would be of no other file.
        starts = starts.dictionary_decode()
    marks: Marks = marked["mark"].to_numpy() ^ pl.Series(starts).hash(1).to_numpy()
    counted = marked["has_id"].to_numpy()
    if is_counted is not None:
        counted = counted & is_counted
    return marks if counted.all() else marks[counted]


def most_shared(files: Sequence[LineMarks]) -> tuple[int, int, float] | None:
    """The two files that share the largest part of their lines, and how large it is, or None."""
    owners = np.concatenate([np.full(len(each.sketch), n) for n, each in enumerate(files)])
    marks = np.concatenate([each.sketch for each in files])
    order = np.argsort(marks, kind="stable")
    marks, owners = marks[order], owners[order]
    pairs = owners[:-1][marks[1:] == marks[:-1]], owners[1:][marks[1:] == marks[:-1]]
    found = [
        (_share(files[one], files[other], int(times)), int(one), int(other))
        for (one, other), times in zip(*_counted(pairs), strict=True)
    ]
    if not found:
        return None
    share, one, other = max(found)
    return one, other, share


def _counted(pairs: tuple[Any, Any]) -> tuple[Any, Any]:
    return np.unique(np.stack(pairs, axis=1), axis=0, return_counts=True)


def _share(one: LineMarks, other: LineMarks, times: int) -> float:
    """Of the marks that both sketches reach, the smaller file's share that is in both."""
    ends = [each.sketch[-1] for each in (one, other) if not each.is_complete]
    reach = min(ends, default=np.iinfo(np.uint64).max)
    within = min(int((each.sketch <= reach).sum()) for each in (one, other))
    return times / max(within, 1)


__all__ = ["NO_MARKS", "LineMarks", "Marks", "marks_of", "most_shared"]
