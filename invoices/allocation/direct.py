"""Owns direct allocation: the account a charge fell on, and whose it was on that day."""

from __future__ import annotations

from collections.abc import Set
from datetime import timedelta

import polars as pl

from invoices.charges import SCHEMA, assert_charges, look_up
from invoices.clients import AccountId, Roster
from invoices.periods import BillingPeriod

BEARER = "client"
"""The column that says who bears a charge; '' is nobody."""

INTERNAL = "internal"
"""The column that says whether an account is our own."""

ASSIGNED_SCHEMA = pl.Schema({**SCHEMA, BEARER: pl.String(), INTERNAL: pl.Boolean()})

_SPANS = pl.Schema(
    {"account_id": pl.String(), "start": pl.Date(), "end": pl.Date(), BEARER: pl.String()}
)


def assign(
    charges: pl.DataFrame,
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: Set[AccountId],
) -> pl.DataFrame:
    """Every charge with its bearer, by account and service day; the rows stay as they are.

    AWS bills some usage in a month it does not lie in (registrar renewals). Such a day counts by
    itself where the account had a client then, else as the nearest day of the period. A charge
    without a day counts as the period's first. An internal account is never a client's.
    """
    assert_charges(charges)
    days = charges.lazy().select("account_id", "service_day").unique().collect()
    borne = bearers(days, roster, period=period, internal_accounts=internal_accounts)
    assigned = look_up(charges, borne, on=["account_id", "service_day"])
    assigned = assigned.select(ASSIGNED_SCHEMA.names())
    assert assigned.schema == ASSIGNED_SCHEMA
    return assigned


def bearers(
    days: pl.DataFrame,
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: Set[AccountId],
) -> pl.DataFrame:
    """Of distinct accounts and days (`account_id`, `service_day`): BEARER and INTERNAL of each."""
    internal = pl.col("account_id").is_in(sorted(internal_accounts))
    return _clients(days, roster, period).with_columns(
        internal.alias(INTERNAL),
        pl.when(internal).then(pl.lit("")).otherwise(BEARER).alias(BEARER),
    )


def _clients(days: pl.DataFrame, roster: Roster, period: BillingPeriod) -> pl.DataFrame:
    """One row per account and day, with its client or ''."""
    spans = _spans(roster)
    last_day = period.end - timedelta(days=1)
    day = pl.col("service_day").fill_null(period.start)
    return (
        days.with_columns(day.alias("own_day"), day.clip(period.start, last_day).alias("near_day"))
        .pipe(_client_on, spans, day="own_day", client="own_client")
        .pipe(_client_on, spans, day="near_day", client="near_client")
        .select(
            "account_id",
            "service_day",
            # Within the period both days are one.
            # A domain that was renewed for a year has a day far outside the month:
            # `tests/unit/invoices/test_allocation.py`,
            # `test_a_day_outside_the_period_without_a_client_counts_as_the_nearest_day`.
            pl.coalesce("own_client", "near_client", pl.lit("")).alias(BEARER),
        )
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
