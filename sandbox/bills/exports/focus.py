"""Owns the columns of AWS's FOCUS exports, 1.2 and 1.0, and which lines they leave out.

FOCUS shows discounts as columns only, bills nothing on what a savings plan covers, and has neither
negations nor split-cost lines.
"""

from __future__ import annotations

import numpy as np

from sandbox.bills.amounts import Ints
from sandbox.bills.bill import Bill, BillStage
from sandbox.bills.exports.columns import (
    Amount,
    Column,
    DiscountMap,
    Instant,
    Mask,
    Pairing,
    Text,
)
from sandbox.bills.exports.cur import MAP_KEYS
from sandbox.bills.lines import LineKind, Lines, Template
from sandbox.bills.truth import Discounts, costs_of

PURCHASES = {
    LineKind.FEE,
    LineKind.SUBSCRIPTION,
    LineKind.RI_FEE,
    LineKind.RI_UPFRONT,
    LineKind.SP_FEE,
    LineKind.SP_UPFRONT,
}
_CATEGORIES = dict.fromkeys(LineKind, "Usage") | dict.fromkeys(PURCHASES, "Purchase") | {
    LineKind.TAX: "Tax", LineKind.CREDIT: "Credit", LineKind.REFUND: "Adjustment",
}  # fmt: skip
_FREQUENCIES = dict.fromkeys(LineKind, "One-Time") | dict.fromkeys(
    (LineKind.USAGE, LineKind.RI_USAGE, LineKind.SP_USAGE), "Usage-Based"
) | dict.fromkeys(
    (LineKind.RI_FEE, LineKind.SP_FEE, LineKind.SUBSCRIPTION), "Recurring"
)  # fmt: skip
_STATUSES = dict.fromkeys((LineKind.RI_USAGE, LineKind.SP_USAGE), "Used") | dict.fromkeys(
    (LineKind.RI_FEE, LineKind.SP_FEE), "Unused"
)
_ONLY_IN_1_2 = {
    "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus",
    "CommitmentDiscountQuantity", "CommitmentDiscountUnit", "InvoiceId", "PricingCurrency",
    "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "ServiceSubcategory", "SkuMeter", "SkuPriceDetails",
    "SubAccountType",
}  # fmt: skip


def in_focus(bill: Bill) -> Mask:
    """Which templates' lines the export has."""
    return np.array([t.kind != LineKind.SP_NEGATION and not t.is_split for t in bill.templates])


def focus_1_2_columns(bill: Bill) -> list[Column]:
    return sorted(
        [*_accounts(bill), *_charge(), *_costs(bill), *_commitment(), *_service()],
        key=lambda column: column.name,
    )


def focus_1_0_columns(bill: Bill) -> list[Column]:
    """Without invoice ids, and with AWS's own usage type and cost categories."""
    columns = [c for c in focus_1_2_columns(bill) if c.name not in _ONLY_IN_1_2]
    extra: list[Column] = [
        Text("x_UsageType", lambda t: t.usage_type or None),
        Pairing("x_CostCategories", lambda _: ()),
    ]
    return sorted([*columns, *extra], key=lambda column: column.name)


def _accounts(bill: Bill) -> list[Column]:
    payer = bill.organization.payer
    open_month = bill.stage == BillStage.OPEN
    return [
        Text("BillingAccountId", lambda _: payer.id),
        Text("BillingAccountName", lambda _: payer.name),
        Text("BillingAccountType", lambda _: "Payer"),
        Text("BillingCurrency", lambda _: "USD"),
        Instant("BillingPeriodStart", lambda _: bill.month.start),
        Instant("BillingPeriodEnd", lambda _: bill.month.end),
        Text("InvoiceId", lambda t: None if open_month else t.invoice_id),
        Text("InvoiceIssuerName", lambda t: t.legal_entity),
        Text("ProviderName", lambda _: "AWS"),
        Text("PublisherName", lambda t: t.seller or "AWS"),
        Text("SubAccountId", lambda t: t.account_id),
        Text("SubAccountName", lambda t: t.account_name),
        Text("SubAccountType", lambda _: "Linked"),
    ]


def _charge() -> list[Column]:
    return [
        Text("ChargeCategory", lambda t: _CATEGORIES[t.kind]),
        Text("ChargeClass", lambda t: "Correction" if t.kind == LineKind.REFUND else None),
        Text("ChargeDescription", lambda t: t.description),
        Text("ChargeFrequency", lambda t: _FREQUENCIES[t.kind]),
        Instant("ChargePeriodStart", lambda i: i.start),
        Instant("ChargePeriodEnd", lambda i: i.end),
        Text("CapacityReservationId", lambda _: None),
        Text("CapacityReservationStatus", lambda _: None),
        Pairing("Tags", lambda t: tuple((f"user:{k}", v) for k, v in t.tags)),
        DiscountMap("x_Discounts", MAP_KEYS),
        Text("PricingCurrency", lambda _: "USD"),
    ]


def _costs(bill: Bill) -> list[Column]:
    kinds = [template.kind for template in bill.templates]
    reserved = np.array([kind == LineKind.RI_USAGE for kind in kinds])
    covered = np.array([kind == LineKind.SP_USAGE for kind in kinds])

    def billed(lines: Lines) -> Ints:
        net = costs_of(lines, kinds, Discounts.COLUMNS)["net_billed"]
        return np.where(covered[lines.template], 0, net)

    def effective(lines: Lines) -> Ints:
        return costs_of(lines, kinds, Discounts.COLUMNS)["net_amortized"]

    def contracted(lines: Lines) -> Ints:
        listed, cost = lines.measure("list"), lines.measure("unblended")
        return np.where(reserved[lines.template], listed, cost)

    def quantity(lines: Lines) -> Ints:
        return lines.measure("usage")

    return [
        Amount("BilledCost", billed),
        Amount("EffectiveCost", effective),
        Amount("ListCost", lambda lines: lines.measure("list")),
        Amount("ContractedCost", contracted),
        Amount("ConsumedQuantity", quantity, _METERED),
        Text("ConsumedUnit", lambda t: t.unit or None),
        Amount("PricingQuantity", quantity),
        Text("PricingUnit", lambda t: t.unit or None),
        Text("PricingCategory", _pricing_category),
        Amount("PricingCurrencyEffectiveCost", effective),
        *(Amount(name, quantity, only_on=frozenset()) for name in _UNIT_PRICES),
    ]


_UNIT_PRICES = (
    "ListUnitPrice",
    "ContractedUnitPrice",
    "PricingCurrencyListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
)
"""Always null, as AWS says they may be."""


_METERED = frozenset({LineKind.USAGE, LineKind.RI_USAGE, LineKind.SP_USAGE})
_COMMITTED = frozenset({LineKind.RI_USAGE, LineKind.RI_FEE, LineKind.SP_USAGE, LineKind.SP_FEE})


def _pricing_category(template: Template) -> str | None:
    if template.kind in (LineKind.RI_USAGE, LineKind.SP_USAGE):
        return "Committed"
    return "Standard" if template.kind == LineKind.USAGE else None


def _commitment() -> list[Column]:
    def either(template: Template, reservation: str, plan: str) -> str | None:
        if template.reservation_arn:
            return reservation
        return plan if template.savings_plan_arn else None

    return [
        Text("CommitmentDiscountId", lambda t: t.reservation_arn or t.savings_plan_arn or None),
        Text("CommitmentDiscountCategory", lambda t: either(t, "Usage", "Spend")),
        Text("CommitmentDiscountName", lambda _: None),
        Text("CommitmentDiscountType", lambda t: either(t, "Reserved", "Savings Plan")),
        Text("CommitmentDiscountStatus", lambda t: _STATUSES.get(t.kind)),
        Text("CommitmentDiscountUnit", lambda t: t.unit if t.kind in _COMMITTED else None),
        Amount("CommitmentDiscountQuantity", lambda lines: lines.measure("usage"), _COMMITTED),
    ]


def _service() -> list[Column]:
    return [
        Text("AvailabilityZone", lambda t: t.availability_zone or None),
        Text("RegionId", lambda t: t.region or None),
        Text("RegionName", lambda t: t.region or None),
        Text("ResourceId", lambda t: t.resource_id or None),
        Text("ResourceName", lambda _: None),
        Text("ResourceType", lambda _: None),
        Text("ServiceCategory", lambda t: "Compute" if t.instance_type else "Other"),
        Text("ServiceName", lambda t: t.product_name),
        Text("ServiceSubcategory", lambda _: "Other"),
        Text("SkuId", lambda t: t.sku or None),
        Text("SkuMeter", lambda t: t.usage_type or None),
        Text("SkuPriceId", lambda t: f"{t.sku}.JRTCKXETXF" if t.sku else None),
        Pairing(
            "SkuPriceDetails",
            lambda t: (("x_InstanceType", t.instance_type),) if t.instance_type else (),
        ),
        Text("x_Operation", lambda t: t.operation or None),
        Text("x_ServiceCode", lambda t: t.product_code),
    ]
