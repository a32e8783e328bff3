"""Owns how lines become cells: text by dictionary, amounts as exact doubles or text, maps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from sandbox.bills.amounts import Ints, assert_writable, doubles, texts
from sandbox.bills.lines import DISCOUNTS, Interval, LineKind, Lines, Template

Mask: TypeAlias = NDArray[np.bool_]
Pairs: TypeAlias = tuple[tuple[str, str], ...]
_DICTIONARY_WHOLE = 4096
"""Bigger dictionaries are cut down to the values in a piece of the bill."""


@dataclass(frozen=True, slots=True)
class Text:
    """The same on every line of a template; None is an absent value."""

    name: str
    of: Callable[[Template], str | None]


@dataclass(frozen=True, slots=True)
class Instant:
    name: str
    of: Callable[[Interval], datetime]


@dataclass(frozen=True, slots=True)
class IntervalColumn:
    """The line's interval as text."""

    name: str
    of: Callable[[Interval], str]


@dataclass(frozen=True, slots=True)
class Amount:
    """An exact amount; blank on the kinds for which `blank_on` says so."""

    name: str
    of: Callable[[Lines], Ints]
    only_on: frozenset[LineKind] = frozenset(LineKind)


@dataclass(frozen=True, slots=True)
class Pairing:
    """A map of text to text, the same on every line of a template."""

    name: str
    of: Callable[[Template], Pairs]


@dataclass(frozen=True, slots=True)
class DiscountMap:
    """What every discount took off the line, by AWS's name of it."""

    name: str
    keys: Mapping[LineKind, str]


Column: TypeAlias = Text | Instant | IntervalColumn | Amount | Pairing | DiscountMap


@dataclass(slots=True)
class Cells:
    """Turns pieces of one bill into tables; what a template says is looked up only once."""

    templates: Sequence[Template]
    intervals: Sequence[Interval]
    columns: Sequence[Column]
    _kinds: list[LineKind] = field(init=False)
    _coded: dict[str, tuple[NDArray[np.int32], pa.Array]] = field(init=False, default_factory=dict)
    _pairs: dict[str, pa.Array] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._kinds = [template.kind for template in self.templates]
        for column in self.columns:
            match column:
                case Text(name, of):
                    self._coded[name] = _coded([of(t) for t in self.templates])
                case IntervalColumn(name, of):
                    self._coded[name] = _coded([of(i) for i in self.intervals])
                case Pairing(name, of):
                    pairs = [of(t) for t in self.templates]
                    self._pairs[name] = pa.array(pairs, pa.map_(pa.string(), pa.string()))
                    self._coded[name] = _coded([_json(dict(p)) for p in pairs])

    def table(self, lines: Lines) -> pa.Table:
        """Typed columns: doubles, timestamps, maps."""
        return pa.table({c.name: self._typed(c, lines) for c in self.columns})

    def text_frame(self, lines: Lines) -> pl.DataFrame:
        """Everything as the text of a CSV cell; absent is null, which is written as nothing."""
        return pl.DataFrame([self._text(c, lines).alias(c.name) for c in self.columns])

    def _typed(self, column: Column, lines: Lines) -> pa.Array:
        match column:
            case Text(name, _):
                return self._dictionary(name, lines.template)
            case IntervalColumn(name, _):
                return self._dictionary(name, lines.interval)
            case Pairing(name, _):
                return self._pairs[name].take(pa.array(lines.template))
            case Instant(_, of):
                millis = [int(of(i).timestamp()) * 1000 for i in self.intervals]
                stamps = np.array(millis, np.int64)[lines.interval].view("datetime64[ms]")
                return pa.array(stamps)
            case Amount(_, of, only_on):
                amounts = of(lines)
                assert_writable(amounts)
                return pa.array(doubles(amounts), mask=self._blank(only_on, lines))
            case DiscountMap(_, keys):
                return _discount_map(lines, keys)

    def _text(self, column: Column, lines: Lines) -> pl.Series:
        match column:
            case Text(name, _) | Pairing(name, _):
                return _text_of(self._dictionary(name, lines.template))
            case IntervalColumn(name, _):
                return _text_of(self._dictionary(name, lines.interval))
            case Instant(_, of):
                stamps = [of(i).strftime("%Y-%m-%dT%H:%M:%SZ") for i in self.intervals]
                return pl.Series(stamps)[pl.Series(lines.interval)]
            case Amount(_, of, only_on):
                amounts = of(lines)
                assert_writable(amounts)
                blank = self._blank(only_on, lines)
                written = texts(amounts)
                return written if blank is None else _blanked(written, blank)
            case DiscountMap(_, keys):
                return _discount_json(lines, keys)

    def _blank(self, only_on: frozenset[LineKind], lines: Lines) -> Mask | None:
        if len(only_on) == len(LineKind):
            return None
        blank: Mask = np.array([kind not in only_on for kind in self._kinds])[lines.template]
        return blank

    def _dictionary(self, name: str, positions: NDArray[np.int32]) -> pa.Array:
        codes, values = self._coded[name]
        coded = codes[positions]
        absent = coded < 0
        if len(values) > _DICTIONARY_WHOLE:
            used, where = np.unique(np.maximum(coded, 0), return_inverse=True)
            values, coded = values.take(pa.array(used)), where.astype(np.int32)
        indices = pa.array(coded, mask=absent if absent.any() else None)
        return pa.DictionaryArray.from_arrays(indices, values)


def _coded(values: Sequence[str | None]) -> tuple[NDArray[np.int32], pa.Array]:
    """Codes and the distinct values; -1 where there is none."""
    position: dict[str, int] = {}
    codes = [-1 if value is None else position.setdefault(value, len(position)) for value in values]
    return np.array(codes, np.int32), pa.array(list(position), pa.string())


def _text_of(values: pa.Array) -> pl.Series:
    return pl.Series(values.cast(pa.string()))


def _blanked(written: pl.Series, blank: Mask) -> pl.Series:
    frame = pl.DataFrame({"text": written, "blank": blank})
    return frame.select(pl.when(~pl.col("blank")).then("text"))["text"]


def _json(pairs: Mapping[str, str]) -> str:
    return json.dumps(pairs, ensure_ascii=False, sort_keys=True)


def _discounts(lines: Lines, keys: Mapping[LineKind, str]) -> tuple[list[str], NDArray[np.int64]]:
    """Names and a column of amounts for each; two kinds may share a name."""
    names = list(dict.fromkeys(keys.values()))
    amounts = [
        lines.total_of(*(kind for kind in DISCOUNTS if keys[kind] == name)) for name in names
    ]
    return names, np.stack(amounts, axis=1)


def _discount_map(lines: Lines, keys: Mapping[LineKind, str]) -> pa.Array:
    names, amounts = _discounts(lines, keys)
    there = amounts != 0
    offsets = np.concatenate(([0], np.cumsum(there.sum(axis=1)))).astype(np.int32)
    _, which = np.nonzero(there)
    key_texts = pa.array(names).take(pa.array(which))
    return pa.MapArray.from_arrays(offsets, key_texts, pa.array(doubles(amounts[there])))


def _discount_json(lines: Lines, keys: Mapping[LineKind, str]) -> pl.Series:
    names, amounts = _discounts(lines, keys)
    parts = pl.DataFrame(
        {
            name: _blanked(
                pl.select(pl.lit(f'"{name}": ') + texts(column)).to_series(), column == 0
            )
            for name, column in zip(names, amounts.T, strict=True)
        }
    )
    inside = pl.concat_str(pl.all(), separator=", ", ignore_nulls=True)
    return parts.select(pl.concat_str(pl.lit("{"), inside, pl.lit("}")).alias("json"))["json"]
