"""Owns the one hot pass over an export's files: raw rows become exact sums by key and day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

MONEY = pl.Decimal(38, 10)


@dataclass(frozen=True, slots=True)
class FromMap:
    """One entry of a map column (in CSV: JSON in the cell); with no `key`, the sum of all."""

    column: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read of a raw file: the columns that tell rows apart, and those that are summed.

    A name in `keys` or `amounts` is a raw column, unless `maps` says which map entry it stands for.
    Every column named must be in the file. `day` must not be the name of a key.
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
class Reduced:
    """Exact sums of some rows; made by `reduce_parquet`, `reduce_csv`, `merge` and `load` only."""

    frame: pl.DataFrame
    """Sorted. The keys as String, `day` Date, the amounts Decimal(38,10), `rows` Int64."""
    rows: int
    """How many rows were read, dropped ones too."""
    dropped: int


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


class BadAmount(BadFile):
    """A cell that is no finite decimal number of at most 28 digits before the point."""

    def __init__(self, file: str, row: int, column: str, text: str) -> None:
        super().__init__(file, f"row {row}, column {column}: {text!r} is not an amount")


class BadDay(BadFile):
    """A cell that names no day."""

    def __init__(self, file: str, row: int, column: str, text: str) -> None:
        super().__init__(file, f"row {row}, column {column}: {text!r} is not a time")


class BadMap(BadFile):
    """A cell that should hold a JSON object and does not."""

    def __init__(self, file: str, row: int, column: str, text: str) -> None:
        super().__init__(file, f"row {row}, column {column}: {text[:80]!r} is not a JSON object")


_BATCH_ROWS = 1 << 18
_CHUNK_BYTES = 1 << 24


def reduce_parquet(file: str | Path | BinaryIO, reading: Reading, *, name: str = "") -> Reduced:
    """Raises BadFile, MissingColumns, BadAmount, BadDay; `name` is what they call the file."""
    name = name or str(file)
    try:
        parquet = pq.ParquetFile(file, coerce_int96_timestamp_unit="us")
    except (pa.ArrowInvalid, OSError) as error:
        raise BadFile(name, f"not a whole Parquet file ({error})") from error
    missing = set(reading.columns()) - set(parquet.schema_arrow.names)
    if missing:
        raise MissingColumns(name, sorted(missing))
    batches = parquet.iter_batches(_BATCH_ROWS, columns=list(reading.columns()))
    return _reduce_frames((pl.DataFrame(pl.from_arrow(b)) for b in batches), reading, name)


def reduce_csv(
    stream: BinaryIO,
    reading: Reading,
    *,
    name: str = "",
    text: TextFormat = TextFormat(),
) -> Reduced:
    """Reads decompressed text to its end, in pieces. Raises as `reduce_parquet`."""
    name = name or str(getattr(stream, "name", "the stream"))
    return _reduce_frames(_csv_frames(stream, reading, name, text), reading, name)


def merge(parts: Iterable[Reduced]) -> Reduced:
    """The sums of all parts: of any order and grouping of them, the same."""
    ordered = tuple(parts)
    assert ordered, "nothing to merge"
    first = ordered[0].frame
    keys = first.columns[: first.columns.index("day") + 1]
    frame = (
        pl.concat([part.frame for part in ordered]).group_by(keys).agg(pl.all().sum()).sort(keys)
    )
    return Reduced(frame, sum(p.rows for p in ordered), sum(p.dropped for p in ordered))


def save(part: Reduced, path: Path) -> None:
    counts = {"rows": str(part.rows), "dropped": str(part.dropped)}
    part.frame.write_parquet(path, metadata=counts)


def load(path: Path) -> Reduced:
    counts = pl.read_parquet_metadata(path)
    return Reduced(pl.read_parquet(path), int(counts["rows"]), int(counts["dropped"]))


def _csv_frames(
    stream: BinaryIO, reading: Reading, name: str, text: TextFormat
) -> Iterator[pl.DataFrame]:
    header = list(text.columns)
    for piece in _whole_records(stream, text.quote):
        frame = pl.read_csv(
            piece,
            has_header=not header,
            new_columns=header or None,
            separator=text.separator,
            quote_char=text.quote,
            null_values=[text.null] if text.null else None,
            infer_schema=False,
        )
        header = frame.columns
        missing = set(reading.columns()) - set(header)
        if missing:
            raise MissingColumns(name, sorted(missing))
        yield frame.select(reading.columns())


def _whole_records(stream: BinaryIO, quote: str | None) -> Iterator[bytes]:
    """The text in pieces that end where a record ends: at a line break outside quotes."""
    mark = (quote or "\0").encode()
    rest = b""
    while block := stream.read(_CHUNK_BYTES):
        piece = rest + block
        quotes = piece.count(mark) if quote else 0
        end = len(piece)
        while (end := piece.rfind(b"\n", 0, end)) >= 0:
            if (quotes - (piece.count(mark, end) if quote else 0)) % 2 == 0:
                break
        if end >= 0:
            yield piece[: end + 1]
        rest = piece[end + 1 :]
    if rest:
        yield rest


def _reduce_frames(frames: Iterable[pl.DataFrame], reading: Reading, name: str) -> Reduced:
    parts: list[Reduced] = []
    row = 1
    for frame in frames:
        parts.append(_reduce_frame(frame, reading, name, row))
        row += frame.height
    if not parts:
        raise BadFile(name, "no rows")
    return merge(parts)


def _reduce_frame(frame: pl.DataFrame, reading: Reading, name: str, first_row: int) -> Reduced:
    raw = frame.with_row_index("#row", first_row).with_columns(
        _key(frame, reading, column) for column in reading.keys
    )
    for column, values in reading.drop.items():
        raw = raw.filter(~pl.col(column).is_in(sorted(values)))
    days = _days(raw, reading, name)
    amounts = {column: _amount(raw, reading, column, name) for column in reading.amounts}
    for column, other in reading.fallback.items():
        amounts[column] = amounts[column].fill_null(amounts[other])
    exact = (
        raw.select(reading.keys)
        .with_columns(days.alias("day"))
        .with_columns(s.fill_null(0).alias(column) for column, s in amounts.items())
    )
    keys = [*reading.keys, "day"]
    grouped = exact.group_by(keys).agg(pl.all().sum(), pl.len().cast(pl.Int64).alias("rows"))
    return Reduced(grouped.sort(keys), frame.height, frame.height - raw.height)


def _key(frame: pl.DataFrame, reading: Reading, name: str) -> pl.Expr:
    at = reading.maps.get(name)
    column = pl.col(name if at is None else at.column)
    dtype = frame.schema[name if at is None else at.column]
    if at is not None and at.key is not None:
        column = _entry(column, dtype, at.key)
    elif isinstance(dtype, pl.Datetime):
        column = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return column.cast(pl.String).fill_null("").alias(name)


def _entry(column: pl.Expr, dtype: pl.DataType, key: str) -> pl.Expr:
    if isinstance(dtype, pl.List):
        found = column.list.filter(pl.element().struct.field("key") == key)
        return found.list.last().struct.field("value")
    quoted = key.replace("'", "\\'")
    return column.replace("", None).str.json_path_match(f"$['{quoted}']")


def _days(raw: pl.DataFrame, reading: Reading, name: str) -> pl.Series:
    series = raw[reading.day]
    if isinstance(series.dtype, pl.Datetime):
        unit = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
        days = (series.to_physical() // unit[series.dtype.time_unit]).cast(pl.Int32).cast(pl.Date)
    elif series.dtype.is_integer():
        per_day = 86_400_000 if (series.max() or 0) < 10**14 else 86_400_000_000  # type: ignore[operator]
        days = (series // per_day).cast(pl.Int32).cast(pl.Date)
    else:
        days = series.cast(pl.String).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if days.null_count():
        bad = raw.filter(days.is_null())[0]
        raise BadDay(name, bad["#row"][0], reading.day, str(bad[reading.day][0]))
    return days


def _amount(raw: pl.DataFrame, reading: Reading, column: str, name: str) -> pl.Series:
    """Exact, null where absent."""
    at = reading.maps.get(column)
    if at is None:
        series = raw[column]
    else:
        assert at.key is not None
        series = raw.select(_entry(pl.col(at.column), raw.schema[at.column], at.key)).to_series()
    text = series.cast(pl.String).replace("", None)
    exact = text.cast(MONEY, strict=False)
    if exact.null_count() != text.null_count():
        at_row = (exact.is_null() & text.is_not_null()).arg_max()
        assert at_row is not None
        raise BadAmount(name, raw["#row"][at_row], column, text[at_row])
    return exact
