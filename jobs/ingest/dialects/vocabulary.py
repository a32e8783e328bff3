"""Owns what is read of an export under our names, whichever of the names this month's file has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from jobs.ingest.dialects.sufficiency import Need
from jobs.ingest.reduction.cells import ABSENT
from jobs.ingest.reduction.noticed import Watch
from jobs.ingest.reduction.sums import Amounts, Reduced

NO_INVOICE_ID = ("Estimated", "estimated", "ESTIMATED", *ABSENT)
"""What stands in place of an invoice id that AWS has not given yet."""

IS_RETURN = "is_return"
"""The column of key tuples that says whether a refund takes a commitment back."""

TAGS = "tags"
"""The key that holds the chosen tags, already as the charges have it."""


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
    invoice: str
    """The key that AWS fills when it finalises a month."""
    conserved: tuple[str, str]
    """The raw amount whose sum must be the sum of this measure of the charges."""
    quantity: str
    """The one amount that is no money."""
    needs: tuple[Need, ...]
    """Which columns each cost basis takes, by the kinds of rows."""
    matched: Mapping[str, tuple[str, ...]]
    """A column that pricing rules match -> the keys that fill it."""
    currency: str = ""
    """The key that says in which currency a row's amounts are."""
    end: str = ""
    """The exclusive end of a row's time."""
    line: str = ""
    """The id of a line item: with the start of its time, unique in a file."""
    drop: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Rows that repeat the cost of others, by a value of a key."""
    repeats: str = ""
    """Columns that begin so belong to such rows: with one, the keys of `drop` must be there."""
    watch: Watch | None = None
    discounts: str = ""
    """Columns that begin so tell of discounts: with one, the net amounts must be there."""

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

    @property
    def named(self) -> tuple[str, ...]:
        """All that is read."""
        return (*self.all, *filter(None, (self.end, self.line)))

    def absent(self, columns: Collection[str], spelled: Collection[str]) -> frozenset[str]:
        """Of `columns`, ours that a file has, those that are missed; it spells them `spelled`."""
        missing = {*self.all, self.end} - set(columns)
        nets = set(self.net)
        has_discounts = any(name.startswith(self.discounts) for name in spelled if self.discounts)
        # AWS leaves all net columns out of a month without a discount: net is then what is billed
        # (DECISIONS 1). One of them there, or a discount told elsewhere, and the others are missed.
        if nets <= missing and not has_discounts:
            missing -= nets
        return frozenset(missing)

    def complete_keys(self, table: pl.DataFrame) -> pl.DataFrame:
        """The key tuples with every key, '' where the file had no such column, or no value."""
        absent = [key for key in (*self.keys, TAGS) if key not in table.columns]
        invoice = pl.col(self.invoice)
        said = pl.col(pl.String)
        blanked = pl.when(said.is_in(ABSENT)).then(pl.lit("")).otherwise(said)
        complete = table.with_columns(blanked.name.keep())
        return complete.with_columns(pl.lit("").alias(key) for key in absent).with_columns(
            # Old reports say `Estimated` until AWS finalises the month: a word, and no number.
            pl.when(invoice.is_in(NO_INVOICE_ID))
            .then(pl.lit(""))
            .otherwise(invoice)
            .alias(self.invoice)
        )

    def complete_amounts(self, sums: Reduced) -> Reduced:
        """The sums with every amount: 0, or the plain one, where the file had no such column."""
        nothing = Amounts(np.zeros(0, np.int64), np.zeros(0, np.int64))
        every = dict(sums.amounts)
        for name in (*self.required_amounts, *self.optional_amounts):
            every.setdefault(name, nothing)
        for net, plain in self.net.items():
            # Without a discount AWS leaves the whole column out: net is then what is billed
            # (DECISIONS 1).
            every.setdefault(net, every[plain])
        return replace(sums, amounts={name: every[name] for name in self.amounts})


__all__ = ["TAGS", "Vocabulary"]
