"""Owns how a charge accrues over the days it lasts: whether a part of them has a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import polars as pl

from invoices.charges import UNDATED
from invoices.kinds import Kind
from invoices.periods import BillingPeriod


class Accrual(StrEnum):
    EVENLY = "evenly"
    """By the hour, used or not: each day has its part."""
    MONTHLY = "monthly"
    """A price for the month: its first day's, or each day's, as is agreed."""
    ONCE = "once"
    """Bought on its first day, for however long."""
    UPON = "upon"
    """A percentage of other charges of its account: each client's part is that of theirs."""
    UNEVENLY = "unevenly"
    """As something was used; which days had how much, the charge does not say."""


ACCRUALS: Mapping[Kind, Accrual] = {
    # "Billed for every clock-hour during the term" (EC2 user guide, "How Reserved Instances are
    # billed"), in one row a month: `tests/jobs/ingest/test_sample.py`,
    # `test_a_reservation_of_the_public_month_is_split_to_the_last_digit`.
    Kind.RI_FEE: Accrual.EVENLY,
    # An hourly commitment (Savings Plans user guide, "Understanding Savings Plans").
    Kind.SP_FEE: Accrual.EVENLY,
    # Upon the fees of reservations ("Reservation volume discounts"), and even as these.
    Kind.DISCOUNT_RI_VOLUME: Accrual.EVENLY,
    # Rates of a contract, a program or the law, in one row a month for what was charged in it.
    Kind.DISCOUNT_EDP: Accrual.UPON,
    Kind.DISCOUNT_SPP: Accrual.UPON,
    Kind.TAX: Accrual.UPON,
    Kind.FEE: Accrual.MONTHLY,
    Kind.SUBSCRIPTION: Accrual.MONTHLY,
    Kind.RI_UPFRONT: Accrual.ONCE,
    Kind.SP_UPFRONT: Accrual.ONCE,
}
"""Every other kind accrues unevenly: usage as it is used; credits, refunds and discounts of single
prices as what they are upon, which they do not say."""

REGISTRAR = "AmazonRegistrar"
"""Its fees are of years, whatever days their rows have."""

IN_SPANS = [str(kind) for kind in (Kind.RI_FEE, Kind.FEE, Kind.SUBSCRIPTION)]
"""Kinds that may be of more than the day they are dated, where that is all that is known."""


# Support is charged for a month, after its end (Data Exports, "View finalized reports"). Reports
# may leave the times of its rows blank: `tests/unit/invoices/test_proration.py`,
# `test_support_is_of_the_month_however_it_is_dated`.
IS_SUPPORT_FEE = (pl.col("kind") == Kind.FEE.value) & pl.col("service").str.contains("Support")


def last_day(period: BillingPeriod, *, has_ends: bool) -> pl.Expr:
    """The last day that a charge is of, null where that is the day it is dated.

    Support is of the month, though it be dated its first day only; and so are, where no row shows
    how long it lasts, subscriptions and the fees of reservations.
    """
    of_period = pl.lit(period.end - timedelta(days=1))
    said = pl.col("last_day").str.to_date("%Y-%m-%d", strict=False)
    by_month = IS_SUPPORT_FEE
    if not has_ends:
        by_month |= pl.col("kind").is_in([Kind.RI_FEE.value, Kind.SUBSCRIPTION.value])
    is_first = pl.col("service_day") == period.start
    whole = (pl.col("last_day") == UNDATED) | (by_month & is_first)
    return pl.coalesce(said, pl.when(whole).then(of_period))


def accrual(period: BillingPeriod, last_day: pl.Expr) -> pl.Expr:
    """Which Accrual a charge has that lasts until `last_day`."""
    of_kind = pl.col("kind").replace_strict(
        {str(kind): str(accrues) for kind, accrues in ACCRUALS.items()},
        default=str(Accrual.UNEVENLY),
        return_dtype=pl.String,
    )
    # What lasts beyond the month, as a contract of a year, was bought, and is no monthly fee.
    of_month = (last_day == period.end - timedelta(days=1)) & (pl.col("service") != REGISTRAR)
    monthly = pl.col("kind").is_in([Kind.FEE.value, Kind.SUBSCRIPTION.value])
    known = of_kind.is_in([str(Accrual.EVENLY), str(Accrual.UPON)]) | IS_SUPPORT_FEE
    of_whole = (pl.col("service_day") <= period.start) & (
        last_day >= period.end - timedelta(days=1)
    )
    return (
        pl.when((pl.col("last_day") == UNDATED) & ~known)
        .then(pl.lit(str(Accrual.UNEVENLY)))
        # Only of the month are all charges known that a percentage may be of.
        .when((of_kind == str(Accrual.UPON)) & ~of_whole)
        .then(pl.lit(str(Accrual.UNEVENLY)))
        .when(monthly & ~of_month)
        .then(pl.lit(str(Accrual.ONCE)))
        .otherwise(of_kind)
    )


__all__ = ["ACCRUALS", "IN_SPANS", "IS_SUPPORT_FEE", "Accrual", "accrual", "last_day"]
