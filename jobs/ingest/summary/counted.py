"""Owns the charges of a whole bill, with how many raw rows each sums."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from invoices.charges import DAILY, MEASURES, TEXTS, Charges
from jobs.ingest.reduction.sums import Reduced


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    charges: Charges
    rows: pl.Series
    """Int64: of each charge, in the order of `charges.daily`."""

    @classmethod
    def of(cls, sums: Reduced) -> Counted:
        """Merged sums (`dialects.merged`): key tuples and facts are in order already."""
        daily = pl.DataFrame(
            [
                pl.Series("key", sums.key).cast(pl.UInt32),
                pl.Series("service_day", sums.day).cast(pl.Date),
                *(sums.amount(measure) for measure in MEASURES),
            ]
        )
        keys = sums.key_table().select(TEXTS.names())
        return cls(Charges(keys, daily.select(DAILY.names())), pl.Series("rows", sums.counts))

    def by_key(self) -> pl.DataFrame:
        """One row for each key but the day (TEXTS), with the MEASURES and `rows` of the month."""
        daily = self.charges.daily.lazy().with_columns(self.rows)
        sums = daily.group_by("key").agg(pl.col(*MEASURES, "rows").sum()).sort("key").collect()
        return self.charges.keys.hstack(sums.drop("key"))

    def by_currency(self) -> dict[str, Counted]:
        """As `Charges.by_currency`, with their rows."""
        found = self.charges.by_currency()
        if len(found) == 1:
            return dict.fromkeys(found, self)
        of_fact = self.charges.keys["currency"].gather(self.charges.daily["key"])
        return {
            currency: Counted(own, self.rows.filter(of_fact == currency))
            for currency, own in found.items()
        }


__all__ = ["Counted"]
