"""Owns what AWS Support plans cost, and since and until when: data, each with its source."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from invoices.money import EXACT, exact_sum, plain, to_cost
from invoices.periods import BillingPeriod


@dataclass(frozen=True, slots=True)
class Tier:
    """A percentage of the part of the spend that lies between the tier before and `up_to`."""

    percent: Decimal
    up_to: Decimal | None = None
    """None: of all above."""


@dataclass(frozen=True, slots=True)
class SupportPlan:
    """What a month costs: a percentage of the spend by tiers, and at least the minimum."""

    name: str
    service: str
    """AWS's code, by which rules match."""
    minimum: Decimal
    tiers: tuple[Tier, ...]
    start: BillingPeriod | None = None
    end: BillingPeriod | None = None
    """Exclusive."""
    currency: str = ""
    """'' is the payer's."""

    def __post_init__(self) -> None:
        bounds = [each.up_to for each in self.tiers]
        if not bounds or bounds[-1] is not None or None in bounds[:-1]:
            raise ValueError("tiers end with one that has no `up_to`, and only that one has none")
        of_numbers = [each for each in bounds if each is not None]
        if any(
            later <= earlier for earlier, later in itertools.pairwise([Decimal(0), *of_numbers])
        ):
            raise ValueError("each tier's `up_to` is more than the one before")

    def is_sold_in(self, period: BillingPeriod) -> bool:
        begun = self.start is None or self.start <= period
        return begun and (self.end is None or period < self.end)

    @property
    def words(self) -> str:
        """When it is sold."""
        since = f"from {self.start} on" if self.start else ""
        until = f"until {self.end}" if self.end else ""
        return " ".join(filter(None, (since, until))) or "always"

    def fee(self, spend: Decimal, *, has_minimum: bool) -> tuple[Decimal, str]:
        """Of a month, to ten places; and how it comes about, in words."""
        parts = [
            (part, tier.percent)
            for part, tier in zip(self._parts(max(spend, Decimal(0))), self.tiers, strict=True)
            if part
        ]
        shares = [EXACT.multiply(part, percent.scaleb(-2, EXACT)) for part, percent in parts]
        fee = to_cost(exact_sum(shares))
        words = " + ".join(f"{plain(percent)} % of {plain(part)}" for part, percent in parts) or "0"
        if has_minimum and fee < self.minimum:
            return self.minimum, f"{words} is less than the minimum {plain(self.minimum)}"
        return fee, f"{words} = {plain(fee)}"

    def _parts(self, spend: Decimal) -> list[Decimal]:
        """What of the spend lies in each tier."""
        parts, below = [], Decimal(0)
        for tier in self.tiers:
            upper = spend if tier.up_to is None else min(spend, tier.up_to)
            parts.append(max(EXACT.subtract(upper, below), Decimal(0)))
            below = max(below, upper)
        return parts


def _tiers(*bounds: tuple[int | None, int]) -> tuple[Tier, ...]:
    return tuple(
        Tier(Decimal(percent), None if up_to is None else Decimal(up_to))
        for up_to, percent in bounds
    )


LEGACY_END = BillingPeriod(2027, 1)
"""AWS discontinues Developer, Business and Enterprise On-Ramp Support on 2027-01-01 (AWS Support
user guide, "About the AWS Support API", notices of end of support, read 2026-11-29)."""

NEW_START = BillingPeriod(2026, 1)
"""The plans announced on 2025-12-02 (What's New, "AWS Support transformation") are sold since; of
usage from 2026-01 on resellers' tools compute them (Alphaus Ripple, "AWS New Support Plan
Settings", help article 13511409)."""

_UP_TO_1M = _tiers((150_000, 10), (500_000, 7), (1_000_000, 5), (None, 3))

PLANS: Mapping[str, SupportPlan] = {
    # aws.amazon.com/premiumsupport/pricing, as it stood before 2025-12.
    "developer": SupportPlan(
        *("Developer Support", "AWSSupportDeveloper", Decimal(29), _tiers((None, 3))),
        end=LEGACY_END,
        currency="USD",
    ),
    "business": SupportPlan(
        *("Business Support", "AWSSupportBusiness", Decimal(100)),
        _tiers((10_000, 10), (80_000, 7), (250_000, 5), (None, 3)),
        end=LEGACY_END,
        currency="USD",
    ),
    "enterprise_on_ramp": SupportPlan(
        *("Enterprise On-Ramp Support", "AWSSupportEnterprise", Decimal(5_500), _tiers((None, 10))),
        end=LEGACY_END,
        currency="USD",
    ),
    "enterprise_legacy": SupportPlan(
        *("Enterprise Support", "AWSSupportEnterprise", Decimal(15_000), _UP_TO_1M),
        end=LEGACY_END,
        currency="USD",
    ),
    # aws.amazon.com/premiumsupport/pricing, as two public notes of 2026 have it (one compared them
    # on 2026-10-04); the page itself was not at hand. Minimum and rates of Business Support+ are in
    # Alphaus's article, too, and its minimum in the AWS Support user guide.
    "business_plus": SupportPlan(
        *("Business Support+", "AWSSupportBusinessPlus", Decimal(29)),
        _tiers((10_000, 9), (80_000, 7), (250_000, 5), (None, 3)),
        start=NEW_START,
        currency="USD",
    ),
    "enterprise": SupportPlan(
        *("Enterprise Support", "AWSSupportEnterprise", Decimal(5_000), _UP_TO_1M),
        start=NEW_START,
        currency="USD",
    ),
    "unified_operations": SupportPlan(
        *("Unified Operations", "AWSSupportUnifiedOperations", Decimal(50_000)),
        _tiers((1_000_000, 10), (5_000_000, 6), (None, 5)),
        start=NEW_START,
        currency="USD",
    ),
    # aws.amazon.com/premiumsupport/partner-led-support/pricing, read 2026-11-29.
    "partner_led": SupportPlan(
        *("Partner-Led Support", "AWSSupportPartnerLed", Decimal(7_500), _UP_TO_1M),
        currency="USD",
    ),
}
"""By the word that a contract uses. AWS changes them: a contract may state a table of its own. The
service codes of the newest are made after those before them; no export with one was at hand."""

__all__ = ["PLANS", "SupportPlan", "Tier"]
