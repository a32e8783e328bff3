"""Owns how money of a commitment leaves a charge: to clients by weights, or to the reseller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from invoices.allocation.direct import ASSIGNED_SCHEMA, ATTRIBUTION, BEARER, INTERNAL, IS_NEAREST
from invoices.charges import MEASURES
from invoices.money import EXACT, split_exact

COSTS = ("billed_cost", "amortized_cost", "net_billed_cost", "net_amortized_cost", "blended_cost")
"""Every measure that may be a client's cost, and what the payer pays."""

LEG = ("payer_account_id", "billing_period", "currency", "commitment_id", "service")
"""What a part that moves keeps of its charge."""

BENEFIT, UNUSED, TIMING = "commitment_benefit", "commitment_unused", "commitment_timing"
"""Reasons of what is retained."""

ZERO = Decimal(0)


class Recipient(NamedTuple):
    client: str
    """'' is the reseller."""
    account_id: str


RESELLER = Recipient("", "")

Weights = Mapping[Recipient, Decimal]


class RetainedSums:
    """What the reseller keeps, by reason, with the steps from what the payer pays to it."""

    def __init__(self) -> None:
        self.by_reason = defaultdict[str, Decimal](Decimal)
        self.benefits = defaultdict[str, Decimal](Decimal)
        """By commitment, what of its benefit is kept."""

    def add(self, reason: str, amounts: Mapping[str, Any], *, arn: str = "") -> None:
        steps = ("net_billed_cost", "net_amortized_cost", "amortized_cost")
        paid, net, gross = (amounts[measure] for measure in steps)
        off = (
            (TIMING, EXACT.subtract(paid, net)),
            ("discounts", EXACT.subtract(net, gross)),
            (reason, gross),
        )
        for each, amount in off:
            self.by_reason[each] = EXACT.add(self.by_reason[each], amount)
        if reason == BENEFIT:
            self.benefits[arn] = EXACT.subtract(self.benefits[arn], gross)


def shared(
    leg: Mapping[str, Any],
    weights: Weights,
    *,
    kind: str,
    words: str,
    kept: RetainedSums,
    reason: str,
) -> Iterator[dict[str, Any]]:
    """The parts of `leg` (LEG and COSTS) as charges of their clients; the reseller's is kept."""
    by_name = {f"{each.client} {each.account_id}": each for each in weights}
    basis = {name: weights[each] for name, each in by_name.items()}
    parts = {cost: split_exact(leg[cost], basis) for cost in COSTS}
    for name, recipient in by_name.items():
        costs = {cost: parts[cost][name] for cost in COSTS}
        if recipient.client == "":
            kept.add(reason, costs, arn=leg["commitment_id"])
        elif any(costs.values()):
            yield charge_of(leg, recipient, costs, kind=kind, words=words)


def charge_of(
    leg: Mapping[str, Any],
    recipient: Recipient,
    costs: Mapping[str, Decimal],
    *,
    kind: str,
    words: str,
) -> dict[str, Any]:
    blank = {name: "" for name, of in ASSIGNED_SCHEMA.items() if of == pl.String()}
    return {
        **blank,
        **dict.fromkeys(MEASURES, ZERO),
        **{name: leg[name] for name in LEG},
        **costs,
        # A day of the month; what is shared is of all of it.
        "service_day": leg["service_day"],
        "account_id": recipient.account_id,
        "billing_entity": leg.get("billing_entity", "AWS"),
        "kind": kind,
        "description_key": leg.get("description_key", leg["commitment_id"]),
        BEARER: recipient.client,
        INTERNAL: False,
        IS_NEAREST: False,
        ATTRIBUTION: words,
    }


def as_charges(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([*rows], schema=ASSIGNED_SCHEMA, orient="row")


def with_words(words: pl.Expr) -> pl.Expr:
    """The attribution, after what there is of it already."""
    before = pl.col(ATTRIBUTION)
    said = pl.when(before == "").then(words).otherwise(pl.format("{}; {}", before, words))
    return said.alias(ATTRIBUTION)


__all__ = [
    "BENEFIT",
    "COSTS",
    "LEG",
    "RESELLER",
    "TIMING",
    "UNUSED",
    "Recipient",
    "RetainedSums",
    "Weights",
    "as_charges",
    "charge_of",
    "shared",
    "with_words",
]
