"""Owns the one hot pass over an export's files: raw rows become exact sums by key and day.

The canonical value of an amount is its decimal text, to ten places, half to even: text as it
stands, a double by its shortest text. So CSV and Parquet of one bill agree, to the last digit,
wherever the text has at most 15 significant digits (a double holds no more).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.ingest.reduction.cells import (
    ABSENT,
    FromMap,
    Rows,
    RowSpan,
    amounts_of,
    filled,
    texts_of,
)
from jobs.ingest.reduction.days import days_of, last_days_of
from jobs.ingest.reduction.lines import LineMarks, Marks, marks_of
from jobs.ingest.reduction.noticed import Noticed, Watch
from jobs.ingest.reduction.refusals import (
    BadAmount,
    BadDay,
    BadFile,
    BadMap,
    MissingColumns,
    require,
)
from jobs.ingest.reduction.sums import Amounts, Ints, Reduced, Texts, grouped, merge
from jobs.ingest.reduction.texts import AWS_CSV, TextFormat, text_spans

PARQUET_SPAN_ROWS = 500_000
"""Rows summed at a time: what bounds memory."""


LAST_DAY = "last_day"
"""'' where a row lasts no longer than its day; see `invoices.charges.KEYS`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read of a raw file: the columns that tell rows apart, and those that are summed.

    A name in `keys` or `amounts` is a raw column, unless `maps` says which map entry it stands for.
    Every column named must be in the file. No key is called `day`, `rows` or LAST_DAY.
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
    """Rows with one of these values in a key are read, and counted, but not summed."""
    maps: Mapping[str, FromMap] = field(default_factory=dict)
    day_if_blank: str = ""
    """A row without a time counts as of this one's day; without one, such a row is refused."""
    costs: tuple[str, ...] = ()
    """Amounts that every row has, be they 0."""
    end: str = ""
    """The exclusive end of a row's time: it, or that there is none, becomes the key LAST_DAY."""
    currency: str = ""
    """The key that says in which currency a row's amounts are; '' where none does."""
    line: str = ""
    """A line item's id: with `day`'s time it is unique in a file. '' where there is none."""
    watch: Watch | None = None

    def columns(self) -> tuple[str, ...]:
        """The raw columns to read, each once."""
        days = (self.day, self.day_if_blank) if self.day_if_blank else (self.day,)
        more = filter(None, (self.end, self.line))
        names = (*self.keys, *days, *more, *self.amounts)
        raw = [self.maps[name].columns if name in self.maps else (name,) for name in names]
        return tuple(dict.fromkeys(itertools.chain.from_iterable(raw)))


def reduce(
    source: str | Path | BinaryIO,
    reading: Reading,
    *,
    name: str = "",
    text: TextFormat | None = None,
) -> Reduced:
    """The exact sums of a file: of Parquet, or with `text` of a decompressed stream of text.

    `name` is what refusals call it. Raises BadFile, MissingColumns, BadAmount, BadDay, BadMap,
    BadText.
    """
    if text is None:
        return _reduce_parquet(source, reading, name or str(source))
    assert not isinstance(source, str | Path), "text is read from a stream"
    name = name or str(getattr(source, "name", "the stream"))
    spans = text_spans(source, reading.columns(), name, text)
    return _reduced(spans, reading, name)


def _reduce_parquet(source: str | Path | BinaryIO, reading: Reading, name: str) -> Reduced:
    source = str(source) if isinstance(source, Path) else source
    try:
        require(reading.columns(), pq.read_schema(source).names, name)
        return _reduced(_parquet_spans(source, reading), reading, name)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadFile(name, f"not a whole Parquet file ({error})") from error


@dataclass(frozen=True, slots=True)
class _ParquetSpan:
    """Row groups that are read column by column, so that only one is in memory at a time."""

    file: str | BinaryIO
    parquet: pq.ParquetFile
    groups: list[int]
    first_row: int
    rows: int

    def column(self, name: str) -> pa.Array:
        table = self.parquet.read_row_groups(self.groups, columns=[name], use_threads=False)
        column = table.column(0)
        if pa.types.is_dictionary(column.type):
            column = column.unify_dictionaries()
        return column.combine_chunks()

    def scan(self, *names: str) -> pl.LazyFrame:
        if not isinstance(self.file, str):
            self.file.seek(0)
        whole = pl.scan_parquet(self.file, parallel="prefiltered")
        return whole.slice(self.first_row - 1, self.rows).select(names)


def _parquet_spans(file: str | BinaryIO, reading: Reading) -> Iterator[_ParquetSpan]:
    """At least one, of whole row groups."""
    parquet = pq.ParquetFile(
        file,
        read_dictionary=[key for key in reading.keys if key not in reading.maps],
        memory_map=isinstance(file, str),
        # Athena writes legacy reports with INT96 times, which the Parquet format deprecates:
        # `tests/unit/reduction/test_reducer.py::test_int96_times_are_read`.
        coerce_int96_timestamp_unit="us",
        # Off by default; a page's checksum is optional in the Parquet format, so only some damage
        # is found by it: `tests/faults/test_damaged_input.py`,
        # `test_a_flipped_byte_of_a_page_with_a_checksum_is_refused`.
        page_checksum_verification=True,
    )
    groups: list[int] = []
    first, rows = 1, 0
    for group in range(parquet.num_row_groups):
        size = parquet.metadata.row_group(group).num_rows
        if groups and rows + size > PARQUET_SPAN_ROWS:
            yield _ParquetSpan(file, parquet, groups, first, rows)
            groups, first, rows = [], first + rows, 0
        groups.append(group)
        rows += size
    yield _ParquetSpan(file, parquet, groups, first, rows)


def _reduced(spans: Iterable[RowSpan], reading: Reading, file: str) -> Reduced:
    marks: list[Marks] = []
    sums = merge(_reduce(span, reading, file, marks) for span in spans)
    return replace(sums, lines=LineMarks.of(marks))


def _reduce(span: RowSpan, reading: Reading, file: str, marks: list[Marks]) -> Reduced:
    rows = Rows(span, file)
    keys = {name: texts_of(rows, name, reading.maps.get(name)) for name in reading.keys}
    currencies, group = _currencies(keys.get(reading.currency))
    amounts: dict[str, Amounts] = {}
    # An amount that others fall back to is read before them.
    for name in sorted(reading.amounts, key=lambda name: name in reading.fallback):
        amounts[name] = amounts_of(rows, name, reading.maps.get(name), group)
        if name in reading.fallback:
            amounts[name] = filled(amounts[name], amounts[reading.fallback[name]], span.rows)
    starts = rows.column(reading.day)
    days, is_undated = days_of(rows, reading.day, starts, reading.day_if_blank)
    if reading.end or reading.day_if_blank:
        keys[LAST_DAY] = last_days_of(rows, reading.end, days, is_undated)
    if reading.line:
        marks.append(marks_of(span.scan(reading.line), starts, _kept(keys, reading)))
    reduced = grouped(
        keys=keys,
        key=None,
        day=[days],
        amounts={name: [amounts[name]] for name in reading.amounts},
        counts=[Amounts(None, np.ones(span.rows, np.int64))],
        rows=span.rows,
        dropped=0,
    )
    cut_off = {
        (name, currencies[number]): amount
        for name, found in amounts.items()
        for number, amount in found.cut_off.items()
    }
    priced = [amounts[name].at for name in reading.costs]
    unpriced = max((span.rows - len(at) for at in priced if at is not None), default=0)
    noticed = Noticed(
        undated=int(is_undated.sum()),
        unpriced=unpriced,
        cut_off=cut_off,
        blank=_blank(reading, keys, amounts, span.rows),
    )
    reduced = replace(reduced, noticed=noticed)
    for name, words in reading.drop.items():
        reduced = reduced.without(name, words)
    return reduced


def _currencies(texts: Texts | None) -> tuple[list[str], Ints | None]:
    """Each once, and of each row which; None where all rows have one: then nothing is grouped."""
    if texts is None:
        return [""], None
    said = [word.strip().upper() for word in texts.words.to_pylist()]
    words = ["" if word in ABSENT else word for word in said]
    found = sorted(set(words)) or [""]
    if len(found) == 1:
        return found, None
    return found, np.array([found.index(word) for word in words], np.int64)[texts.codes]


def _blank(
    reading: Reading, keys: Mapping[str, Texts], amounts: Mapping[str, Amounts], rows: int
) -> dict[str, int]:
    watch = reading.watch
    at = None if watch is None else amounts[watch.amount].at
    if watch is None or at is None:
        return {}
    is_blank = np.ones(rows, bool)
    is_blank[at] = False
    is_watched = keys[watch.key].is_in(watch.words)
    kept = _kept(keys, reading)
    found = is_blank & is_watched if kept is None else is_blank & is_watched & kept
    by = keys[watch.by]
    codes, counts = np.unique(by.codes[found], return_counts=True)
    words = by.words.to_pylist()
    return {words[code]: int(count) for code, count in zip(codes, counts, strict=True)}


def _kept(keys: Mapping[str, Texts], reading: Reading) -> npt.NDArray[np.bool_] | None:
    """The rows that are not dropped: one that repeats a cost may repeat the id as well."""
    kept = None
    for name, words in reading.drop.items():
        is_word = keys[name].is_in(words)
        if is_word.any():
            kept = ~is_word if kept is None else kept & ~is_word
    return kept


__all__ = [
    "AWS_CSV",
    "BadAmount",
    "BadDay",
    "BadFile",
    "BadMap",
    "FromMap",
    "MissingColumns",
    "Reading",
    "TextFormat",
    "reduce",
]
