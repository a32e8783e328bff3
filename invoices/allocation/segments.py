"""Owns date segments: days summed where they make no difference to who bears a charge."""

from __future__ import annotations

from collections.abc import Set

import polars as pl

from invoices.allocation.direct import BEARER, INTERNAL, assign
from invoices.charges import KEYS, MEASURES, SCHEMA, assert_charges
from invoices.clients import AccountId, Roster
from invoices.periods import BillingPeriod


def by_segment(
    charges: pl.DataFrame,
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: Set[AccountId],
) -> pl.DataFrame:
    """The charges of each account summed over the days on which it had one client.

    The sum bears the first of these days, so `assign` gives it the same client. Days on which an
    account was nobody's stay apart: a finding names them. Charges without a public price stay
    apart, too: on the basis `list` their cost stands in. Some thirty times fewer rows.
    """
    assert_charges(charges)
    firsts = _first_days(charges, roster, period=period, internal_accounts=internal_accounts)
    summed = (
        charges.lazy()
        .with_columns(firsts.alias("service_day"), (pl.col("list_cost") != 0).alias("is_listed"))
        .group_by(*KEYS, "is_listed")
        .agg(pl.col(MEASURES).sum())
        .collect(engine="streaming")
        .sort(*KEYS, "is_listed")
        .select(SCHEMA.names())
    )
    assert_charges(summed)
    cost = "net_billed_cost"
    assert summed[cost].sum() == charges[cost].sum(), "segments lost or invented money"
    return summed


def _first_days(
    charges: pl.DataFrame,
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: Set[AccountId],
) -> pl.Series:
    """Of every charge: the first day of its segment.

    Charges of one account and day mostly stand together, so a run of them is looked up once.
    """
    on = ("account_id", "service_day")
    starts = pl.any_horizontal(pl.col(key) != pl.col(key).shift() for key in on).fill_null(
        value=True
    )
    is_start = charges.select(starts).to_series()
    assigned = assign(
        charges.filter(is_start), roster, period=period, internal_accounts=internal_accounts
    )
    is_borne = (pl.col(BEARER) != "") | pl.col(INTERNAL)
    first = pl.col("service_day").min().over("account_id", BEARER)
    firsts = assigned.select(pl.when(is_borne).then(first).otherwise("service_day")).to_series()
    return firsts.gather(is_start.cum_sum() - 1)
