"""Owns the charge: its kinds, and the two forms of a month's charges (the charge summary)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from invoices.kinds import COVERED, DISCOUNTS, MARKETPLACE, METERED, Kind
from invoices.money import COST_DIGITS

# Sums of 38 digits raise in Polars where other engines wrap; see
# `tests/unit/invoices/test_allocation.py::test_sums_past_what_is_exact_are_refused_not_wrapped`.
MONEY = pl.Decimal(38, COST_DIGITS)
"""Exact to ten places. Never multiply it in Polars (the product keeps ten places and rounds)."""


KEYS: tuple[str, ...] = (
    "payer_account_id",
    "account_id",
    "billing_period",
    "service_day",
    "invoice_id",
    "bill_type",
    "billing_entity",
    "legal_entity",
    "currency",
    "kind",
    "service",
    "region",
    "usage_type",
    "operation",
    "unit",
    "sku",
    "commitment_id",
    "tax_type",
    "seller",
    "description_key",
    "tags",
    "last_day",
)
"""What tells two charges apart. All text but `service_day` (Date); absent text is ''.

`billing_period` is `YYYY-MM`; `tags` is canonical JSON of the chosen keys, or ''. `last_day` is
`YYYY-MM-DD` where the charge lasts from `service_day` to another day, both included, else ''; or
UNDATED.
"""

UNDATED = "undated"
"""The `last_day` of what has no time: its `service_day` is the period's first, and may be any."""

TEXT_KEYS: tuple[str, ...] = tuple(key for key in KEYS if key != "service_day")

MEASURES: tuple[str, ...] = (
    "usage",
    "billed_cost",
    "amortized_cost",
    "net_billed_cost",
    "net_amortized_cost",
    "list_cost",
    "blended_cost",
    "trueup",
    "upfront",
)
"""What is summed, exactly. Costs are in `currency`; `net_` falls back to the plain one.

Identity 1: billed_cost = amortized_cost + trueup + upfront, summed over a payer's month.
"""

SCHEMA = pl.Schema(
    {key: pl.Date() if key == "service_day" else pl.String() for key in KEYS}
    | dict.fromkeys(MEASURES, MONEY)
)


TEXTS = pl.Schema(dict.fromkeys(TEXT_KEYS, pl.String()))

DAILY = pl.Schema({"key": pl.UInt32(), "service_day": pl.Date()} | dict.fromkeys(MEASURES, MONEY))


@dataclass(frozen=True, slots=True, eq=False)
class Charges:
    """A month's charges in star form: few distinct keys, many days. This is what is kept.

    Charge n has the day and the measures of row n of `daily`, and its other keys are row
    `daily["key"][n]` of `keys`. Both are in order: equal charges are equal frames.
    """

    keys: pl.DataFrame
    """Of schema TEXTS: every combination that occurs, once, sorted."""
    daily: pl.DataFrame
    """Of schema DAILY, sorted by key and day."""

    def __post_init__(self) -> None:
        """Every stage is given what it may trust: the schema is a promise, not a hope."""
        assert self.keys.schema == TEXTS, f"not keys of charges: {self.keys.schema}"
        assert self.daily.schema == DAILY, f"not days of charges: {self.daily.schema}"

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Charges:
        """The charges of a flat frame, in any order."""
        assert_charges(frame)
        keys = frame.select(TEXT_KEYS).unique().sort(TEXT_KEYS)
        numbered = keys.with_row_index("key")
        daily = look_up(frame, numbered, on=TEXT_KEYS).select(DAILY.names())
        return cls(keys, daily.sort(DAILY.names()))

    @property
    def frame(self) -> pl.DataFrame:
        """All of it as one flat frame (SCHEMA), sorted by KEYS; made anew each time, and large."""
        texts = self.keys[self.daily["key"]]
        return texts.hstack(self.daily.drop("key")).select(SCHEMA.names()).sort(KEYS)

    def by_currency(self) -> dict[str, Charges]:
        """The charges of each currency; the first is the bill's (see `currencies`)."""
        found = currencies(self.keys, self.daily["key"])
        return {found[0]: self} if len(found) == 1 else {each: self._in(each) for each in found}

    def _in(self, currency: str) -> Charges:
        is_in = self.keys["currency"] == currency
        daily = self.daily.filter(is_in.gather(self.daily["key"]))
        number = is_in.cum_sum().cast(pl.UInt32) - 1
        return Charges(
            self.keys.filter(is_in), daily.with_columns(number.gather(daily["key"]).alias("key"))
        )


def currencies(keys: pl.DataFrame, key: pl.Series) -> list[str]:
    """The currencies of charges (`key` is a row of `keys` for each), the bill's own first.

    That is the one in which AWS itself charges most often. What is on the Marketplace, whose
    sellers choose theirs, counts only where AWS charges nothing, or in two as often; then it is USD
    before others by name. A blank is the bill's only where there is no other.
    """
    # What AWS sells, a payer is charged in one currency: USD by default (Data Exports dictionary,
    # "Line item columns"), or CNY in China (Amazon Web Services in China, "Billing and Payment").
    # Amounts of two cannot be compared, so charges are counted:
    # `tests/unit/invoices/test_currencies.py::test_the_bills_currency_is_the_one_aws_charges_in`.
    found: list[str] = keys["currency"].unique().to_list()
    if len(found) < 2:
        return found or ["USD"]
    whose = keys.select("currency", (pl.col("billing_entity") != MARKETPLACE).alias("is_aws"))
    counted = whose[key].group_by("currency").agg(pl.col("is_aws").sum(), pl.len().alias("all"))
    ranked = counted.sort(
        pl.col("currency") == "",
        pl.col("is_aws").cast(pl.Int64).neg(),
        pl.col("all").cast(pl.Int64).neg(),
        pl.col("currency") != "USD",
        "currency",
    )
    return ranked["currency"].to_list()


def with_line_types(charges: Charges, kinds: Mapping[str, str]) -> Charges:
    """The charges of line item types that we do not know as of the kinds that a person gave them.

    The type of an unknown charge is its `description_key`, and stays it.
    """
    is_mapped = (pl.col("kind") == Kind.UNKNOWN.value) & pl.col("description_key").is_in([*kinds])
    kind = pl.col("description_key").replace_strict(dict(kinds), default="", return_dtype=pl.String)
    if not kinds or not charges.keys.select(is_mapped.any()).item():
        return charges
    named = charges.keys.with_columns(pl.when(is_mapped).then(kind).otherwise("kind").alias("kind"))
    return _with_keys(charges, named)


def with_undated_usage(charges: Charges, first_day: date) -> Charges:
    """Charges whose rows' ends nobody knows: usage that is all of one day may be of any.

    An export by the month dates all usage its first day; one by the hour or day does not.
    """
    is_usage = pl.col("kind").is_in([str(kind) for kind in (*METERED, *COVERED)])
    of_usage = charges.keys.select(is_usage).to_series().gather(charges.daily["key"])
    if (charges.daily["service_day"].filter(of_usage) != first_day).any():
        return charges
    last_day = pl.when(is_usage).then(pl.lit(UNDATED)).otherwise("last_day").alias("last_day")
    return _with_keys(charges, charges.keys.with_columns(last_day))


def with_undated_rates(charges: Charges, first_day: date) -> Charges:
    """Charges whose rows' ends nobody knows: a tax or discount that an account has of the first
    day only is one row for its month; where it has more days, each is of its day.
    """
    later = charges.daily.filter(pl.col("service_day") != first_day)["key"].unique()
    of = ("account_id", "kind")
    dated = charges.keys[later].select(of).unique().with_columns(pl.lit(1).alias("is_dated"))
    is_rate = pl.col("kind").is_in([str(kind) for kind in (Kind.TAX, *DISCOUNTS)])
    is_undated = is_rate & pl.col("is_dated").is_null() & (pl.col("last_day") == "")
    found = look_up(charges.keys, dated, on=of).select(is_undated).to_series()
    if not found.any():
        return charges
    last_day = pl.when(found).then(pl.lit(UNDATED)).otherwise("last_day").alias("last_day")
    return _with_keys(charges, charges.keys.with_columns(last_day))


def _with_keys(charges: Charges, keys: pl.DataFrame) -> Charges:
    """Row n of `keys` in the place of key n."""
    daily = charges.daily
    return Charges.of(keys[daily["key"]].hstack(daily.drop("key")).select(SCHEMA.names()))


def assert_charges(frame: pl.DataFrame | pl.LazyFrame) -> None:
    """Every stage calls this at both ends: the schema is a promise, not a hope."""
    schema = frame.collect_schema()
    assert schema == SCHEMA, f"not a frame of charges: {set(schema.items()) ^ set(SCHEMA.items())}"


def look_up(frame: pl.DataFrame, table: pl.DataFrame, *, on: Sequence[str]) -> pl.DataFrame:
    """Adds the table's other columns, null where it has no such key, in the frame's order.

    A left join that leaves the frame's own columns where they are: they are wide, and a join
    would copy each of them. `table` has every key once.
    """
    found = frame.select(on).join(table, on=on, how="left", nulls_equal=True, maintain_order="left")
    assert found.height == frame.height, "a row was lost or doubled"
    return frame.hstack(found.drop(on))
