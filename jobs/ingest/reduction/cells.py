"""Owns raw cells: a column of a file becomes texts, days or exact amounts, or a named refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from jobs.ingest.reduction.noticed import CutOff
from jobs.ingest.reduction.refusals import (
    BadAmount,
    BadFile,
    BadMap,
    BadText,
)
from jobs.ingest.reduction.sums import Amounts, Ints, Texts
from jobs.ingest.reduction.units import Units

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ABSENT = ("", "null", "NULL", "Null", "-", "\\N")
"""How tools write that there is nothing in a cell. Each spelled out: Polars panics where it changes
the case of text that is no UTF-8, which a damaged Parquet file has."""

_UNITS = 10.0**10
_DOUBT = 2.0**-51
"""Of |x|: more than what a double and its product with 1e10 can be off together (2^-52)."""
_NARROW_MAX = 1 << 62
_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True)
class FromMap:
    """One entry of a map column (in CSV: JSON in the cell); with no `key`, the sum of all."""

    column: str
    key: str | None = None
    where: tuple[str, str] | None = None
    """Only in rows with this text in this column, '' in all others: maps are slow to read."""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,) if self.where is None else (self.column, self.where[0])


class RowSpan(Protocol):
    """Some consecutive rows of a file."""

    @property
    def first_row(self) -> int: ...

    @property
    def rows(self) -> int: ...

    def column(self, name: str) -> pa.Array | pl.Series: ...

    def scan(self, *names: str) -> pl.LazyFrame:
        """Some columns: Polars reads maps three times as fast as Arrow."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a span, and what a bad one among them is called."""

    span: RowSpan
    file: str

    def number(self, row: int) -> int:
        """Where the row is in the file, counted from 1."""
        return self.span.first_row + row

    def column(self, name: str) -> pa.Array | pl.Series:
        """Raises BadText."""
        column = self.span.column(name)
        if not isinstance(column, pl.Series):
            words = column.dictionary if pa.types.is_dictionary(column.type) else column
            # Arrow takes the bytes of a Parquet file as they are, and Polars takes Arrow's for
            # UTF-8: of one flipped byte come panics, or another text. `tests/unit/reduction`,
            # `test_a_text_that_is_not_utf_8_is_refused_with_its_row`.
            try:
                words.validate(full=True)
                if pa.types.is_binary(words.type):
                    words.cast(pa.string())
            except pa.ArrowInvalid as error:
                raise self._refusal(name, column, words, error) from None
        return column

    def _refusal(
        self, name: str, column: pa.Array, words: pa.Array, error: pa.ArrowInvalid
    ) -> BadFile:
        if "UTF8" not in str(error):
            return BadFile(self.file, f"column {name}: it is damaged: {error}")
        texts = [word.as_py() or b"" for word in words.cast(pa.binary())]
        at = next(at for at, text in enumerate(texts) if not _is_utf_8(text))
        row = at if words is column else column.indices.index(at).as_py()
        return BadText(self.file, self.number(row), name, texts[at].decode(errors="replace"))


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def texts_of(rows: Rows, name: str, at: FromMap | None) -> Texts:
    if at is not None:
        entry = _entry(rows, at)
        return Texts.of(entry) if isinstance(entry, pl.Series) else entry
    column = rows.column(name)
    if isinstance(column, pl.Series):
        return Texts.of(column)
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    words = _written(encoded.dictionary).fill_null("")
    codes = encoded.indices
    if codes.null_count:
        codes = codes.fill_null(len(words))
        words = pa.concat_arrays([words, pa.array([""], pa.large_string())])
    return Texts(words, codes.to_numpy(zero_copy_only=False))


def _written(words: pa.Array) -> pa.LargeStringArray:
    if pa.types.is_floating(words.type):
        # Tools that take an account id for a number write doubles, and a double holds one whole:
        # `tests/jobs/ingest/test_assumptions.py::test_account_ids_that_a_tool_took_for_numbers`.
        whole = words.cast(pa.int64(), safe=False)
        if pc.all(pc.equal(whole.cast(pa.float64()), words)).as_py() is not False:
            words = whole
    if pa.types.is_timestamp(words.type):
        words = pc.strftime(words.cast(pa.timestamp("s"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
    return words.cast(pa.large_string())


def _entry(rows: Rows, at: FromMap) -> pl.Series | Texts:
    """One entry of a map column, by row."""
    if at.where is not None:
        return _entry_where(rows, at, *at.where)
    scan = rows.span.scan(at.column)
    if isinstance(scan.collect_schema()[at.column], pl.Map):
        return scan.select(pl.col(at.column).map.get(at.key)).collect().to_series()
    every = np.arange(rows.span.rows)
    return _json_entry(rows, at, Texts.of(scan.collect().to_series()), every)


def _entry_where(rows: Rows, at: FromMap, column: str, text: str) -> Texts:
    scan = rows.span.scan(at.column, column).with_row_index("row").filter(pl.col(column) == text)
    is_map = isinstance(scan.collect_schema()[at.column], pl.Map)
    cell = pl.col(at.column).map.get(at.key) if is_map else pl.col(at.column)
    found = scan.select("row", cell).collect()
    cells, row_of = Texts.of(found[at.column]), found["row"].to_numpy()
    texts = cells if is_map else _json_entry(rows, at, cells, row_of)
    codes = np.zeros(rows.span.rows, np.int64)
    codes[row_of] = texts.codes + np.int64(1)
    return Texts(pa.concat_arrays([pa.array([""], pa.large_string()), texts.words]), codes)


def _json_entry(rows: Rows, at: FromMap, cells: Texts, row_of: Ints) -> Texts:
    """An entry of the JSON objects in a text column, each distinct object read once."""
    words = []
    for code, cell in enumerate(cells.words.to_pylist()):
        try:
            # As texts: `json` would make a double of an amount, and lose its last digits.
            found = json.loads(cell, parse_float=str, parse_int=str) if cell else {}
            value = found.get(at.key)
        except (ValueError, AttributeError, RecursionError) as error:
            row = int(row_of[np.argmax(cells.codes == code)])
            raise BadMap(rows.file, rows.number(row), at.column, cell) from error
        words.append(value if isinstance(value, str) else "")
    return Texts(pa.array(words, pa.large_string()), cells.codes)


class _NotAnAmount(ValueError):
    """Which of the values, and its text."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(at, text)
        self.at, self.text = at, text


def amounts_of(rows: Rows, name: str, at: FromMap | None, group: Ints | None = None) -> Amounts:
    """`group`: of each row a small number, by which what is cut off is added up; None is 0."""
    row_of: Ints | None = None
    if at is None:
        column = rows.column(name)
    elif at.key is None:
        row_of, column = _entries(rows.span.scan(at.column), at.column)
    else:
        entry = _entry(rows, at)
        column = entry.series(name) if isinstance(entry, Texts) else entry
    values = _present(column)
    there = np.flatnonzero(values.is_not_null().to_numpy()) if values.null_count() else None
    if there is not None:
        values, row_of = values.drop_nulls(), there if row_of is None else row_of[there]
    try:
        return Amounts(row_of, *_units(values, _at(group, row_of)))
    except _NotAnAmount as bad:
        if bad.text in ABSENT:
            return _amounts_without_words(rows, name, values, row_of, group)
        row = bad.at if row_of is None else int(row_of[bad.at])
        raise BadAmount(rows.file, rows.number(row), name, bad.text) from bad


def _at(group: Ints | None, row_of: Ints | None) -> Ints | None:
    return group if group is None or row_of is None else group[row_of]


def _amounts_without_words(
    rows: Rows, name: str, values: pl.Series, row_of: Ints | None, group: Ints | None
) -> Amounts:
    """Again, without the cells in which a word says that there is nothing."""
    there = ~values.is_in(ABSENT).to_numpy()
    row_of = np.flatnonzero(there) if row_of is None else row_of[there]
    left = values.filter(there)
    try:
        return Amounts(row_of, *_units(left, _at(group, row_of)))
    except _NotAnAmount as bad:
        raise BadAmount(rows.file, rows.number(int(row_of[bad.at])), name, bad.text) from bad


def _present(column: pa.Array | pl.Series) -> pl.Series:
    """Doubles as they are, everything else as text; absent is null."""
    series = pl.Series("cell", column)
    if series.dtype == pl.Float64:
        return series
    texts = series.cast(pl.String).to_frame()
    return texts.select(pl.when(pl.col("cell") != "").then("cell")).to_series()


def filled(own: Amounts, other: Amounts, rows: int) -> Amounts:
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
    # What is cut off the other's is told as the other's.
    both = np.concatenate([own.at, at]), np.concatenate([own.units, units])
    return Amounts(*both, own.cut_off)


def _entries(scan: pl.LazyFrame, name: str) -> tuple[Ints, pl.Series]:
    """Every value of a map column (or of JSON objects of amounts), and which row it is of."""
    cell = pl.col(name)
    if isinstance(scan.collect_schema()[name], pl.Map):
        values = cell.map.values()
    else:
        # Without its names and its punctuation, an object of amounts is a list of them.
        values = (
            cell.str.replace_all(r'"(?:[^"\\]|\\.)*"\s*:', "")
            .str.replace_all(r'^\{|\}$|["\s]', "")
            .str.replace_all("null", "", literal=True)
            .str.split(",")
        )
    lists = scan.select(values.alias("value")).collect().to_series()
    # A row without entries explodes to one null.
    lengths = np.maximum(lists.list.len().fill_null(1).to_numpy(), 1)
    entries = lists.explode(empty_as_null=True, keep_nulls=True)
    return np.repeat(np.arange(len(lists)), lengths), entries


def _units(values: pl.Series, group: Ints | None) -> tuple[Units, dict[int, CutOff]]:
    """Of each value, and by group what of all of them lies beyond the tenth place."""
    if values.dtype != pl.Float64:
        return _units_of_texts(values), _cut_off(values, group)
    doubles = values.to_numpy()
    units: Units = np.empty(len(doubles), np.int64)
    is_sure = np.empty(len(doubles), bool)
    numbers = np.zeros(len(doubles), np.int64) if group is None else group
    groups = int(numbers.max(initial=0)) + 1
    beyond = np.zeros((3, groups))
    # A block at a time, as what lies in the processor's cache is rounded in half the time.
    for first in range(0, len(doubles), _BLOCK):
        at = slice(first, first + _BLOCK)
        units[at], is_sure[at], rests = _rounded(doubles[at])
        if rests.any():
            more = (rests != 0, rests, np.abs(rests))
            beyond += [np.bincount(numbers[at], each, groups) for each in more]
    cut_off = {
        number: CutOff(int(rows), _told(rest), _told(most))
        for number, (rows, rest, most) in enumerate(beyond.T)
        if rows
    }
    if is_sure.all():
        return units, cut_off
    # Large amounts, ties, and what is no number at all: by their shortest text.
    doubtful = np.flatnonzero(~is_sure)
    texts = pl.Series(doubles[doubtful]).cast(pl.String)
    try:
        exact = _units_of_texts(texts)
    except _NotAnAmount as bad:
        raise _NotAnAmount(int(doubtful[bad.at]), bad.text) from bad
    for number, found in _cut_off(texts, _at(group, doubtful)).items():
        cut_off[number] = cut_off[number] + found if number in cut_off else found
    units = units.astype(exact.dtype, copy=False)
    units[doubtful] = exact
    return units, cut_off


def _rounded(doubles: Doubles) -> tuple[Ints, Flags, Doubles]:
    """In units: each double's integer, whether it surely is its text's, and what is left of it."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = doubles * _UNITS
        near = np.rint(scaled)
        # A double's product with 1e10 is surely the integer of its text only below 2^51 units
        # (225,179.98); a native cast above it is silently wrong (bench/README.md). This test ends
        # at half of that, and leaves ties to the text as well:
        # `tests/unit/reduction/test_reducer.py::test_a_double_is_its_shortest_text_and_csv_agrees`.
        rests = scaled - near
        apart, doubt = np.abs(rests), np.abs(scaled) * _DOUBT
        is_sure = apart + doubt < 0.5
        # A text of ten places is as far from its integer as the product can be off, and no farther.
        rests[~(is_sure & (apart > doubt))] = 0
        near[~is_sure] = 0
        return near.astype(np.int64), is_sure, rests


def _told(units: float) -> Decimal:
    return Decimal(f"{float(units):.3g}").scaleb(-10)


def _cut_off(texts: pl.Series, group: Ints | None) -> dict[int, CutOff]:
    """Exact for at most twenty places; there are few such cells, and AWS writes at most 17."""
    # The shortest text with an eleventh place is as long as `0.` and eleven digits, or `4E-11`.
    is_long = (texts.str.len_bytes() > 12) | texts.str.contains("e-|E-")
    long = texts.filter(is_long)
    if not len(long):
        return {}
    exact = long.cast(pl.Decimal(38, 20), strict=False)  # Null from 1e18 on.
    kept = long.cast(pl.Decimal(38, 10), strict=False).cast(exact.dtype, strict=False)
    numbers = np.zeros(len(long), np.int64) if group is None else group[is_long.to_numpy()]
    beyond = pl.DataFrame({"number": numbers, "rest": exact - kept}).filter(pl.col("rest") != 0)
    rest = pl.col("rest")
    sums = beyond.group_by("number").agg(pl.len(), rest.sum(), rest.abs().sum().alias("most"))
    return {
        number: CutOff(rows, Decimal(rest).normalize(), Decimal(most).normalize())
        for number, rows, rest, most in sums.iter_rows()
    }


def _units_of_texts(texts: pl.Series) -> Units:
    """Half to even at the tenth place, which is how Polars reads decimals."""
    # Engines disagree on a tie at the 11th digit, so one rule holds for all lanes (DECISIONS 15):
    # `tests/properties/test_reducer.py::test_parquet_and_csv_equal_the_oracle`.
    exact = texts.cast(pl.Decimal(38, 10), strict=False)
    if exact.null_count():
        at = exact.is_null().arg_max() or 0
        raise _NotAnAmount(at, texts[at])
    units = exact.to_physical()
    if len(units) and max(abs(units.min()), abs(units.max())) >= _NARROW_MAX:  # type: ignore
        return np.array(units.to_list(), dtype=object)
    return units.cast(pl.Int64).to_numpy()


__all__ = [
    "FromMap",
    "RowSpan",
    "Rows",
    "amounts_of",
    "filled",
    "texts_of",
]
