"""Owns where a price starts, and percentages on top of it, in whole millionths."""

from decimal import Decimal

import polars as pl

from invoices.allocation.leftover import UNITS, units
from invoices.kinds import METERED, CostBasis, Kind
from invoices.money import EXACT

AT_COST_E6 = 10**6

COMMITMENTS = frozenset(
    {
        Kind.SP_NEGATION,
        Kind.RI_FEE,
        Kind.RI_UPFRONT,
        Kind.SP_FEE,
        Kind.SP_UPFRONT,
        Kind.COMMITMENT_SHARE,
    }
)
"""What a payer pays for commitments, or gets back through them: no part of a list price."""


def factor_e6(percent: Decimal) -> int:
    """7.5 percent on top are 1,075,000 millionths."""
    return AT_COST_E6 + int(percent.scaleb(4, EXACT))


def start_e16() -> pl.Expr:
    """What a markup multiplies: the cost borne or, on the basis `list`, the public price.

    Where AWS names no public price (Marketplace, fees, tax) the cost stands in. Commitments start
    from nothing: their usage is there already, at its public price.
    """
    kinds = pl.col("kind")
    listed = kinds.is_in(sorted(METERED)) & (units("list_cost") != 0)
    return (
        pl.when(pl.col("basis") != CostBasis.LIST.value)
        .then("cost_e16")
        .when(listed)
        .then(units("list_cost") * pl.col("passed_e6"))
        # On demand nobody pays for a commitment: `tests/unit/invoices/test_pricing.py`,
        # `test_the_worked_month_at_list_is_its_on_demand_equivalent`.
        .when(kinds.is_in(sorted(COMMITMENTS)))
        .then(pl.lit(0).cast(UNITS))
        .otherwise("cost_e16")
    )


def marked_up_e22(factor: pl.Expr) -> pl.Expr:
    """Cost in 1e-16 by a factor in 1e-6: the price in 1e-22, exactly, or an overflow error."""
    return start_e16() * factor
