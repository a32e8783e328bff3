"""Owns FOCUS 1.0 and 1.2 as AWS exports it: which kind a row is, and what its costs are.

FOCUS states the cost after discounts; AWS's `x_Discounts` says what they were. It knows neither
blended cost nor what part of an upfront payment a period consumed (see this package's README).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from invoices.kinds import METERED, Kind
from jobs.ingest.dialects.line_items import MARKETPLACE, NAMED_KINDS, ZERO
from jobs.ingest.dialects.sufficiency import Need
from jobs.ingest.dialects.vocabulary import IS_RETURN, Vocabulary
from jobs.ingest.reduction.noticed import Watch
from jobs.ingest.reduction.reducer import FromMap

BLENDED = "of blended cost (FOCUS knows none)"
"""Is never there."""

VOCABULARY = Vocabulary(
    required_keys=(
        "BillingAccountId",
        "BillingPeriodStart",
        "SubAccountId",
        "ChargeCategory",
        "ServiceName",
    ),
    optional_keys=(
        "BillingCurrency",
        "ChargeClass",
        "ChargeDescription",
        "ChargeFrequency",
        "CommitmentDiscountCategory",
        "CommitmentDiscountId",
        "CommitmentDiscountStatus",
        "InvoiceId",
        "InvoiceIssuerName",
        "PricingUnit",
        "PublisherName",
        "RegionId",
        "ServiceProviderName",
        "SkuId",
        "SkuMeter",
        "x_Operation",
        "x_ServiceCode",
        "x_UsageType",
    ),
    day="ChargePeriodStart",
    required_amounts=("BilledCost", "EffectiveCost"),
    optional_amounts=("ListCost", "PricingQuantity", "discounts"),
    net={},
    payer="BillingAccountId",
    period="BillingPeriodStart",
    invoice="InvoiceId",
    conserved=("BilledCost", "net_billed_cost"),
    quantity="PricingQuantity",
    currency="BillingCurrency",
    end="ChargePeriodEnd",
    # AWS leaves some list costs blank (its conformance gaps, "null list prices").
    watch=Watch(
        amount="ListCost",
        key="CommitmentDiscountStatus",
        words=frozenset({"Used"}),
        by="CommitmentDiscountId",
    ),
    needs=(
        Need(("list",), ("ListCost",), METERED),
        Need(("blended",), (BLENDED,)),
    ),
    matched={
        "region": ("RegionId",),
        "usage_type": ("x_UsageType", "SkuMeter"),
        "operation": ("x_Operation",),
        "billing_entity": ("PublisherName", "ServiceProviderName", "x_ServiceCode"),
    },
)
COMMITTED = (Kind.RI_USAGE, Kind.SP_USAGE, Kind.RI_FEE, Kind.SP_FEE)

MARKETPLACE_CODE = "^[a-z0-9]{20,}$"
"""AWS's own service codes are words (`AmazonEC2`); Marketplace products have drawn ones."""

DISCOUNTS = {"discounts": FromMap("x_Discounts")}
"""The sum of a row's map of discounts, each negative."""


def names(columns: Iterable[str]) -> dict[str, str]:
    """Our name of each column we read -> its name in the reading: the same."""
    here = set(columns) | maps(columns).keys()
    return {name: name for name in VOCABULARY.named if name in here}


def maps(columns: Iterable[str]) -> dict[str, FromMap]:
    """The columns we read that stand in a map."""
    here = set(columns)
    return {name: at for name, at in DISCOUNTS.items() if at.column in here}


def tag_entry(columns: Iterable[str], tag: str) -> FromMap | None:
    """A tag key such as `user:Project`; FOCUS's `Tags` spell it so."""
    return FromMap("Tags", tag) if "Tags" in set(columns) else None


def keys(table: pl.DataFrame) -> pl.DataFrame:
    """Key tuples (complete) as the text keys of their charges, and IS_RETURN."""
    # Returns need no rule: their EffectiveCost says what is amortized.
    charges = table.with_columns(_kind().alias("kind")).select(_keys())
    return charges.with_columns(pl.lit(value=False).alias(IS_RETURN))


def measures() -> Iterable[pl.Expr]:
    """The measures of sums (complete) by the keys of charges."""
    net, effective, off = pl.col("BilledCost"), pl.col("EffectiveCost"), pl.col("discounts")
    in_use = pl.col("kind").is_in([str(kind) for kind in COMMITTED])
    yield pl.col("PricingQuantity").alias("usage")
    # BilledCost is after all discounts (FOCUS specification, "Billed Cost"), and each discount is
    # negative, so this is the cost before them.
    yield (net - off).alias("billed_cost")
    # What a discount took off a reservation stands on its fee, not where the hours were used.
    gross_effective = pl.when(in_use).then(effective).otherwise(effective - off)
    yield gross_effective.alias("amortized_cost")
    yield net.alias("net_billed_cost")
    yield effective.alias("net_amortized_cost")
    yield pl.col("ListCost").alias("list_cost")
    # FOCUS has neither:
    # `tests/jobs/ingest/test_dialects.py::test_focus_equals_cur2_but_for_what_it_cannot_carry`.
    yield ZERO.alias("blended_cost")
    yield ZERO.alias("trueup")
    # What is paid now and not amortized now: an upfront payment, whatever it is for.
    yield pl.when(in_use).then(ZERO).otherwise(net - effective).alias("upfront")


def _kind() -> pl.Expr:
    category, status = pl.col("ChargeCategory"), pl.col("CommitmentDiscountStatus")
    committed = pl.col("CommitmentDiscountId") != ""
    plan = pl.col("CommitmentDiscountCategory") == "Spend"
    once = pl.col("ChargeFrequency") == "One-Time"
    bought = category == "Purchase"
    # A commitment's unused part is a row of its own with the category Usage (FOCUS specification,
    # "Commitment Discount Status"): a fee, not usage.
    used = (category == "Usage") & committed & (status != "Unused")
    cases = (
        (category == "Tax", Kind.TAX),
        (category == "Credit", Kind.CREDIT),
        # A correction of a closed month keeps the category of what it corrects (FOCUS
        # specification, "Charge Class"), so its class is looked at first.
        ((pl.col("ChargeClass") == "Correction") | (category == "Adjustment"), Kind.REFUND),
        (bought & committed & once & plan, Kind.SP_UPFRONT),
        (bought & committed & once, Kind.RI_UPFRONT),
        (used & plan, Kind.SP_USAGE),
        (used, Kind.RI_USAGE),
        (committed & plan, Kind.SP_FEE),
        (committed, Kind.RI_FEE),
        (bought & (pl.col("ChargeFrequency") == "Recurring"), Kind.SUBSCRIPTION),
        (bought, Kind.FEE),
        (category == "Usage", Kind.USAGE),
    )
    return pl.coalesce(
        *(pl.when(condition).then(pl.lit(str(kind))) for condition, kind in cases),
        pl.lit(str(Kind.UNKNOWN)),
    )


def _keys() -> Iterable[pl.Expr]:
    names = {
        "payer_account_id": "BillingAccountId",
        "invoice_id": "InvoiceId",
        "legal_entity": "InvoiceIssuerName",
        "currency": "BillingCurrency",
        "kind": "kind",
        "region": "RegionId",
        "operation": "x_Operation",
        "unit": "PricingUnit",
        "sku": "SkuId",
        "commitment_id": "CommitmentDiscountId",
        "tags": "tags",
    }
    yield from (pl.col(raw).alias(key) for key, raw in names.items())
    yield from (pl.lit("").alias(key) for key in ("bill_type", "tax_type"))
    yield pl.col("BillingPeriodStart").str.slice(0, 7).alias("billing_period")
    yield _first("SubAccountId", "BillingAccountId").alias("account_id")
    yield _first("x_ServiceCode", "ServiceName").alias("service")
    yield _first("x_UsageType", "SkuMeter").alias("usage_type")
    # FOCUS 1.3 has no PublisherName any more, and AWS may leave it blank in 1.2 (its conformance
    # gaps): `tests/jobs/ingest/test_assumptions.py`,
    # `test_what_others_sell_is_known_whichever_column_says_so`.
    named = _first("PublisherName", "ServiceProviderName")
    is_product = (named == "") & pl.col("x_ServiceCode").str.contains(MARKETPLACE_CODE)
    sold_by_others = ~named.str.contains("^(AWS|Amazon|$)") | is_product
    nothing = pl.lit("")
    seller_is = pl.when(sold_by_others)
    yield seller_is.then(pl.lit(MARKETPLACE)).otherwise(pl.lit("AWS")).alias("billing_entity")
    seller = pl.when(is_product).then("ServiceName").otherwise(named)
    yield seller_is.then(seller).otherwise(nothing).alias("seller")
    yield (
        pl.when(pl.col("kind") == str(Kind.UNKNOWN))
        .then("ChargeCategory")
        .when(sold_by_others)
        .then("ServiceName")
        .when(pl.col("kind").is_in([str(kind) for kind in NAMED_KINDS]))
        .then("ChargeDescription")
        .otherwise(nothing)
        .alias("description_key")
    )


def _first(*columns: str) -> pl.Expr:
    """The first of these texts that is there."""
    filled = [pl.when(pl.col(column) != "").then(column) for column in columns]
    return pl.coalesce(*filled, pl.lit(""))


__all__ = ["VOCABULARY", "keys", "maps", "measures", "names", "tag_entry"]
