"""Owns the stage: charges of our own accounts, or of none, in parts of the clients that share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import chain

import polars as pl

from invoices.allocation.direct import (
    ASSIGNED_SCHEMA,
    ATTRIBUTION,
    BEARER,
    INTERNAL,
    IS_NEAREST,
    SHARED,
)
from invoices.allocation.shared_costs.bases import Weights, words_of
from invoices.allocation.shared_costs.groups import SharedCost, taking
from invoices.charges import MEASURES, MONEY, look_up
from invoices.matching import MATCHED
from invoices.money import split_exact
from invoices.periods import BillingPeriod

IS_LISTED = "is_listed"
KEPT = (
    *("payer_account_id", "account_id", "billing_period", "billing_entity", "currency", "kind"),
    *("service", "region", "usage_type", "operation", "unit", "tax_type", "seller"),
    *("description_key", SHARED),
)
"""What a part keeps of its charge: all that a price or a line hangs on. Its day it does not: what
is shared is of the month."""


@dataclass(frozen=True, slots=True)
class SharedSum:
    """What a group has to share in a month."""

    key: str
    net_billed_cost: Decimal
    is_free: bool
    """Not one of its charges costs anything."""
    is_split: bool


def share(
    assigned: pl.DataFrame,
    groups: Iterable[SharedCost],
    weights: Mapping[str, Weights],
    *,
    period: BillingPeriod,
) -> tuple[pl.DataFrame, tuple[SharedSum, ...]]:
    """Assigned charges, in parts those that groups share; and what each group has to share.

    Only what is nobody's, or on an internal account, can be shared: a client's charge is its own.
    Parts are exact to ten places, the units left over to the largest remainders. A group that
    nobody bears leaves its charges as they are; a check says so. What enters leaves.
    """
    assert assigned.schema == ASSIGNED_SCHEMA
    by_key = {group.key: group for group in groups}
    if not by_key:
        return assigned, ()
    accounts = sorted({account for group in by_key.values() for account in group.accounts})
    is_ours = (pl.col(BEARER) == "") & pl.col("account_id").is_in(accounts)
    ours = _told(assigned.filter(is_ours), by_key)
    bearable = [key for key in by_key if weights[key].of]
    is_split = pl.col(SHARED).is_in(bearable)
    parts = [
        _parts(own, by_key[own[SHARED][0]], weights[own[SHARED][0]], period)
        for own in ours.filter(is_split).sort(SHARED).partition_by(SHARED)
    ]
    whole = ours.filter(~is_split).with_columns(pl.lit("").alias(SHARED))
    after = pl.concat([assigned.filter(~is_ours), whole, *parts])
    for measure in MEASURES:
        lost = f"sharing lost or invented {measure}"
        assert after[measure].sum() == assigned[measure].sum(), lost
    return after, tuple(_sums(ours, bearable))


def _told(ours: pl.DataFrame, by_key: Mapping[str, SharedCost]) -> pl.DataFrame:
    """With the group that shares each charge, '' where none does."""
    keys = ours.select("account_id", *MATCHED).unique()
    takers = [taking(key, by_key.values()) for key in keys.iter_rows(named=True)]
    found = keys.with_columns(pl.Series("taker", takers, pl.String()))
    told = look_up(ours, found, on=["account_id", *MATCHED])
    return told.with_columns(pl.col("taker").alias(SHARED)).select(ASSIGNED_SCHEMA.names())


def _parts(
    own: pl.DataFrame, group: SharedCost, weights: Weights, period: BillingPeriod
) -> pl.DataFrame:
    """Summed over days first: there are as many parts of each charge as clients."""
    listed = (pl.col("list_cost") != 0).alias(IS_LISTED)
    of = (*KEPT, IS_LISTED)
    legs = own.with_columns(listed).group_by(of).agg(pl.col(MEASURES).sum()).sort(of)
    split = _splitter(weights)
    shares = [
        pl.Series(measure, [*chain.from_iterable(map(split, legs[measure]))], MONEY)
        for measure in MEASURES
    ]
    words = words_of(group, weights)
    clients = sorted(weights.of)
    which = pl.Series([n for n in range(legs.height) for _ in clients], dtype=pl.UInt32())
    blank = [name for name, of in ASSIGNED_SCHEMA.items() if of == pl.String() and name not in KEPT]
    return (
        legs.select(KEPT)[which]
        .with_columns(pl.lit("").alias(name) for name in blank)
        .with_columns(shares)
        .with_columns(
            pl.Series(BEARER, clients * legs.height, pl.String()),
            pl.Series(ATTRIBUTION, [words[each] for each in clients] * legs.height, pl.String()),
            pl.lit(period.start).alias("service_day"),
            pl.lit(value=False).alias(INTERNAL),
            pl.lit(value=False).alias(IS_NEAREST),
        )
        .select(ASSIGNED_SCHEMA.names())
        .filter(pl.any_horizontal(pl.col(MEASURES) != 0))
    )


def _splitter(weights: Weights) -> Callable[[Decimal], Sequence[Decimal]]:
    """Of an amount the clients' parts, in the order of their keys. Most measures of a charge are
    one amount, which is split once."""
    order = sorted(weights.of)

    @cache
    def split(amount: Decimal) -> Sequence[Decimal]:
        if not amount:
            return [amount] * len(order)
        parts = split_exact(amount, weights.of)
        return [parts[each] for each in order]

    return split


def _sums(ours: pl.DataFrame, bearable: list[str]) -> list[SharedSum]:
    is_free = pl.all_horizontal((pl.col(MEASURES) == 0).all())
    sums = (
        ours.filter(pl.col(SHARED) != "")
        .group_by(SHARED)
        .agg(pl.col("net_billed_cost").sum(), is_free.alias("free"))
    )
    return [
        SharedSum(key, cost, free, key in bearable)
        for key, cost, free in sums.sort(SHARED).iter_rows()
    ]


__all__ = ["SharedSum", "share"]
