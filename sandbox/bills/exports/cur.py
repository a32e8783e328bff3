"""Owns the columns of the Cost and Usage Report, legacy and 2.0, that the sandbox fills."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from sandbox.bills.bill import Bill, BillStage
from sandbox.bills.exports.columns import (
    Amount,
    Column,
    DiscountMap,
    Instant,
    IntervalColumn,
    Pairing,
    Pairs,
    Text,
)
from sandbox.bills.lines import DISCOUNTS, Interval, LineKind, Template
from sandbox.bills.truth import Discounts

Named: TypeAlias = tuple[str, Column]
"""A column and its legacy name; its own name is that of CUR 2.0 and of the Athena table."""

RI_USAGE, RI_FEE = frozenset({LineKind.RI_USAGE}), frozenset({LineKind.RI_FEE})
SP_USAGE, SP_FEE = frozenset({LineKind.SP_USAGE}), frozenset({LineKind.SP_FEE})
NOT_DISCOUNTS = frozenset(LineKind) - frozenset(DISCOUNTS)

MAP_KEYS = {
    LineKind.DISCOUNT_EDP: "edp_discount",
    LineKind.DISCOUNT_PRIVATE_RATE: "private_rate_discount",
    LineKind.DISCOUNT_BUNDLED: "bundled_discount",
    LineKind.DISCOUNT_RI_VOLUME: "ri_volume_discount",
    LineKind.DISCOUNT_SPP: "spp_discount",
    LineKind.DISCOUNT_OTHER: "discount",
}
LEGACY_DISCOUNTS = {
    LineKind.DISCOUNT_EDP: "EdpDiscount",
    LineKind.DISCOUNT_PRIVATE_RATE: "PrivateRateDiscount",
    LineKind.DISCOUNT_BUNDLED: "BundledDiscount",
    LineKind.DISCOUNT_RI_VOLUME: "RiVolumeDiscount",
    LineKind.DISCOUNT_SPP: "SppDiscount",
    LineKind.DISCOUNT_OTHER: "Discount",
}


def cur_columns(bill: Bill) -> list[Named]:
    """What both dialects have."""
    columns = [*_identity(bill), *_line_item(), *_product(), *_pricing(), *_reservation()]
    columns += _savings_plan()
    if bill.discounts == Discounts.COLUMNS:
        columns += _net()
    return columns


def cur2_columns(bill: Bill) -> list[Column]:
    """With maps, account names and split-cost columns; `discount` unless discounts are lines."""
    payer = bill.organization.payer.name
    columns = [column for _, column in cur_columns(bill)] + [
        Text("bill_payer_account_name", lambda _: payer),
        Text("line_item_usage_account_name", lambda t: t.account_name),
        Pairing("product", _product_pairs),
        Pairing("resource_tags", lambda t: tuple((f"user_{k}", v) for k, v in t.tags)),
        Pairing("tags", lambda t: tuple((f"user:{k}", v) for k, v in t.tags)),
        Pairing("cost_category", lambda _: ()),
        Text("split_line_item_parent_resource_id", lambda t: t.split_parent),
    ]
    if bill.discounts == Discounts.COLUMNS:
        columns += [
            DiscountMap("discount", MAP_KEYS),
            _amount("discount/BundledDiscount", LineKind.DISCOUNT_BUNDLED)[1],
            _amount("discount/TotalDiscount", *DISCOUNTS)[1],
        ]
    return sorted(columns, key=lambda column: column.name)


def legacy_columns(bill: Bill) -> list[Named]:
    """With a column for every tag key, product attribute and discount."""
    columns = [
        *cur_columns(bill),
        _text("product/ProductName", lambda t: t.product_name),
        _text("product/region", lambda t: t.region),
        _text("product/servicename", lambda t: t.product_name),
        _text("product/seller", lambda t: t.seller),
        _text("resourceTags/user:project", lambda t: dict(t.tags).get("project", "")),
        _text("resourceTags/user:team", lambda t: dict(t.tags).get("team", "")),
    ]
    if bill.discounts == Discounts.COLUMNS:
        columns += [_amount(f"discount/{name}", kind) for kind, name in LEGACY_DISCOUNTS.items()]
        columns.append(_amount("discount/TotalDiscount", *DISCOUNTS))
    return columns


def _product_pairs(template: Template) -> Pairs:
    pairs = {
        "product_name": template.product_name,
        "region": template.region,
        "servicename": template.product_name,
        "seller": template.seller,
    }
    return tuple((key, value) for key, value in pairs.items() if value)


def _identity(bill: Bill) -> list[Named]:
    month, payer = bill.month, bill.organization.payer
    open_month = bill.stage == BillStage.OPEN
    return [
        _text("identity/LineItemId", lambda t: t.id),
        _named("identity/TimeInterval", lambda name: IntervalColumn(name, _interval)),
        _text("bill/InvoiceId", lambda t: "" if open_month else t.invoice_id),
        _text("bill/InvoicingEntity", lambda t: t.legal_entity),
        _text("bill/BillingEntity", lambda t: t.billing_entity),
        _text("bill/BillType", lambda t: t.bill_type),
        _text("bill/PayerAccountId", lambda _: payer.id),
        _instant("bill/BillingPeriodStartDate", lambda _: month.start),
        _instant("bill/BillingPeriodEndDate", lambda _: month.end),
    ]


def _interval(interval: Interval) -> str:
    return "/".join(f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (interval.start, interval.end))


def _line_item() -> list[Named]:
    return [
        _text("lineItem/UsageAccountId", lambda t: t.account_id),
        _text("lineItem/LineItemType", lambda t: t.aws_line_type),
        _instant("lineItem/UsageStartDate", lambda i: i.start),
        _instant("lineItem/UsageEndDate", lambda i: i.end),
        _text("lineItem/ProductCode", lambda t: t.product_code),
        _text("lineItem/UsageType", lambda t: t.usage_type),
        _text("lineItem/Operation", lambda t: t.operation),
        _text("lineItem/AvailabilityZone", lambda t: t.availability_zone),
        _text("lineItem/ResourceId", lambda t: t.resource_id),
        _amount("lineItem/UsageAmount", "usage"),
        _text("lineItem/CurrencyCode", lambda _: "USD"),
        _text("lineItem/UnblendedRate", lambda t: t.rate),
        _amount("lineItem/UnblendedCost", "unblended"),
        _text("lineItem/BlendedRate", lambda t: t.blended_rate),
        _amount("lineItem/BlendedCost", "blended", only_on=NOT_DISCOUNTS),
        _text("lineItem/LineItemDescription", lambda t: t.description),
        _text("lineItem/TaxType", lambda t: t.tax_type),
        _text("lineItem/LegalEntity", lambda t: t.legal_entity),
    ]


def _product() -> list[Named]:
    return [
        _text("product/instanceType", lambda t: t.instance_type),
        _text("product/operation", lambda t: t.operation),
        _text("product/productFamily", lambda t: t.product_family),
        _text("product/regionCode", lambda t: t.region),
        _text("product/servicecode", lambda t: t.service_code),
        _text("product/sku", lambda t: t.sku),
        _text("product/usagetype", lambda t: t.usage_type),
    ]


def _pricing() -> list[Named]:
    return [
        _text("pricing/currency", lambda _: "USD"),
        _text("pricing/LeaseContractLength", lambda t: "1yr" if t.payment_option else ""),
        _text("pricing/PurchaseOption", lambda t: t.payment_option),
        _amount("pricing/publicOnDemandCost", "list"),
        _text("pricing/publicOnDemandRate", lambda t: t.list_rate),
        _text("pricing/term", lambda t: t.pricing_term),
        _text("pricing/unit", lambda t: t.unit),
    ]


def _reservation() -> list[Named]:
    group, upfront = "reservation", "UpfrontFeeForBillingPeriod"
    return [
        _text(f"{group}/ReservationARN", lambda t: t.reservation_arn),
        _amount(f"{group}/AmortizedUpfrontCostForUsage", "ri_upfront_used", only_on=RI_USAGE),
        _amount(f"{group}/Amortized{upfront}", "ri_upfront_fee", only_on=RI_FEE),
        _amount(f"{group}/EffectiveCost", "ri_upfront_used", "ri_recurring_used", only_on=RI_USAGE),
        _amount(f"{group}/RecurringFeeForUsage", "ri_recurring_used", only_on=RI_USAGE),
        _amount(f"{group}/UnusedAmortized{upfront}", "ri_upfront_unused", only_on=RI_FEE),
        _amount(f"{group}/UnusedRecurringFee", "ri_recurring_unused", only_on=RI_FEE),
    ]


def _savings_plan() -> list[Named]:
    group, period = "savingsPlan", "CommitmentForBillingPeriod"
    return [
        _text(f"{group}/SavingsPlanARN", lambda t: t.savings_plan_arn),
        _text(f"{group}/PaymentOption", lambda t: t.payment_option if t.savings_plan_arn else ""),
        _amount(f"{group}/TotalCommitmentToDate", "sp_commitment", only_on=SP_FEE),
        _amount(f"{group}/UsedCommitment", "sp_used", only_on=SP_FEE),
        _amount(f"{group}/SavingsPlanEffectiveCost", "sp_effective", only_on=SP_USAGE),
        _amount(f"{group}/AmortizedUpfront{period}", "sp_upfront_fee", only_on=SP_FEE),
        _amount(f"{group}/Recurring{period}", "sp_recurring_fee", only_on=SP_FEE),
    ]


def _net() -> list[Named]:
    """There only when discounts are columns; upfront fees and savings plans have no discount."""
    ri, plan = "reservation", "savingsPlan"
    upfront, period = "UpfrontFeeForBillingPeriod", "CommitmentForBillingPeriod"
    recurring = ("ri_recurring_used", "ri_used_discount")
    unused = ("ri_recurring_unused", "ri_unused_discount")
    return [
        _amount("lineItem/NetUnblendedCost", "unblended", *DISCOUNTS),
        _amount(f"{ri}/NetAmortizedUpfrontCostForUsage", "ri_upfront_used", only_on=RI_USAGE),
        _amount(f"{ri}/NetAmortized{upfront}", "ri_upfront_fee", only_on=RI_FEE),
        _amount(f"{ri}/NetEffectiveCost", "ri_upfront_used", *recurring, only_on=RI_USAGE),
        _amount(f"{ri}/NetRecurringFeeForUsage", *recurring, only_on=RI_USAGE),
        _amount(f"{ri}/NetUnusedAmortized{upfront}", "ri_upfront_unused", only_on=RI_FEE),
        _amount(f"{ri}/NetUnusedRecurringFee", *unused, only_on=RI_FEE),
        _amount(f"{plan}/NetSavingsPlanEffectiveCost", "sp_effective", only_on=SP_USAGE),
        _amount(f"{plan}/NetAmortizedUpfront{period}", "sp_upfront_fee", only_on=SP_FEE),
        _amount(f"{plan}/NetRecurring{period}", "sp_recurring_fee", only_on=SP_FEE),
    ]


def _text(legacy: str, of: Callable[[Template], str]) -> Named:
    return _named(legacy, lambda name: Text(name, of))


def _instant(legacy: str, of: Callable[[Interval], datetime]) -> Named:
    return _named(legacy, lambda name: Instant(name, of))


def _amount(
    legacy: str, *measures: str, only_on: frozenset[LineKind] = frozenset(LineKind)
) -> Named:
    """The sum of some measures of the line."""
    return _named(
        legacy, lambda name: Amount(name, lambda lines: lines.total_of(*measures), only_on)
    )


def _named(legacy: str, column: Callable[[str], Column]) -> Named:
    return legacy, column(snake(legacy))


def snake(legacy: str) -> str:
    """`reservation/ReservationARN` -> `reservation_reservation_a_r_n`, AWS's oddity included."""
    group, name = (re.sub(r"(?<!^)(?=[A-Z])", "_", part).lower() for part in legacy.split("/"))
    return f"{group}_{name}".replace(":", "_")
