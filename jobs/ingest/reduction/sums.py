"""Owns exact sums by key and day, in star form: few distinct texts, many integers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from invoices.money import EXACT
from jobs.ingest.reduction.lines import NO_MARKS, LineMarks
from jobs.ingest.reduction.noticed import NOTHING, CutOff, Noticed
from jobs.ingest.reduction.units import DIGITS, Units, to_decimals

Ints = npt.NDArray[np.signedinteger[Any]]
# A tuple of twenty keys is grouped as one integer, which took at least a quarter less CPU than any
# plain grouping of texts (DECISIONS 14):
# `tests/unit/reduction/test_reducer.py::test_more_keys_than_fit_one_integer_are_numbered_anew`.
_WORD_LIMIT = 1 << 62
# NumPy's 64-bit sums wrap silently, so larger ones are of Python's integers:
# `tests/unit/reduction/test_reducer.py::test_sums_beyond_64_bits_are_exact`.
_NARROW_LIMIT = float(1 << 62)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A column of text: row n is `words[codes[n]]`."""

    words: pa.LargeStringArray
    codes: Ints

    @classmethod
    def of(cls, column: pl.Series) -> Texts:
        """Null is ''."""
        texts = column.cast(pl.String).fill_null("")
        words = texts.unique()
        return cls(
            words.to_arrow().cast(pa.large_string()),
            texts.cast(pl.Enum(words)).to_physical().to_numpy(),
        )

    def series(
        self, name: str, at: Ints | slice = slice(None), dtype: pl.DataType | None = None
    ) -> pl.Series:
        words = pl.Series(name, self.words, dtype=pl.String)
        return words.cast(dtype or pl.String()).gather(self.codes[at])

    def is_in(self, words: Collection[str]) -> npt.NDArray[np.bool_]:
        """Of each row, whether it has one of these words."""
        found = np.array([word in words for word in self.words.to_pylist()], bool)
        return found[self.codes]


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """Units of the facts `at` (of every fact, in order, when None); those of one fact add up."""

    at: Ints | None
    units: Units
    cut_off: Mapping[int, CutOff] = field(default_factory=dict)
    """By group, what of the cells of one column lies beyond the tenth place, and is in no unit."""

    @property
    def is_narrow(self) -> bool:
        """Whether a few such amounts can be added in 64 bits."""
        if self.units.dtype == object:
            return False
        return not len(self.units) or _largest(self.units) < _NARROW_LIMIT / 8

    def dense(self, facts: int) -> Units:
        if self.at is None:
            return self.units
        found = np.zeros(facts, self.units.dtype)
        np.add.at(found, self.at, self.units)
        return found

    def where(self, kept: npt.NDArray[np.bool_]) -> Amounts:
        if self.at is None:
            return Amounts(None, self.units[kept])
        place = np.cumsum(kept) - 1
        return Amounts(place[self.at[kept[self.at]]], self.units[kept[self.at]])

    @classmethod
    def of(cls, units: Units) -> Amounts:
        """Where most facts have nothing, only the others are kept."""
        at = np.flatnonzero(units)
        return cls(None, units) if len(at) * 4 > len(units) else cls(at, units[at])


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """Exact sums of some rows; made by `reduce`, `merge` and `load` only.

    Fact n is the sum of `counts[n]` rows that share the key tuple `key[n]` and the day `day[n]`.
    """

    keys: Mapping[str, Texts]
    """The distinct key tuples, in the order of their texts."""
    key: Ints
    day: Ints
    """Days since 1970."""
    amounts: Mapping[str, Amounts]
    counts: Ints
    rows: int
    """How many rows were read, dropped ones too."""
    dropped: int
    noticed: Noticed = NOTHING
    lines: LineMarks = NO_MARKS
    """Of one file; what is merged of several has none."""

    @property
    def frame(self) -> pl.DataFrame:
        """All of it as one wide frame, made anew each time: large, so ask for it once, last.

        Sorted. The keys as String, `day` Date, the amounts Decimal(38,10), `rows` Int64.
        """
        day = pl.Series("day", self.day).cast(pl.Date)
        return pl.DataFrame(
            [
                *(texts.series(name, self.key) for name, texts in self.keys.items()),
                day,
                *(self.amount(name) for name in self.amounts),
                pl.Series("rows", self.counts),
            ]
        )

    def key_table(self) -> pl.DataFrame:
        """One row for each distinct key tuple, in the order that `key` counts them."""
        return pl.DataFrame([texts.series(name) for name, texts in self.keys.items()])

    def amount(self, name: str) -> pl.Series:
        """One amount of every fact, as Decimal(38,10)."""
        return to_decimals(name, self.units(name))

    def total(self, name: str) -> Decimal:
        """One amount of all facts together, exact."""
        units = self.amounts[name].units
        if units.dtype == object:
            return Decimal(int(units.sum())).scaleb(-DIGITS, EXACT)
        # The total of all facts may wrap where that of each does not: two sums of halves cannot.
        halves = (int((units >> 32).sum()) << 32) + int((units & 0xFFFFFFFF).sum())
        return Decimal(halves).scaleb(-DIGITS, EXACT)

    def units(self, name: str) -> Units:
        """One amount of every fact."""
        return self.amounts[name].dense(len(self.key))

    def without(self, key: str, words: Collection[str]) -> Reduced:
        """Less the facts whose `key` is one of `words`: their rows count as dropped."""
        texts = self.keys[key]
        is_word = np.array([word in words for word in texts.words.to_pylist()], bool)
        if not is_word.any():
            return self
        kept = ~is_word[texts.codes][self.key]
        return replace(
            self,
            key=self.key[kept],
            day=self.day[kept],
            counts=self.counts[kept],
            amounts={name: found.where(kept) for name, found in self.amounts.items()},
            dropped=self.dropped + int(self.counts[~kept].sum()),
        )

    def texts(self, key: str) -> list[str]:
        """The distinct texts of a key, sorted."""
        return self.keys[key].series(key).unique().sort().to_list()

    def with_keys(self, table: pl.DataFrame) -> Reduced:
        """The same facts under other keys: row n of `table` takes the place of key tuple n."""
        assert table.height == _height(self.keys), "one row for each key tuple"
        keys = {column.name: Texts.of(column) for column in table}
        return replace(merge([replace(self, keys=keys)]), lines=self.lines)


def merge(parts: Iterable[Reduced]) -> Reduced:
    """The sums of all parts: of any order and grouping of them, the same."""
    ordered = tuple(parts)
    assert ordered, "nothing to merge"
    first = ordered[0]
    for part in ordered[1:]:
        assert (*part.keys, *part.amounts) == (*first.keys, *first.amounts), "other columns"
    tuples = np.cumsum([0, *(_height(part.keys) for part in ordered)])
    sums = grouped(
        keys={name: _joined([part.keys[name] for part in ordered]) for name in first.keys},
        key=[part.key + np.int32(n) for part, n in zip(ordered, tuples, strict=False)],
        day=[part.day for part in ordered],
        amounts={name: [part.amounts[name] for part in ordered] for name in first.amounts},
        counts=[Amounts(None, part.counts) for part in ordered],
        rows=sum(part.rows for part in ordered),
        dropped=sum(part.dropped for part in ordered),
    )
    return replace(sums, noticed=Noticed.together(part.noticed for part in ordered))


def grouped(
    *,
    keys: Mapping[str, Texts],
    key: Sequence[Ints] | None,
    day: Sequence[Ints],
    amounts: Mapping[str, Sequence[Amounts]],
    counts: Sequence[Amounts],
    rows: int,
    dropped: int,
) -> Reduced:
    """Sums facts that share key tuple and day; with no `key`, fact n has key tuple n.

    All but `keys` come in runs of facts that follow each other.
    """
    seen = [run for run in day if len(run)]
    if not seen:
        nothing, none = Amounts(None, np.zeros(0, np.int64)), np.zeros(0, np.int32)
        empty = {name: Texts(texts.words[:0], texts.codes[:0]) for name, texts in keys.items()}
        return Reduced(empty, none, none, dict.fromkeys(amounts, nothing), none, rows, dropped)
    first_day = min(int(run.min()) for run in seen)
    days = max(int(run.max()) for run in seen) - first_day + 1
    words, size, unpack = _packed(keys, days)
    if key is None:
        runs = [words]
    else:
        numbers, (words,) = _numbered([words], size)
        size, runs = len(numbers), [words[run] for run in key]
    # Run by run, as arrays as long as all facts cost more to lay out than to fill.
    for run, of_run in zip(runs, day, strict=True):
        run *= days
        run += of_run - first_day
    facts, places = _numbered(runs, size * days)
    if key is not None:
        facts = numbers[facts // days] * days + facts % days
    tuples = facts // days
    is_first = np.concatenate([[True], tuples[1:] != tuples[:-1]])
    return Reduced(
        keys=unpack(tuples[is_first]),
        key=(np.cumsum(is_first) - 1).astype(np.int32),
        day=(facts % days + first_day).astype(np.int32),
        amounts={n: Amounts.of(_added(places, found, len(facts))) for n, found in amounts.items()},
        counts=_added(places, counts, len(facts)),
        rows=rows,
        dropped=dropped,
    )


def _height(keys: Mapping[str, Texts]) -> int:
    return len(next(iter(keys.values())).codes)


def _added(places: Sequence[Ints], found: Sequence[Amounts], facts: int) -> Units:
    """Sums by fact. Never wraps: 64 bits only where they hold what any one fact adds up to."""
    pieces = [
        (place if amounts.at is None else place[amounts.at], amounts.units)
        for place, amounts in zip(places, found, strict=True)
        if len(amounts.units)
    ]
    sums: Units = np.zeros(facts, np.int64 if _is_narrow(pieces, facts) else object)
    for place, units in pieces:
        np.add.at(sums, place, units.astype(sums.dtype, copy=False))
    return sums


def _is_narrow(pieces: Sequence[tuple[Ints, Units]], facts: int) -> bool:
    """Looked at fact by fact only where all of it together might not fit."""
    if any(units.dtype == object for _, units in pieces):
        return False
    if sum(_largest(units) * len(units) for _, units in pieces) < _NARROW_LIMIT:
        return True
    sizes = np.zeros(facts, float)
    for place, units in pieces:
        np.add.at(sizes, place, np.abs(units.astype(float)))
    return float(sizes.max()) < _NARROW_LIMIT


def _largest(units: Units) -> float:
    """The size of the largest of some 64-bit integers."""
    return max(-float(units.min()), float(units.max()))


def _numbered(runs: Sequence[Ints], size: int) -> tuple[Ints, list[Ints]]:
    """The distinct words of all runs, sorted, and of each run the numbers of its words among them.

    All words are below `size`.
    """
    lengths = [len(run) for run in runs]
    if size > 4 * sum(lengths) + (1 << 16):
        distinct, numbers = np.unique(np.concatenate(runs), return_inverse=True)
        return distinct, np.split(numbers, np.cumsum(lengths)[:-1])
    is_there = np.zeros(size, bool)
    for run in runs:
        is_there[run] = True
    number = np.cumsum(is_there) - 1
    return np.flatnonzero(is_there), [number[run] for run in runs]


def _packed(
    keys: Mapping[str, Texts], room: int
) -> tuple[Ints, int, Callable[[Ints], dict[str, Texts]]]:
    """Each key tuple as one integer below a size that leaves `room`, and the way back.

    Codes are digits of a mixed radix. When they would not fit 62 bits, the integers so far are
    numbered anew. Sorted words give sorted integers.
    """
    words: Ints = np.zeros(_height(keys), np.int64)
    size, digits, settled = 1, list[tuple[str, int]](), dict[str, Ints]()
    for name, texts in keys.items():
        radix = max(len(texts.words), 1)
        if size * radix * room >= _WORD_LIMIT:
            distinct, (words,) = _numbered([words], size)
            settled, digits, size = _codes(distinct, digits, settled), [], len(distinct)
        if radix > 1:
            words = words * radix + texts.codes
        digits.append((name, radix))
        size *= radix
    assert size * room < 2 * _WORD_LIMIT, "more distinct keys than 62 bits number"

    def unpack(chosen: Ints) -> dict[str, Texts]:
        codes = _codes(chosen, digits, settled)
        return {name: Texts(texts.words, codes[name]) for name, texts in keys.items()}

    return words, size, unpack


def _codes(
    words: Ints, digits: Sequence[tuple[str, int]], settled: Mapping[str, Ints]
) -> dict[str, Ints]:
    found: dict[str, Ints] = {}
    for name, radix in reversed(digits):
        words, found[name] = np.divmod(words, radix)
    return {name: codes[words] for name, codes in settled.items()} | found


def _joined(columns: Sequence[Texts]) -> Texts:
    """The columns one after the other, over one dictionary of sorted, distinct words."""
    encoded = pa.concat_arrays([column.words for column in columns]).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    codes = rank[encoded.indices.to_numpy(zero_copy_only=False)]
    starts = np.cumsum([0, *(len(column.words) for column in columns)])
    every = [codes[start:][c.codes] for start, c in zip(starts, columns, strict=False)]
    return Texts(encoded.dictionary.take(order), np.concatenate(every))
