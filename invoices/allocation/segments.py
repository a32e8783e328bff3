"""Owns date segments: days summed where they make no difference to who bears a charge."""

from __future__ import annotations

from collections.abc import Collection, Set

import polars as pl

from invoices.allocation.accrual import IN_SPANS
from invoices.allocation.direct import (
    BEARER,
    INTERNAL,
    IS_NEAREST,
    OF_ITS_DAY,
    bearers,
    is_of_its_day,
)
from invoices.charges import KEYS, MEASURES, SCHEMA, Charges, assert_charges, look_up
from invoices.clients import AccountId, Roster
from invoices.kinds import Kind
from invoices.periods import BillingPeriod


def by_segment(
    charges: Charges,
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: Set[AccountId],
    by_day: Collection[Kind] = (),
) -> pl.DataFrame:
    """The charges of each account summed over the days on which it had one client, as a flat frame.

    The sum bears the first of these days, so `assign` gives it the same client. Days on which an
    account was nobody's stay apart: findings and workings name them. So do charges that last longer
    than a day, or are by the month: `prorate` looks at theirs. Charges without a public price stay
    apart, too: on the basis `list` their cost stands in. And so do those of the kinds `by_day`, of
    which a contract may say another thing each day. Some thirty times fewer rows.
    """
    whose = charges.keys.select(
        pl.col("account_id").cast(pl.Categorical), is_of_its_day(pl.col("kind")).alias(OF_ITS_DAY)
    )
    days = whose[charges.daily["key"]].with_columns(charges.daily["service_day"])
    firsts = _first_days(days, roster, period=period, internal_accounts=internal_accounts)
    apart = [*IN_SPANS, *map(str, by_day)]
    in_spans = charges.keys.select((pl.col("last_day") != "") | pl.col("kind").is_in(apart))
    keeps_day = in_spans.to_series().gather(charges.daily["key"])
    firsts = firsts.zip_with(~keeps_day, charges.daily["service_day"])
    summed = (
        charges.daily.lazy()
        # A sum over listed and unlisted charges has a public price, and the unlisted part would be
        # given away: `tests/unit/invoices/test_month.py`,
        # `test_on_list_basis_a_day_without_a_public_price_is_sold_at_its_cost`.
        .with_columns(firsts.alias("service_day"), (pl.col("list_cost") != 0).alias("is_listed"))
        .group_by("key", "service_day", "is_listed")
        .agg(pl.col(MEASURES).sum())
        .collect(engine="streaming")
    )
    flat = charges.keys[summed["key"]].hstack(summed.drop("key"))
    flat = flat.sort(*KEYS, "is_listed").select(SCHEMA.names())
    assert_charges(flat)
    cost = "net_billed_cost"
    assert flat[cost].sum() == charges.daily[cost].sum(), "segments lost or invented money"
    return flat


def _first_days(
    days: pl.DataFrame,
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: Set[AccountId],
) -> pl.Series:
    """Of every account, a categorical text, and day: the first day of its segment."""
    distinct = days.unique().cast({"account_id": pl.String})
    borne = bearers(distinct, roster, period=period, internal_accounts=internal_accounts)
    is_borne = ((pl.col(BEARER) != "") & ~pl.col(IS_NEAREST)) | pl.col(INTERNAL)
    first = pl.col("service_day").min().over("account_id", BEARER, OF_ITS_DAY, IS_NEAREST)
    segments = borne.select(
        pl.col("account_id").cast(pl.Categorical),
        "service_day",
        OF_ITS_DAY,
        pl.when(is_borne).then(first).otherwise("service_day").alias("first_day"),
    )
    return look_up(days, segments, on=["account_id", "service_day", OF_ITS_DAY])["first_day"]
