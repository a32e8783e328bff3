"""Owns what is doubtful in a bill: each check names its rows, and what they cost."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from invoices.kinds import DISCOUNTS, Kind
from jobs.ingest.summary.counted import Counted
from jobs.ingest.summary.facts import Quarantined


def quarantine(counted: Counted, by_key: pl.DataFrame) -> tuple[Quarantined, ...]:
    """Of a month's charges in one currency, what must be looked at before anything is issued."""
    return (*unknown_kinds(by_key), *inconsistent_discount_mode(counted))


def unknown_kinds(by_key: pl.DataFrame) -> list[Quarantined]:
    unknown = by_key.filter(pl.col("kind") == str(Kind.UNKNOWN))
    by_type = unknown.group_by("description_key").agg(pl.col("rows", "billed_cost").sum())
    return [
        Quarantined(
            "unknown_kind",
            f"line item type {name!r}",
            "we do not know what these charges are, so nothing is issued until we do",
            rows,
            billed,
        )
        for name, rows, billed in by_type.sort("description_key").iter_rows()
    ]


def inconsistent_discount_mode(counted: Counted) -> list[Quarantined]:
    """AWS writes discounts as rows or into net columns; both at once would count them twice."""
    charges = counted.charges
    # CUR 2.0 has a switch between the two (Data Exports dictionary, "Discount columns": manual
    # discount compatibility): `tests/faults/test_damaged_input.py`,
    # `test_what_is_doubtful_is_kept_and_named_with_its_rows_and_cost`.
    is_discount = charges.keys["kind"].is_in([str(kind) for kind in DISCOUNTS])
    if not is_discount.any():
        return []
    costs = charges.daily.select("billed_cost", "net_billed_cost").with_columns(counted.rows)
    is_row = is_discount.gather(charges.daily["key"])
    # A row whose own net cost is 0 is told twice and counted once: the columns have it.
    as_rows = costs.filter(is_row & (costs["billed_cost"] != 0) & (costs["net_billed_cost"] != 0))
    in_columns = costs.filter(~is_row & (costs["net_billed_cost"] != costs["billed_cost"]))
    if as_rows.is_empty() or in_columns.is_empty():
        return []
    gross, net = in_columns.select(pl.col("billed_cost", "net_billed_cost").sum()).row(0)
    rows, billed = as_rows.select(pl.col("rows", "billed_cost").sum()).row(0)
    return [
        Quarantined(
            "inconsistent_discount_mode",
            "the discount rows",
            f"net columns take {gross - net:f} off other rows already; are these counted twice?",
            rows,
            billed or Decimal(0),
        )
    ]


__all__ = ["quarantine"]
