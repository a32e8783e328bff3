"""Owns what a tag says of an account that clients share: whose each charge with it is."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from invoices.allocation.direct import ASSIGNED_SCHEMA, ATTRIBUTION, BEARER, INTERNAL
from invoices.allocation.leftover import COST_OF
from invoices.allocation.shared_costs.groups import SharedCost, taking
from invoices.charges import MEASURES, look_up
from invoices.kinds import NO_SPEND, Kind
from invoices.matching import MATCHED
from invoices.money import EXACT, split_exact

GROUP, OWNER, VALUE = "group", "owner", "value"
ALIKE = ("account_id", "commitment_id", "service", "region", "usage_type", "operation")
"""What a negation has in common with the usage that it cancels."""


@dataclass(frozen=True, slots=True)
class TaggedSum:
    """Of one group in a month, what its tag says."""

    key: str
    is_tagged: bool
    """Whether any charge has a client's value."""
    unknown: Mapping[str, Decimal]
    """By value that is no client's, what is charged with it."""
    spent: Mapping[str, Decimal] = field(default_factory=dict)
    """By client, what it spends there by the tag, at the cost of the group's basis."""


def by_tag(
    assigned: pl.DataFrame, groups: Iterable[SharedCost]
) -> tuple[pl.DataFrame, tuple[TaggedSum, ...]]:
    """Charges of our accounts that have a client's value of the tag are that client's own.

    The rest waits to be shared, with what AWS tags never (tax, most fees). A savings plan's
    negation without the tag follows the usage that it cancels. What enters leaves.
    """
    by_key = {group.key: group for group in groups}
    tagging = [group for group in by_key.values() if group.tag]
    if not tagging:
        return assigned, ()
    accounts = sorted({account for group in tagging for account in group.accounts})
    is_ours = (pl.col(BEARER) == "") & pl.col("account_id").is_in(accounts)
    told = _told(assigned.filter(is_ours), by_key)
    follows = (
        (pl.col("kind") == Kind.SP_NEGATION.value) & (pl.col(GROUP) != "") & (pl.col(VALUE) == "")
    )
    covered = _covered(told)
    followed = [part for row in told.filter(follows).to_dicts() for part in _parts(row, covered)]
    every = pl.concat([told.filter(~follows), pl.DataFrame(followed, told.schema, orient="row")])
    is_owned = pl.col(OWNER) != ""
    words = pl.format("tag of {}: {}", GROUP, VALUE)
    owned = every.with_columns(
        pl.when(is_owned).then(OWNER).otherwise(BEARER).alias(BEARER),
        (pl.col(INTERNAL) & ~is_owned).alias(INTERNAL),
        pl.when(is_owned).then(words).otherwise(ATTRIBUTION).alias(ATTRIBUTION),
    )
    after = pl.concat([assigned.filter(~is_ours), owned.select(ASSIGNED_SCHEMA.names())])
    for measure in MEASURES:
        assert after[measure].sum() == assigned[measure].sum(), f"tags lost or invented {measure}"
    return after, tuple(_sum(every, group) for group in tagging)


def _told(ours: pl.DataFrame, by_key: Mapping[str, SharedCost]) -> pl.DataFrame:
    """With the group that takes each charge and has a tag, its value and whose that is."""
    keys = ours.select("account_id", *MATCHED, "tags").unique()
    found = []
    for key in keys.iter_rows(named=True):
        group = by_key.get(taking(key, by_key.values()))
        if group is None or not group.tag:
            found.append(("", "", ""))
            continue
        value = json.loads(key["tags"] or "{}").get(group.tag, "")
        found.append((group.key, value, group.client_of(value)))
    names = dict.fromkeys((GROUP, VALUE, OWNER), pl.String())
    table = keys.hstack(pl.DataFrame(found, names, orient="row"))
    return look_up(ours, table, on=["account_id", *MATCHED, "tags"])


def _covered(told: pl.DataFrame) -> dict[tuple[str, ...], dict[str, Decimal]]:
    """By what a negation has in common with it, the covered usage of each client, '' nobody's."""
    usage = told.filter(pl.col("kind") == Kind.SP_USAGE.value)
    sums = usage.group_by(*ALIKE, OWNER).agg(pl.col("billed_cost").sum()).sort(pl.all())
    covered = defaultdict[tuple[str, ...], dict[str, Decimal]](dict)
    for *alike, owner, cost in sums.iter_rows():
        covered[tuple(alike)][owner] = max(cost, Decimal(0))
    return covered


def _parts(
    row: Mapping[str, Any], covered: Mapping[tuple[str, ...], Mapping[str, Decimal]]
) -> list[dict[str, Any]]:
    weights = covered.get(tuple(row[name] for name in ALIKE), {})
    if not any(weights.values()):
        return [dict(row)]
    shares = {measure: split_exact(row[measure], weights) for measure in MEASURES}
    return [
        {
            **row,
            **{measure: shares[measure][owner] for measure in MEASURES},
            OWNER: owner,
            VALUE: "as the usage that it cancels" if owner else "",
        }
        for owner in weights
    ]


def _sum(every: pl.DataFrame, group: SharedCost) -> TaggedSum:
    own = every.filter(pl.col(GROUP) == group.key)
    unknown = defaultdict[str, Decimal](Decimal)
    strange = own.filter((pl.col(OWNER) == "") & (pl.col(VALUE) != ""))
    for value, cost in strange.select(VALUE, "net_billed_cost").sort(VALUE).iter_rows():
        unknown[value] = EXACT.add(unknown[value], cost)
    owned = own.filter(pl.col(OWNER) != "")
    spends = owned.filter(~pl.col("kind").is_in(sorted(NO_SPEND)))
    spent = spends.group_by(OWNER).agg(pl.col(COST_OF[group.basis.cost]).sum()).sort(OWNER)
    return TaggedSum(group.key, not owned.is_empty(), unknown, dict(spent.iter_rows()))


__all__ = ["TaggedSum", "by_tag"]
