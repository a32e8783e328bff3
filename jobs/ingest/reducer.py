"""Owns the one hot pass over an export's files: raw rows become exact sums by key and day.

The canonical value of an amount is its decimal text, to ten places, half to even: text as it
stands, a double by its shortest text. So CSV and Parquet of one bill agree, to the last digit,
wherever the text has at most 15 significant digits (a double holds no more).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.ingest.reducer_sums import (
    Amounts,
    Ints,
    Reduced,
    Texts,
    Units,
    grouped,
    merge,
)

PARQUET_SPAN_ROWS = 500_000
TEXT_SPAN_ROWS = 130_000
"""Rows summed at a time: what bounds memory."""
PIECE_BYTES = 1 << 24

_UNITS = 10.0**10
_DOUBT = 2.0**-51
"""Of |x|: more than what a double and its product with 1e10 can be off together (2^-52)."""
_NARROW_MAX = 1 << 62
_MICROSECONDS_FROM = 10**14
"""An epoch of at least this is of microseconds, not of milliseconds (year 5138)."""


@dataclass(frozen=True, slots=True)
class FromMap:
    """One entry of a map column (in CSV: JSON in the cell); with no `key`, the sum of all."""

    column: str
    key: str | None = None


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


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a delimited text file is written; the default is AWS's CSV."""

    separator: str = ","
    quote: str | None = '"'
    null: str = ""
    """Absent, beside the empty text: Athena writes `\\N`."""
    columns: tuple[str, ...] = ()
    """Their names, where the file has no header row."""


class BadFile(ValueError):
    """A file that cannot be read as what it should be."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")


class MissingColumns(BadFile):
    def __init__(self, file: str, columns: Iterable[str]) -> None:
        super().__init__(file, f"no column {', '.join(columns)}")


class _BadCell(BadFile):
    """Rows count from 1, without the header."""

    what = ""

    def __init__(self, file: str, row: int, column: str, text: str) -> None:
        super().__init__(file, f"row {row}, column {column}: {text[:80]!r} is not {self.what}")


class BadAmount(_BadCell):
    """A cell that is no finite decimal number of at most 28 digits before the point."""

    what = "an amount"


class BadDay(_BadCell):
    what = "a time"


class BadMap(_BadCell):
    what = "a JSON object of amounts or texts"


def reduce_parquet(file: str | Path | BinaryIO, reading: Reading, *, name: str = "") -> Reduced:
    """Raises BadFile, MissingColumns, BadAmount, BadDay; `name` is what they call the file."""
    name = name or str(file)
    try:
        parquet = _opened(file, reading)
        _require(reading, parquet.schema_arrow.names, name)
        return merge(_reduce(span, reading, name) for span in _parquet_spans(parquet))
    except (pa.ArrowInvalid, OSError) as error:
        raise BadFile(name, f"not a whole Parquet file ({error})") from error


def reduce_csv(
    stream: BinaryIO, reading: Reading, *, name: str = "", text: TextFormat = TextFormat()
) -> Reduced:
    """Reads decompressed text to its end, in pieces. Raises as `reduce_parquet`, and BadMap."""
    name = name or str(getattr(stream, "name", "the stream"))
    spans = _text_spans(_csv_frames(stream, reading, name, text))
    return merge(_reduce(span, reading, name) for span in spans)


class _Span(Protocol):
    """Some consecutive rows of a file."""

    @property
    def first_row(self) -> int: ...

    @property
    def rows(self) -> int: ...

    def column(self, name: str) -> pa.ChunkedArray: ...


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


@dataclass(frozen=True, slots=True)
class _TextSpan:
    frame: pl.DataFrame
    first_row: int

    @property
    def rows(self) -> int:
        return self.frame.height

    def column(self, name: str) -> pa.ChunkedArray:
        return pa.chunked_array([self.frame[name].rechunk().to_arrow()])


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


def _text_spans(frames: Iterable[pl.DataFrame]) -> Iterator[_TextSpan]:
    waiting: list[pl.DataFrame] = []
    first, rows = 1, 0
    for frame in frames:
        waiting.append(frame)
        rows += frame.height
        if rows >= TEXT_SPAN_ROWS:
            yield _TextSpan(pl.concat(waiting), first)
            waiting, first, rows = [], first + rows, 0
    if waiting:
        yield _TextSpan(pl.concat(waiting), first)


def _require(reading: Reading, columns: Iterable[str], name: str) -> None:
    missing = set(reading.columns()) - set(columns)
    if missing:
        raise MissingColumns(name, sorted(missing))


def _csv_frames(
    stream: BinaryIO, reading: Reading, name: str, text: TextFormat
) -> Iterator[pl.DataFrame]:
    def parsed(piece: bytes, **options: Any) -> pl.DataFrame:
        return pl.read_csv(
            piece,
            separator=text.separator,
            quote_char=text.quote,
            null_values=[text.null] if text.null else None,
            infer_schema=False,
            **options,
        )

    header = list(text.columns)
    chosen: list[int] = []
    for piece in _whole_records(stream, text.quote, name):
        options: dict[str, Any] = {"has_header": False}
        if not chosen:
            if not header:
                header = parsed(piece, n_rows=0).columns
                options["has_header"] = True
            _require(reading, header, name)
            chosen = sorted(header.index(column) for column in reading.columns())
        frame = parsed(piece, columns=chosen, **options)
        frame.columns = [header[n] for n in chosen]
        yield frame
    if not chosen:
        raise BadFile(name, "empty: not even a header row")


def _whole_records(stream: BinaryIO, quote: str | None, name: str) -> Iterator[bytes]:
    """The text in pieces that end where a record ends: at a line break outside quotes."""
    mark = quote.encode() if quote else b""
    rest = b""
    while block := stream.read(PIECE_BYTES):
        piece = rest + block
        end = _last_record_end(piece, mark)
        if end:
            yield piece[:end]
        rest = piece[end:]
        if len(rest) > 4 * PIECE_BYTES:
            raise BadFile(name, "a quoted cell has no end within 64 MiB")
    if rest:
        yield rest


def _last_record_end(piece: bytes, mark: bytes) -> int:
    quotes = piece.count(mark) if mark else 0
    after = len(piece)
    while (end := piece.rfind(b"\n", 0, after)) >= 0:
        quotes -= piece.count(mark, end, after) if mark else 0
        if quotes % 2 == 0:
            return end + 1
        after = end
    return 0


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a span that are not dropped, and what a bad one among them is called."""

    span: _Span
    file: str
    kept: Ints | None = None

    def __len__(self) -> int:
        return self.span.rows if self.kept is None else len(self.kept)

    def column(self, name: str) -> pa.Array:
        column = self.span.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.unify_dictionaries()
        whole = column.combine_chunks()
        return whole if self.kept is None else whole.take(pa.array(self.kept))

    def number(self, row: int) -> int:
        """Where the row is in the file, counted from 1."""
        return self.span.first_row + (row if self.kept is None else int(self.kept[row]))


def _reduce(span: _Span, reading: Reading, file: str) -> Reduced:
    every = _Rows(span, file)
    keys = {name: _texts(every, name, reading.maps.get(name)) for name in reading.keys}
    rows = _not_dropped(every, reading, keys)
    if rows.kept is not None:
        keys = {name: Texts(texts.words, texts.codes[rows.kept]) for name, texts in keys.items()}
    amounts: dict[str, Amounts] = {}
    # An amount that others fall back to is read before them.
    for name in sorted(reading.amounts, key=lambda name: name in reading.fallback):
        amounts[name] = _amounts(rows, name, reading.maps.get(name))
        if name in reading.fallback:
            amounts[name] = _filled(amounts[name], amounts[reading.fallback[name]], len(rows))
    return grouped(
        keys=keys,
        key=None,
        day=_days(rows, reading.day),
        amounts={name: [amounts[name]] for name in reading.amounts},
        counts=[Amounts(None, np.ones(len(rows), np.int64))],
        rows=span.rows,
        dropped=span.rows - len(rows),
    )


def _not_dropped(rows: _Rows, reading: Reading, keys: Mapping[str, Texts]) -> _Rows:
    dropped = np.zeros(len(rows), bool)
    for name, values in reading.drop.items():
        texts = keys[name]
        is_dropped = np.array([word in values for word in texts.words.to_pylist()], bool)
        if is_dropped.any():
            dropped |= is_dropped[texts.codes]
    return _Rows(rows.span, rows.file, np.flatnonzero(~dropped)) if dropped.any() else rows


def _texts(rows: _Rows, name: str, at: FromMap | None) -> Texts:
    column = rows.column(name if at is None else at.column)
    if at is not None and not pa.types.is_map(column.type):
        return _json_texts(rows, at, column)
    if at is not None:
        column = pc.map_lookup(column, at.key, "last")
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    words = _written(encoded.dictionary).fill_null("")
    codes = encoded.indices
    if codes.null_count:
        codes = codes.fill_null(len(words))
        words = pa.concat_arrays([words, pa.array([""], pa.large_string())])
    return Texts(words, codes.to_numpy(zero_copy_only=False))


def _written(words: pa.Array) -> pa.LargeStringArray:
    if pa.types.is_timestamp(words.type):
        words = pc.strftime(words.cast(pa.timestamp("s"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
    return words.cast(pa.large_string())


def _json_texts(rows: _Rows, at: FromMap, column: pa.Array) -> Texts:
    """An entry of the JSON objects in a text column, each distinct object read once."""
    cells = _texts_of(column)
    words = []
    for code, cell in enumerate(cells.words.to_pylist()):
        try:
            found = json.loads(cell, parse_float=str, parse_int=str) if cell else {}
            value = found.get(at.key)
        except (ValueError, AttributeError) as error:
            row = int(np.argmax(cells.codes == code))
            raise BadMap(rows.file, rows.number(row), at.column, cell) from error
        words.append(value if isinstance(value, str) else "")
    return Texts(pa.array(words, pa.large_string()), cells.codes)


def _texts_of(column: pa.Array) -> Texts:
    encoded = column.cast(pa.large_string()).fill_null("").dictionary_encode()
    return Texts(encoded.dictionary, encoded.indices.to_numpy(zero_copy_only=False))


def _days(rows: _Rows, name: str) -> Ints:
    column = rows.column(name)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        epoch = np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False), np.int64)
        days = epoch // (86_400 * 1_000_000)
        bad = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
    else:
        texts = _texts(rows, name, None)
        of_word = _text_days(pl.Series(texts.words))
        days = of_word.fill_null(0).to_numpy()[texts.codes].astype(np.int64)
        bad = np.flatnonzero(of_word.is_null().to_numpy()[texts.codes])
    if len(bad):
        row = int(bad[0])
        raise BadDay(rows.file, rows.number(row), name, str(rows.column(name)[row].as_py() or ""))
    return days


def _text_days(words: pl.Series) -> pl.Series:
    """Days since 1970 of a date or time, or of an epoch in milli- or microseconds; else null."""
    found = words.to_frame("text").select(
        day=pl.col("text")
        .str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$")
        .str.to_date(strict=False),
        epoch=pl.col("text").str.extract(r"^(\d{10,17})$").cast(pl.Int64),
    )
    per_day = (
        pl.when(pl.col("epoch") < _MICROSECONDS_FROM).then(86_400_000).otherwise(86_400_000_000)
    )
    return found.select(
        pl.coalesce(pl.col("day").to_physical().cast(pl.Int64), pl.col("epoch") // per_day)
    ).to_series()


class _NotAnAmount(ValueError):
    """Which of the values, and its text."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(at, text)
        self.at, self.text = at, text


def _amounts(rows: _Rows, name: str, at: FromMap | None) -> Amounts:
    column = rows.column(name if at is None else at.column)
    row_of: Ints | None = None
    if at is not None and at.key is None:
        row_of, column = _entries(column)
    elif at is not None and pa.types.is_map(column.type):
        column = pc.map_lookup(column, at.key, "last")
    elif at is not None:
        texts = _json_texts(rows, at, column)
        column = texts.words.take(pa.array(texts.codes))
    values = _present(column)
    there = np.flatnonzero(values.is_not_null().to_numpy()) if values.null_count() else None
    if there is not None:
        values, row_of = values.drop_nulls(), there if row_of is None else row_of[there]
    try:
        return Amounts(row_of, _units(values))
    except _NotAnAmount as bad:
        row = bad.at if row_of is None else int(row_of[bad.at])
        raise BadAmount(rows.file, rows.number(row), name, bad.text) from bad


def _present(column: pa.Array) -> pl.Series:
    """Doubles as they are, everything else as text; absent is null."""
    if pa.types.is_float64(column.type):
        return pl.Series(column)
    texts = pl.Series("text", column).cast(pl.String).to_frame()
    return texts.select(pl.when(pl.col("text") != "").then("text")).to_series()


def _filled(own: Amounts, other: Amounts, rows: int) -> Amounts:
    """With the amounts of `other` in the rows that have none of their own."""
    if own.at is None:
        return own
    absent = np.ones(rows, bool)
    absent[own.at] = False
    if other.at is None:
        at = np.flatnonzero(absent)
        units = other.units[at]
    else:
        at = other.at[absent[other.at]]
        units = other.units[absent[other.at]]
    return Amounts(np.concatenate([own.at, at]), np.concatenate([own.units, units]))


def _entries(column: pa.Array) -> tuple[Ints, pa.Array]:
    """Every value of a map column (or of JSON objects of amounts), and which row it is of."""
    if not pa.types.is_map(column.type):
        inner = pl.Series("cell", column).cast(pl.String).fill_null("").to_frame()
        # Without its names and its punctuation, an object of amounts is a list of them.
        lists = inner.select(
            pl.col("cell")
            .str.replace_all(r'"(?:[^"\\]|\\.)*"\s*:', "")
            .str.replace_all(r'^\{|\}$|["\s]', "")
            .str.replace_all("null", "", literal=True)
            .str.split(",")
        ).to_series()
        lengths = lists.list.len().to_numpy()
        return np.repeat(np.arange(len(lengths)), lengths), lists.explode().to_arrow()
    values = column.type.item_type
    lists = column.cast(pa.list_(pa.struct([("key", column.type.key_type), ("value", values)])))
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    return rows.astype(np.int64), pc.struct_field(pc.list_flatten(lists), "value")


def _units(values: pl.Series) -> Units:
    if values.dtype != pl.Float64:
        return _units_of_texts(values)
    doubles = values.to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = doubles * _UNITS
        near = np.rint(scaled)
        is_sure = np.abs(scaled - near) + np.abs(scaled) * _DOUBT < 0.5
    if is_sure.all():
        return near.astype(np.int64)
    # Large amounts, ties, and what is no number at all: by their shortest text.
    doubtful = np.flatnonzero(~is_sure)
    near[doubtful] = 0
    try:
        exact = _units_of_texts(pl.Series(doubles[doubtful]).cast(pl.String))
    except _NotAnAmount as bad:
        raise _NotAnAmount(int(doubtful[bad.at]), bad.text) from bad
    units: Units = near.astype(np.int64).astype(exact.dtype)
    units[doubtful] = exact
    return units


def _units_of_texts(texts: pl.Series) -> Units:
    """Half to even at the tenth place, which is how Polars reads decimals."""
    exact = texts.cast(pl.Decimal(38, 10), strict=False)
    if exact.null_count():
        at = exact.is_null().arg_max() or 0
        raise _NotAnAmount(at, texts[at])
    units = exact.to_physical()
    if len(units) and max(abs(units.min()), abs(units.max())) >= _NARROW_MAX:  # type: ignore
        return np.array(units.to_list(), dtype=object)
    return units.cast(pl.Int64).to_numpy()


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
