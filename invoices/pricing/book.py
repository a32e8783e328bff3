"""Owns the price book: a published, versioned set of pricing rules and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from invoices.allocation.commitments.policies import (
    NO_COMMITMENT_POLICY,
    CommitmentPolicies,
    Upfront,
)
from invoices.allocation.credits import AS_APPLIED, CreditPolicy
from invoices.allocation.support.policies import AS_CHARGED, SupportPolicy
from invoices.clients import ADDED_LATER
from invoices.kinds import DISCOUNTS, CostBasis, Kind
from invoices.matching import MATCHED, Match
from invoices.periods import BillingPeriod

PERCENT_DIGITS = 4
"""Decimal places of a percentage of a price book: 1 + percent / 100 is whole in millionths."""

RATE_DIGITS = 12
"""Decimal places of a fixed rate."""


@dataclass(frozen=True, slots=True)
class Markup:
    """Percent on top of the cost basis; negative is a discount."""

    percent: Decimal

    def __post_init__(self) -> None:
        _refuse_finer(self.percent, PERCENT_DIGITS, "a markup percent")
        if self.percent < -100:
            raise ValueError(f"a markup of {self.percent} % would pay the client: at least -100")


@dataclass(frozen=True, slots=True)
class FixedRate:
    """A price per unit of usage, in the book's currency, whatever AWS charges."""

    rate: Decimal

    def __post_init__(self) -> None:
        _refuse_finer(self.rate, RATE_DIGITS, "a fixed rate")
        if self.rate < 0:
            raise ValueError(f"a fixed rate of {self.rate} would pay the client: at least 0")


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
    currency: str = field(default="", metadata=ADDED_LATER)
    """Of its fixed rates; '' is the payer's."""
    named_discounts_passed_percent: Mapping[str, Decimal] = field(
        default_factory=dict, metadata=ADDED_LATER
    )
    """By AWS's line item type, of discounts that a person mapped; before what is said of a kind."""
    credits: CreditPolicy = field(default=AS_APPLIED, metadata=ADDED_LATER)
    """Whose they are, before what is passed of them."""
    commitments: CommitmentPolicies = field(default=NO_COMMITMENT_POLICY, metadata=ADDED_LATER)
    support: SupportPolicy = field(default=AS_CHARGED, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        for percent in (
            self.credits_passed_percent,
            self.aws_tax_passed_percent,
            *self.discounts_passed_percent.values(),
            *self.named_discounts_passed_percent.values(),
        ):
            _refuse_finer(percent, PERCENT_DIGITS, "a passed percent")
            if not 0 <= percent <= 100:
                raise ValueError(f"{percent} % cannot be passed on: write 0 to 100")
        plan = self.support.plan
        if plan is not None and not plan.is_sold_in(self.start):
            raise ValueError(
                f"{plan.name} is sold {plan.words}, and this version begins in {self.start}: write "
                "another plan"
            )
        amortizes = self.cost_basis not in (
            CostBasis.BILLED,
            CostBasis.NET_BILLED,
            CostBasis.BLENDED,
        )
        asked = {each.upfront for each in self.commitments.policies} - {None, Upfront.AMORTIZED}
        if amortizes and asked:
            raise ValueError(
                f"the cost basis {self.cost_basis} has upfront fees in what they cover: leave "
                "`upfront` out, or bill by a billed cost"
            )

    def passed_percent(self, kind: Kind) -> Decimal:
        """How much of a charge of this kind its client bears; the rest is retained."""
        match kind:
            case Kind.CREDIT:
                return self.credits_passed_percent
            case Kind.TAX:
                return self.aws_tax_passed_percent
            case _ if kind in DISCOUNTS:
                # A net cost has the discount in it already, so passing it is what a net book says:
                # `tests/unit/invoices/test_pricing.py`,
                # `test_discounts_left_out_are_passed_by_a_net_basis_only`.
                net = self.cost_basis in {CostBasis.NET_BILLED, CostBasis.NET_AMORTIZED}
                return self.discounts_passed_percent.get(kind, Decimal(100 if net else 0))
            case _:
                return Decimal(100)


def _refuse_finer(number: Decimal, digits: int, what: str) -> None:
    if not number.is_finite() or number != round(number, digits):
        raise ValueError(f"{what} has at most {digits} decimal places, not {number}")


__all__ = [
    "MATCHED",
    "CostBasis",
    "FixedRate",
    "Markup",
    "Match",
    "PriceBook",
    "PricingRule",
]
