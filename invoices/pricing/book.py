"""Owns the price book: a published, versioned set of pricing rules and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from invoices.charges import Kind
from invoices.periods import BillingPeriod


class CostBasis(StrEnum):
    """Which cost of a charge a price starts from."""

    BILLED = "billed"
    AMORTIZED = "amortized"
    NET_BILLED = "net_billed"
    NET_AMORTIZED = "net_amortized"
    LIST = "list"
    BLENDED = "blended"


MATCHED: tuple[str, ...] = (
    "service",
    "region",
    "usage_type",
    "operation",
    "kind",
    "billing_entity",
)
"""The columns of a charge that a rule can match."""


@dataclass(frozen=True, slots=True)
class Match:
    """Globs (`*`, `?`, case-sensitive) by column; a column left out matches everything."""

    service: str = "*"
    region: str = "*"
    usage_type: str = "*"
    operation: str = "*"
    kind: str = "*"
    billing_entity: str = "*"


@dataclass(frozen=True, slots=True)
class Markup:
    """Percent on top of the cost basis; negative is a discount."""

    percent: Decimal


@dataclass(frozen=True, slots=True)
class FixedRate:
    """A price per unit of usage, in the payer's currency, whatever AWS charges."""

    rate: Decimal


@dataclass(frozen=True, slots=True)
class PricingRule:
    """The most specific matching rule prices a charge; of equally specific ones, the first."""

    match: Match
    effect: Markup | FixedRate
    label: str = ""


@dataclass(frozen=True, slots=True)
class PriceBook:
    """One version of a price book, in effect from a billing period on.

    A charge that no rule matches is priced at its cost. Percentages passed: 0 retains the whole
    charge with us, 100 passes it to the client.
    """

    key: str
    version: str
    """Content id: the same rules have the same version."""
    start: BillingPeriod
    cost_basis: CostBasis
    rules: tuple[PricingRule, ...] = ()
    credits_passed_percent: Decimal = Decimal(0)
    aws_tax_passed_percent: Decimal = Decimal(0)
    discounts_passed_percent: Mapping[Kind, Decimal] = field(default_factory=dict)
    """By discount kind; a kind left out is retained, or passed when the basis is a net one."""
