"""Owns what is read of an export under our names, whichever of the names this month's file has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from invoices.charges import MONEY


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The columns of one meaning: those a file must have, and those that vary by month."""

    required_keys: tuple[str, ...]
    optional_keys: tuple[str, ...]
    day: str
    required_amounts: tuple[str, ...]
    optional_amounts: tuple[str, ...]
    net: Mapping[str, str]
    """An amount after discounts -> the plain one that stands in where a file or row has none."""
    payer: str
    period: str
    """The keys that say whose bill a row is of, and which month's."""
    conserved: tuple[str, str]
    """The raw amount whose sum must be the sum of this measure of the charges."""
    drop: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Rows that repeat the cost of others, by a value of a key."""

    @property
    def required(self) -> tuple[str, ...]:
        return (*self.required_keys, self.day, *self.required_amounts)

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.required_keys, *self.optional_keys)

    @property
    def amounts(self) -> tuple[str, ...]:
        return (*self.required_amounts, *self.optional_amounts, *self.net)

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.keys, self.day, *self.amounts)

    def complete(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with every column its file did not have: '', 0, or the plain cost."""
        has = set(frame.columns)
        plain_amounts = (*self.required_amounts, *self.optional_amounts)
        return frame.with_columns(
            *(pl.lit("").alias(key) for key in self.keys if key not in has),
            *(pl.lit(0).cast(MONEY).alias(name) for name in plain_amounts if name not in has),
        ).with_columns(
            pl.col(plain).alias(net) for net, plain in self.net.items() if net not in has
        )


__all__ = ["Vocabulary"]
