"""Owns the one hot pass over an export's files: raw rows become exact sums by key and day.

The canonical value of an amount is its decimal text, to ten places, half to even: text as it
stands, a double by its shortest text. So CSV and Parquet of one bill agree, to the last digit,
wherever the text has at most 15 significant digits (a double holds no more).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.ingest.reducer_cells import (
    BadAmount,
    BadDay,
    BadFile,
    BadMap,
    FromMap,
    MissingColumns,
    Rows,
    Span,
    amounts_of,
    days_of,
    filled,
    require,
    texts_of,
)
from jobs.ingest.reducer_sums import Amounts, Reduced, Texts, grouped, merge
from jobs.ingest.reducer_text import AWS_CSV, TextFormat, text_spans

PARQUET_SPAN_ROWS = 500_000
"""Rows summed at a time: what bounds memory."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read of a raw file: the columns that tell rows apart, and those that are summed.

    A name in `keys` or `amounts` is a raw column, unless `maps` says which map entry it stands for.
    Every column named must be in the file. No key is called `day` or `rows`.
    """

    keys: tuple[str, ...]
    """Grouped by, as text. Null is ''; a timestamp is `2026-10-01T00:00:00Z`."""
    day: str
    """A timestamp, its text, or an integer of milli- or microseconds: the UTC day."""
    amounts: tuple[str, ...]
    """Double, decimal or text. Null is 0 (see `fallback`)."""
    fallback: Mapping[str, str] = field(default_factory=dict)
    """Where a row has no such amount, another of `amounts` stands in: net_unblended, unblended."""
    drop: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Rows with one of these values in a key are counted, but neither read nor summed."""
    maps: Mapping[str, FromMap] = field(default_factory=dict)

    def columns(self) -> tuple[str, ...]:
        """The raw columns to read, each once."""
        names = (*self.keys, self.day, *self.amounts)
        raw = (self.maps[name].column if name in self.maps else name for name in names)
        return tuple(dict.fromkeys(raw))


def reduce_parquet(file: str | Path | BinaryIO, reading: Reading, *, name: str = "") -> Reduced:
    """Raises BadFile, MissingColumns, BadAmount, BadDay; `name` is what they call the file."""
    name = name or str(file)
    try:
        parquet = _opened(file, reading)
        require(reading.columns(), parquet.schema_arrow.names, name)
        return merge(_reduce(span, reading, name) for span in _parquet_spans(parquet))
    except (pa.ArrowInvalid, OSError) as error:
        raise BadFile(name, f"not a whole Parquet file ({error})") from error


def reduce_csv(
    stream: BinaryIO, reading: Reading, *, name: str = "", text: TextFormat = AWS_CSV
) -> Reduced:
    """Reads decompressed text to its end, in pieces. Raises as `reduce_parquet`, and BadMap."""
    name = name or str(getattr(stream, "name", "the stream"))
    spans = text_spans(stream, reading.columns(), name, text)
    return merge(_reduce(span, reading, name) for span in spans)


@dataclass(frozen=True, slots=True)
class _ParquetSpan:
    """Row groups that are read column by column, so that only one is in memory at a time."""

    parquet: pq.ParquetFile
    groups: list[int]
    first_row: int
    rows: int

    def column(self, name: str) -> pa.ChunkedArray:
        table = self.parquet.read_row_groups(self.groups, columns=[name], use_threads=False)
        return table.column(0)


def _opened(file: str | Path | BinaryIO, reading: Reading) -> pq.ParquetFile:
    source = str(file) if isinstance(file, Path) else file
    return pq.ParquetFile(
        source,
        read_dictionary=[key for key in reading.keys if key not in reading.maps],
        memory_map=isinstance(source, str),
        coerce_int96_timestamp_unit="us",
    )


def _parquet_spans(parquet: pq.ParquetFile) -> Iterator[_ParquetSpan]:
    """At least one, of whole row groups."""
    groups: list[int] = []
    first, rows = 1, 0
    for group in range(parquet.num_row_groups):
        size = parquet.metadata.row_group(group).num_rows
        if groups and rows + size > PARQUET_SPAN_ROWS:
            yield _ParquetSpan(parquet, groups, first, rows)
            groups, first, rows = [], first + rows, 0
        groups.append(group)
        rows += size
    yield _ParquetSpan(parquet, groups, first, rows)


def _reduce(span: Span, reading: Reading, file: str) -> Reduced:
    every = Rows(span, file)
    keys = {name: texts_of(every, name, reading.maps.get(name)) for name in reading.keys}
    rows = _not_dropped(every, reading, keys)
    if rows.kept is not None:
        keys = {name: Texts(texts.words, texts.codes[rows.kept]) for name, texts in keys.items()}
    amounts: dict[str, Amounts] = {}
    # An amount that others fall back to is read before them.
    for name in sorted(reading.amounts, key=lambda name: name in reading.fallback):
        amounts[name] = amounts_of(rows, name, reading.maps.get(name))
        if name in reading.fallback:
            amounts[name] = filled(amounts[name], amounts[reading.fallback[name]], len(rows))
    return grouped(
        keys=keys,
        key=None,
        day=days_of(rows, reading.day),
        amounts={name: [amounts[name]] for name in reading.amounts},
        counts=[Amounts(None, np.ones(len(rows), np.int64))],
        rows=span.rows,
        dropped=span.rows - len(rows),
    )


def _not_dropped(rows: Rows, reading: Reading, keys: Mapping[str, Texts]) -> Rows:
    dropped = np.zeros(len(rows), bool)
    for name, values in reading.drop.items():
        texts = keys[name]
        is_dropped = np.array([word in values for word in texts.words.to_pylist()], bool)
        if is_dropped.any():
            dropped |= is_dropped[texts.codes]
    return Rows(rows.span, rows.file, np.flatnonzero(~dropped)) if dropped.any() else rows


__all__ = [
    "BadAmount",
    "BadDay",
    "BadFile",
    "BadMap",
    "FromMap",
    "MissingColumns",
    "Reading",
    "TextFormat",
    "reduce_csv",
    "reduce_parquet",
]
