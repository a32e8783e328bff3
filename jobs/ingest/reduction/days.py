"""Owns days: a column of times becomes the UTC day of each row, and how long the row lasts."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa

from invoices.charges import UNDATED
from jobs.ingest.reduction.cells import ABSENT, Flags, Rows, texts_of
from jobs.ingest.reduction.refusals import BadDay
from jobs.ingest.reduction.sums import Ints, Texts

_EPOCH = date(1970, 1, 1).toordinal()
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_MICROSECONDS_FROM = 10**14
"""An epoch of at least this is of microseconds, not of milliseconds (year 5138)."""


def days_of(
    rows: Rows, name: str, column: pa.Array | pl.Series, if_blank: str
) -> tuple[Ints, Flags]:
    """The UTC day of each row, and which rows have none, so that they have the other's.

    `column` is that of `name`: whoever needs it as well need not read it twice.
    """
    days, is_blank = _days(rows, name, column)
    if is_blank.any():
        others, none_at_all = days, is_blank
        if if_blank:
            others, none_at_all = _days(rows, if_blank, rows.column(if_blank))
        if (none_at_all & is_blank).any():
            row = int((none_at_all & is_blank).argmax())
            raise BadDay(rows.file, rows.number(row), name, "")
        days = np.where(is_blank, others, days)
    return days, is_blank


def last_days_of(rows: Rows, end: str, days: Ints, is_undated: Flags) -> Texts:
    """The last UTC day (`YYYY-MM-DD`) of rows that last longer than theirs, '' of all others.

    Rows without a time are UNDATED. Where there is no column `end`, all others last a day.
    """
    words, codes = [""], np.zeros(len(days), np.int32)
    if end:
        # Few are long: fees of the month, in an hourly export. A row that ends before it begins is
        # a row of its first day.
        at, last = _longer(rows, end, days)
        distinct, of_long = np.unique(last, return_inverse=True)
        codes[at] = of_long + 1
        words += [str(date.fromordinal(_EPOCH + int(day))) for day in distinct]
    if is_undated.any():
        codes[is_undated] = len(words)
        words.append(UNDATED)
    return Texts(pa.array(words, pa.large_string()), codes)


def _longer(rows: Rows, name: str, days: Ints) -> tuple[Ints, Ints]:
    """Which rows last longer than their day, and until which. An end at midnight is a day's."""
    column = rows.column(name)
    if isinstance(column, pa.Array) and pa.types.is_temporal(column.type):
        times = column if pa.types.is_timestamp(column.type) else column.cast(pa.timestamp("s"))
        per_day = 86_400 * _PER_SECOND[times.type.unit]
        epoch = times.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        # Not each row's last day, as its next midnight is cheaper: a product instead of a quotient.
        at = np.flatnonzero(epoch > (days + 1) * per_day)
        return at, (epoch[at] - 1) // per_day
    texts = texts_of(rows, name, None)
    last = _text_days(pl.Series(texts.words), is_end=True).fill_null(0).to_numpy()[texts.codes]
    at = np.flatnonzero(last > days)
    return at, last[at]


def _days(rows: Rows, name: str, column: pa.Array | pl.Series) -> tuple[Ints, Flags]:
    is_bad: Flags
    if isinstance(column, pa.Array) and pa.types.is_temporal(column.type):
        epoch = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        is_blank = epoch.is_null().to_numpy(zero_copy_only=False)
        is_bad = np.zeros(len(is_blank), bool)
        days: Ints = epoch.fill_null(0).to_numpy(zero_copy_only=False) // (86_400 * 1_000_000)
    else:
        texts = texts_of(rows, name, None)
        words = pl.Series(texts.words)
        of_word = _text_days(words)
        is_blank = words.is_in(ABSENT).to_numpy()[texts.codes]
        is_bad = of_word.is_null().to_numpy()[texts.codes] & ~is_blank
        days = of_word.fill_null(0).to_numpy()[texts.codes]
    if is_bad.any():
        row = int(is_bad.argmax())
        cell = pl.Series(column)[row]
        raise BadDay(rows.file, rows.number(row), name, "" if cell is None else str(cell))
    return days, is_blank


def _text_days(words: pl.Series, *, is_end: bool = False) -> pl.Series:
    """Days since 1970 of a date or time, or of an epoch in milli- or microseconds; else null.

    Of an exclusive end, the day before where it is midnight.
    """
    midnight = pl.col("text").str.contains(r"^.{10}(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?$")
    found = words.to_frame("text").select(
        day=pl.col("text")
        .str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$")
        .str.to_date(strict=False),
        epoch=pl.col("text").str.extract(r"^(\d{10,17})$").cast(pl.Int64) - int(is_end),
        before=(midnight & is_end).cast(pl.Int64),
    )
    per_day = (
        pl.when(pl.col("epoch") < _MICROSECONDS_FROM).then(86_400_000).otherwise(86_400_000_000)
    )
    return found.select(
        pl.coalesce(
            pl.col("day").to_physical().cast(pl.Int64) - pl.col("before"),
            pl.col("epoch") // per_day,
        )
    ).to_series()
