"""Owns fixed rates: a price per unit of usage, whatever AWS charges."""

from decimal import Decimal

import polars as pl

from invoices.allocation.leftover import UNITS, units
from invoices.kinds import Kind
from invoices.money import EXACT
from invoices.pricing.book import RATE_DIGITS


def rate_e12(rate: Decimal) -> int:
    """0.0116 a unit is 11,600,000,000 of 1e-12."""
    return int(rate.scaleb(RATE_DIGITS, EXACT))


def metered_e10() -> pl.Expr:
    """The units sold. A savings plan's negation repeats the usage that it cancels: none."""
    # A savings plan has a row for the usage and one, with the same usage, that takes its price
    # back: `tests/unit/invoices/test_pricing.py`,
    # `test_covered_usage_at_a_fixed_rate_is_not_sold_twice_nor_given_back`.
    negation = pl.col("kind") == Kind.SP_NEGATION.value
    return pl.when(negation).then(pl.lit(0).cast(UNITS)).otherwise(units("usage"))


def at_fixed_rate_e22(rate: pl.Expr) -> pl.Expr:
    """Usage in 1e-10 by a rate in 1e-12: the price in 1e-22, exactly, or an overflow error."""
    return metered_e10() * rate
