"""Owns the line of a pretend bill: its kind, its text (a template), its exact measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sandbox.bills.amounts import Ints


class LineKind(StrEnum):
    """What a line is, in the words of the charge summary."""

    USAGE = "usage"
    FEE = "fee"
    SUBSCRIPTION = "subscription"
    RI_USAGE = "ri_usage"
    RI_FEE = "ri_fee"
    RI_UPFRONT = "ri_upfront"
    SP_USAGE = "sp_usage"
    SP_NEGATION = "sp_negation"
    SP_FEE = "sp_fee"
    SP_UPFRONT = "sp_upfront"
    CREDIT = "credit"
    REFUND = "refund"
    TAX = "tax"
    DISCOUNT_EDP = "discount_edp"
    DISCOUNT_PRIVATE_RATE = "discount_private_rate"
    DISCOUNT_BUNDLED = "discount_bundled"
    DISCOUNT_RI_VOLUME = "discount_ri_volume"
    DISCOUNT_SPP = "discount_spp"
    DISCOUNT_OTHER = "discount_other"


LINE_TYPES: Mapping[LineKind, str] = {
    LineKind.USAGE: "Usage",
    LineKind.FEE: "Fee",
    LineKind.SUBSCRIPTION: "FlatRateSubscription",
    LineKind.RI_USAGE: "DiscountedUsage",
    LineKind.RI_FEE: "RIFee",
    LineKind.RI_UPFRONT: "Fee",
    LineKind.SP_USAGE: "SavingsPlanCoveredUsage",
    LineKind.SP_NEGATION: "SavingsPlanNegation",
    LineKind.SP_FEE: "SavingsPlanRecurringFee",
    LineKind.SP_UPFRONT: "SavingsPlanUpfrontFee",
    LineKind.CREDIT: "Credit",
    LineKind.REFUND: "Refund",
    LineKind.TAX: "Tax",
    LineKind.DISCOUNT_EDP: "EdpDiscount",
    LineKind.DISCOUNT_PRIVATE_RATE: "PrivateRateDiscount",
    LineKind.DISCOUNT_BUNDLED: "BundledDiscount",
    LineKind.DISCOUNT_RI_VOLUME: "RiVolumeDiscount",
    LineKind.DISCOUNT_SPP: "SppDiscount",
    LineKind.DISCOUNT_OTHER: "Discount",
}

DISCOUNTS: tuple[LineKind, ...] = tuple(kind for kind in LineKind if kind.startswith("discount_"))

MEASURES: tuple[str, ...] = (
    "usage",
    "unblended",
    "blended",
    "list",
    "ri_upfront_used",
    "ri_recurring_used",
    "ri_upfront_fee",
    "ri_upfront_unused",
    "ri_recurring_unused",
    "ri_used_discount",
    "ri_unused_discount",
    "sp_effective",
    "sp_commitment",
    "sp_used",
    "sp_upfront_fee",
    "sp_recurring_fee",
    *DISCOUNTS,
)
"""Whole units of 1e-10 per line. A `discount_…` is what that discount took off this line (<= 0);
`ri_…_discount` is the share of the reservation volume discount in a reservation's recurring fee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """All the text of a line. Many lines share one template and differ by interval and measures."""

    id: str
    kind: LineKind
    account_id: str
    account_name: str
    product_code: str
    product_name: str
    usage_type: str = ""
    operation: str = ""
    description: str = ""
    line_type: str = ""
    """AWS's word where it is not the kind's usual one."""
    bill_type: str = "Anniversary"
    billing_entity: str = "AWS"
    legal_entity: str = "Amazon Web Services, Inc."
    invoice_id: str = ""
    product_family: str = ""
    service_code: str = ""
    instance_type: str = ""
    region: str = ""
    availability_zone: str = ""
    resource_id: str = ""
    unit: str = ""
    sku: str = ""
    rate: str = ""
    blended_rate: str = ""
    list_rate: str = ""
    pricing_term: str = ""
    tax_type: str = ""
    seller: str = ""
    reservation_arn: str = ""
    savings_plan_arn: str = ""
    payment_option: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    split_parent: str = ""
    """The parent of a split-cost-allocation line, which repeats a cost and belongs to no sum."""

    @property
    def aws_line_type(self) -> str:
        return self.line_type or LINE_TYPES[self.kind]

    @property
    def is_split(self) -> bool:
        return self.split_parent != ""


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open, in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Single:
    """A line that stands alone: a fee, a credit, a tax."""

    template: Template
    interval: Interval
    measures: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines in columns: positions of their template and interval, and their measures.

    A measure that is not there is zero on every line.
    """

    template: NDArray[np.int32]
    interval: NDArray[np.int32]
    measures: Mapping[str, Ints] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.template)

    def measure(self, name: str) -> Ints:
        found = self.measures.get(name)
        return np.zeros(len(self), np.int64) if found is None else found

    def total_of(self, *names: str) -> Ints:
        total = np.zeros(len(self), np.int64)
        for name in names:
            if name in self.measures:
                total += self.measures[name]
        return total

    def take(self, positions: NDArray[np.int64]) -> Lines:
        return Lines(
            self.template[positions],
            self.interval[positions],
            {name: values[positions] for name, values in self.measures.items()},
        )
