"""Owns by how much each client bears of a shared cost: spend, usage, even parts or percentages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from invoices.allocation.direct import BEARER
from invoices.allocation.leftover import COST_OF
from invoices.allocation.shared_costs.groups import By, SharedCost
from invoices.allocation.shared_costs.tags import TaggedSum
from invoices.kinds import METERED, NO_SPEND
from invoices.matching import MATCHED, Match
from invoices.money import exact_sum, plain


@dataclass(frozen=True, slots=True)
class Weights:
    """Of one group in one month."""

    of: Mapping[str, Decimal]
    """Only clients that bear something: positive. Empty where nobody does."""
    units: tuple[str, ...] = ()
    """Of usage: what it is measured in. Several cannot be added up."""


def weights_of(
    assigned: pl.DataFrame, groups: Iterable[SharedCost], tagged: Iterable[TaggedSum] = ()
) -> dict[str, Weights]:
    """By group. All are of what clients bear before any of it is shared: no split changes another.

    `assigned` is in the payer's currency; what is charged in others is split alike. `tagged` is of
    the groups that have a tag.
    """
    spent = {each.key: each.spent for each in tagged}
    own = assigned.filter(pl.col(BEARER) != "")
    charged = sorted(own[BEARER].unique())
    return {group.key: _weights(own, group, charged, spent.get(group.key, {})) for group in groups}


def _weights(
    own: pl.DataFrame, group: SharedCost, charged: list[str], tagged: Mapping[str, Decimal]
) -> Weights:
    basis = group.basis
    bearing = [each for each in group.to or charged if each not in group.exempt]
    match basis.by:
        case By.PERCENT:
            return Weights({str(key): part for key, part in sorted(basis.percents.items())})
        case By.EVEN:
            return Weights({str(each): Decimal(1) for each in sorted(bearing)})
        case By.TAGGED:
            return Weights({each: n for each, n in tagged.items() if each in bearing and n > 0})
        case By.SPEND:
            spent = _taken(own.filter(~pl.col("kind").is_in(sorted(NO_SPEND))), basis.of)
            return Weights(_measured(spent, COST_OF[basis.cost], bearing))
        case By.USAGE:
            used = _taken(own.filter(pl.col("kind").is_in(sorted(METERED))), basis.of)
            units = tuple(sorted(used.filter(pl.col("usage") != 0)["unit"].unique()))
            of = _measured(used, "usage", bearing) if len(units) == 1 else {}
            return Weights(of, units)


def _measured(counted: pl.DataFrame, measure: str, bearing: list[str]) -> dict[str, Decimal]:
    """Only what is positive: who spent nothing, or got money back, bears nothing."""
    own = counted.filter(pl.col(BEARER).is_in(bearing))
    sums = own.group_by(BEARER).agg(pl.col(measure).sum()).sort(BEARER)
    return {client: amount for client, amount in sums.iter_rows() if amount > 0}


def _taken(charges: pl.DataFrame, of: Match) -> pl.DataFrame:
    """The distinct keys are few: each is tried once."""
    keys = charges.select(MATCHED).unique()
    taken = keys.filter(
        pl.Series([of.takes(key) for key in keys.iter_rows(named=True)], dtype=pl.Boolean)
    )
    return charges.join(taken, on=MATCHED, how="semi")


def words_of(group: SharedCost, weights: Weights) -> dict[str, str]:
    """Why a part is its client's. For the working only: it tells what others spend."""
    total = plain(exact_sum(weights.of.values()))
    of = " ".join(f"{column}={glob}" for column, glob in group.basis.of.said.items())
    how = f"{group.basis.by}{' of ' if of else ''}{of}"
    return {
        client: f"shared cost {group.key}, by {how}: {plain(weight)} of {total}"
        for client, weight in weights.of.items()
    }


__all__ = ["Weights", "weights_of", "words_of"]
