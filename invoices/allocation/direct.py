"""Owns direct allocation: the account a charge fell on, and whose it was on that day."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import polars as pl

from invoices.charges import SCHEMA, assert_charges, look_up
from invoices.clients import AccountId, Roster
from invoices.kinds import COVERED, Kind
from invoices.periods import BillingPeriod

BEARER = "client"
"""The column that says who bears a charge; '' is nobody."""

INTERNAL = "internal"
"""The column that says whether an account is our own."""

IS_NEAREST = "is_nearest"
"""The column that says whether the bearer is only whose the account was nearest in time."""

ATTRIBUTION = "attribution"
"""The column that says in words why a charge is its bearer's; '' where it had the account then."""

SHARED = "shared"
"""The column that says which group of shared costs a charge is a part of; '' where it is whole."""

ASSIGNED_SCHEMA = pl.Schema(
    {
        **SCHEMA,
        BEARER: pl.String(),
        INTERNAL: pl.Boolean(),
        IS_NEAREST: pl.Boolean(),
        ATTRIBUTION: pl.String(),
        SHARED: pl.String(),
    }
)

_SPANS = pl.Schema(
    {"account_id": pl.String(), "start": pl.Date(), "end": pl.Date(), BEARER: pl.String()}
)


OF_ITS_DAY = "of_its_day"
"""The column that says whether a charge is usage of its own day."""


@dataclass(frozen=True, slots=True)
class NearestOwner:
    """Charges of days on which their account was nobody's, and whose they are."""

    account_id: AccountId
    client: str
    first_day: date
    last_day: date
    net_billed_cost: Decimal


def assign(
    charges: pl.DataFrame,
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: Set[AccountId],
) -> pl.DataFrame:
    """Every charge with its bearer, by account and service day; the rows stay as they are.

    AWS bills some usage in a month it does not lie in (registrar renewals), and dates what it
    charges by the month at its start. Such a day counts by itself where the account had a client
    then, else as the nearest day of the period; on that day nobody's, it is whose the account was
    nearest in time. Usage of a day of the period on which it was nobody's is nobody's. An internal
    account is never a client's.
    """
    assert_charges(charges)
    marked = charges.with_columns(is_of_its_day(pl.col("kind")).alias(OF_ITS_DAY))
    days = marked.lazy().select("account_id", "service_day", OF_ITS_DAY).unique().collect()
    borne = bearers(days, roster, period=period, internal_accounts=internal_accounts)
    found = look_up(marked, borne, on=["account_id", "service_day", OF_ITS_DAY])
    whole = pl.lit("").alias(SHARED)
    assigned = found.with_columns(_attribution(), whole).select(ASSIGNED_SCHEMA.names())
    assert assigned.schema == ASSIGNED_SCHEMA
    return assigned


def is_of_its_day(kind: pl.Expr) -> pl.Expr:
    return kind.is_in([str(each) for each in (*COVERED, Kind.USAGE)])


def bearers(
    days: pl.DataFrame,
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: Set[AccountId],
) -> pl.DataFrame:
    """BEARER, INTERNAL and IS_NEAREST of each row of `days`.

    `days` are distinct: `account_id`, `service_day` and OF_ITS_DAY.
    """
    internal = pl.col("account_id").is_in(sorted(internal_accounts))
    return _clients(days, roster, period).with_columns(
        internal.alias(INTERNAL),
        pl.when(internal).then(pl.lit("")).otherwise(BEARER).alias(BEARER),
        (~internal & (pl.col(BEARER) != "") & pl.col(IS_NEAREST)).alias(IS_NEAREST),
    )


def nearest_owners(assigned: pl.DataFrame) -> tuple[NearestOwner, ...]:
    """What is somebody's whose the account was not on that day."""
    near = (
        assigned.filter(IS_NEAREST)
        .group_by("account_id", BEARER)
        .agg(
            pl.col("service_day").min().alias("first"),
            pl.col("service_day").max().alias("last"),
            pl.col("net_billed_cost").sum(),
        )
        .sort("account_id", BEARER)
    )
    return tuple(NearestOwner(AccountId(row[0]), *row[1:]) for row in near.iter_rows())


def _attribution() -> pl.Expr:
    words = "dated {}, when the account was nobody's: whose it was nearest in time"
    nearest = pl.format(words, pl.col("service_day").dt.to_string("%Y-%m-%d"))
    return pl.when(IS_NEAREST).then(nearest).otherwise(pl.lit("")).alias(ATTRIBUTION)


def _clients(days: pl.DataFrame, roster: Roster, period: BillingPeriod) -> pl.DataFrame:
    """One row per account, day and OF_ITS_DAY, with its client or ''."""
    spans = _spans(roster)
    last_day = period.end - timedelta(days=1)
    day = pl.col("service_day").fill_null(period.start)
    of_its_day = pl.col(OF_ITS_DAY) & (pl.col("own_day") == pl.col("near_day"))
    return (
        days.with_columns(day.alias("own_day"), day.clip(period.start, last_day).alias("near_day"))
        .pipe(_client_on, spans, day="own_day", client="own_client")
        .pipe(_client_on, spans, day="near_day", client="near_client")
        .pipe(_nearest_client, spans, day="near_day", client="nearest_client")
        .with_columns(
            # Within the period both days are one.
            # A domain that was renewed for a year has a day far outside the month:
            # `tests/unit/invoices/test_allocation.py`,
            # `test_a_day_outside_the_period_without_a_client_counts_as_the_nearest_day`.
            pl.coalesce("own_client", "near_client").alias("held"),
            pl.when(~of_its_day).then("nearest_client").alias("nearest_client"),
        )
        .select(
            "account_id",
            "service_day",
            OF_ITS_DAY,
            pl.coalesce("held", "nearest_client", pl.lit("")).alias(BEARER),
            pl.col("held").is_null().alias(IS_NEAREST),
        )
    )


def _nearest_client(
    days: pl.DataFrame, spans: pl.DataFrame, *, day: str, client: str
) -> pl.DataFrame:
    """Adds column `client`: whose the account was nearest to `day`, before it where both are."""
    before = spans.drop_nulls("end").select(
        "account_id", pl.col("end").alias("before"), pl.col(BEARER).alias("earlier")
    )
    after = spans.select(
        "account_id", pl.col("start").alias("after"), pl.col(BEARER).alias("later")
    )
    join = partial(
        pl.DataFrame.join_asof, by="account_id", left_on=day, coalesce=False, check_sortedness=False
    )
    found = join(days.sort(day), before.sort("before"), right_on="before")
    found = join(found, after.sort("after"), right_on="after", strategy="forward")
    # The end of a span is not in it: an account that ended on the day itself left it yesterday.
    since = (pl.col(day) - pl.col("before")).dt.total_days() + 1
    until = (pl.col("after") - pl.col(day)).dt.total_days()
    is_earlier = pl.col("later").is_null() | (since <= until)
    return found.select(
        *days.columns,
        pl.when(is_earlier & pl.col("earlier").is_not_null())
        .then("earlier")
        .otherwise("later")
        .alias(client),
    )


def _client_on(days: pl.DataFrame, spans: pl.DataFrame, *, day: str, client: str) -> pl.DataFrame:
    """Adds column `client`: whose the account was on `day`, or null."""
    found = days.sort(day).join_asof(
        spans, left_on=day, right_on="start", by="account_id", check_sortedness=False
    )
    in_span = pl.col("end").is_null() | (pl.col(day) < pl.col("end"))
    return found.with_columns(pl.when(in_span).then(BEARER).alias(client)).select(
        *days.columns, client
    )


def _spans(roster: Roster) -> pl.DataFrame:
    rows = [(a.account_id, a.span.start, a.span.end, a.client) for a in roster.assignments]
    return pl.DataFrame(rows, schema=_SPANS, orient="row").sort("start")
