"""Owns what an AWS line item means: which kind of charge it is, and what each cost of it is.

Legacy CUR and CUR 2.0 have the same line items under different column names, so this is said once,
over a frame whose columns bear CUR 2.0's names. Every rule depends on key columns only and every
cost is a sum of raw amounts, so it holds for sums of rows as for rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from invoices.kinds import DISCOUNTS, METERED, Kind
from jobs.ingest.dialects.sufficiency import AMORTIZED, NET, Need
from jobs.ingest.dialects.vocabulary import IS_RETURN, Vocabulary
from jobs.ingest.reduction.noticed import Watch
from jobs.record_types import KINDS

MARKETPLACE = "AWS Marketplace"

NAMED_KINDS: tuple[Kind, ...] = (
    Kind.FEE,
    Kind.SUBSCRIPTION,
    Kind.CREDIT,
    Kind.REFUND,
    Kind.TAX,
    *DISCOUNTS,
)
"""What these cost is named by nothing but the description."""

ZERO = pl.lit(0)
"""Of whatever type the amounts beside it have."""

RESERVATION = "reservation_reservation_a_r_n"
SAVINGS_PLAN = "savings_plan_savings_plan_a_r_n"

VOCABULARY = Vocabulary(
    required_keys=(
        "bill_payer_account_id",
        "bill_billing_period_start_date",
        "line_item_usage_account_id",
        "line_item_line_item_type",
        "line_item_product_code",
    ),
    optional_keys=(
        "bill_invoice_id",
        "bill_bill_type",
        "bill_billing_entity",
        "line_item_legal_entity",
        "line_item_currency_code",
        "line_item_usage_type",
        "line_item_operation",
        "line_item_tax_type",
        "line_item_line_item_description",
        "pricing_unit",
        "product_sku",
        "product_region_code",
        "product_product_name",
        RESERVATION,
        SAVINGS_PLAN,
    ),
    day="line_item_usage_start_date",
    required_amounts=("line_item_unblended_cost", "line_item_usage_amount"),
    optional_amounts=(
        "line_item_blended_cost",
        "pricing_public_on_demand_cost",
        "reservation_effective_cost",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_recurring_fee",
        "reservation_amortized_upfront_fee_for_billing_period",
        "savings_plan_savings_plan_effective_cost",
        "savings_plan_total_commitment_to_date",
        "savings_plan_used_commitment",
        "savings_plan_amortized_upfront_commitment_for_billing_period",
    ),
    # Net columns exist only while the payer has a discount. A savings plan's commitment has none:
    # what is unused of it costs the same, net or not.
    net={
        # So says AWS Data Exports' dictionary ("Savings plan columns"):
        # `tests/unit/reduction/test_reducer.py`,
        # `test_an_absent_net_cost_falls_back_to_the_plain_one`.
        "line_item_net_unblended_cost": "line_item_unblended_cost",
        "reservation_net_effective_cost": "reservation_effective_cost",
        "reservation_net_unused_amortized_upfront_fee_for_billing_period": (
            "reservation_unused_amortized_upfront_fee_for_billing_period"
        ),
        "reservation_net_unused_recurring_fee": "reservation_unused_recurring_fee",
        "savings_plan_net_savings_plan_effective_cost": "savings_plan_savings_plan_effective_cost",
    },
    payer="bill_payer_account_id",
    period="bill_billing_period_start_date",
    invoice="bill_invoice_id",
    conserved=("line_item_unblended_cost", "billed_cost"),
    quantity="line_item_usage_amount",
    currency="line_item_currency_code",
    needs=(
        Need(AMORTIZED, ("savings_plan_savings_plan_effective_cost",), (Kind.SP_USAGE,)),
        Need(AMORTIZED, ("reservation_effective_cost",), (Kind.RI_USAGE,)),
        # A reservation's upfront payment is a `Fee`, and its return a `Refund`: by the ARN alone.
        Need(AMORTIZED, (RESERVATION,), (Kind.RI_USAGE, Kind.RI_FEE, Kind.FEE, Kind.REFUND)),
        Need(
            AMORTIZED,
            (
                "reservation_unused_amortized_upfront_fee_for_billing_period",
                "reservation_unused_recurring_fee",
            ),
            (Kind.RI_FEE,),
        ),
        Need(
            AMORTIZED,
            ("savings_plan_total_commitment_to_date", "savings_plan_used_commitment"),
            (Kind.SP_FEE,),
        ),
        Need(NET, ("line_item_net_unblended_cost",)),
        Need(
            ("net_amortized",),
            ("savings_plan_net_savings_plan_effective_cost",),
            (Kind.SP_USAGE,),
        ),
        Need(("net_amortized",), ("reservation_net_effective_cost",), (Kind.RI_USAGE,)),
        Need(
            ("net_amortized",),
            (
                "reservation_net_unused_amortized_upfront_fee_for_billing_period",
                "reservation_net_unused_recurring_fee",
            ),
            (Kind.RI_FEE,),
        ),
        Need(("list",), ("pricing_public_on_demand_cost",), METERED),
        Need(("blended",), ("line_item_blended_cost",)),
    ),
    matched={
        "region": ("product_region_code",),
        "usage_type": ("line_item_usage_type",),
        "operation": ("line_item_operation",),
        "billing_entity": ("bill_billing_entity",),
    },
    # Split cost allocation repeats an instance's cost by its pods and tasks.
    # AWS's own view of its bill (CUDOS framework, `summary_view.sql`) leaves them out as well:
    # `tests/unit/reduction/test_reducer.py::test_dropped_rows_are_counted_but_not_summed`.
    drop={"line_item_operation": frozenset({"EKSPod-EC2", "ECSTask-EC2"})},
    # A line item's id is the same for each of its hours, and unique with the time (Data Exports
    # dictionary, "Identity columns"): `tests/jobs/ingest/test_once.py`.
    line="identity_line_item_id",
    end="line_item_usage_end_date",
    repeats="split_line_item_",
    # What usage that a reservation covers would have cost on demand, only this column says: it is
    # billed at 0. A savings plan's usage is billed at it.
    watch=Watch(
        amount="pricing_public_on_demand_cost",
        key="line_item_line_item_type",
        words=frozenset({"DiscountedUsage"}),
        by=RESERVATION,
    ),
    discounts="discount",
)


def keys(table: pl.DataFrame) -> pl.DataFrame:
    """Key tuples (complete) as the text keys of their charges, and IS_RETURN."""
    charges = table.with_columns(_kind().alias("kind")).select(_keys())
    return charges.with_columns(_is_return().alias(IS_RETURN))


def measures() -> Iterable[pl.Expr]:
    """The measures of sums (complete) by the keys of charges."""
    billed = pl.col("line_item_unblended_cost")
    yield pl.col("line_item_usage_amount").alias("usage")
    yield billed.alias("billed_cost")
    yield _amortized("").alias("amortized_cost")
    yield pl.col("line_item_net_unblended_cost").alias("net_billed_cost")
    yield _amortized("net_").alias("net_amortized_cost")
    # A negation repeats the public cost of what its plan covered (AWS's CID view leaves it out).
    public = pl.col("pricing_public_on_demand_cost")
    yield pl.when(_is(Kind.SP_NEGATION)).then(ZERO).otherwise(public).alias("list_cost")
    yield pl.col("line_item_blended_cost").alias("blended_cost")
    sp_part = pl.col("savings_plan_amortized_upfront_commitment_for_billing_period")
    ri_part = pl.col("reservation_amortized_upfront_fee_for_billing_period")
    # What this month consumed of an upfront payment is amortised now and was paid earlier, so it is
    # taken off again; AWS's view has the same column (CUDOS framework, `summary_view.sql`).
    trueup = pl.when(_is(Kind.SP_FEE)).then(-sp_part).when(_is(Kind.RI_FEE)).then(-ri_part)
    yield trueup.otherwise(ZERO).alias("trueup")
    cash_only = _is(Kind.SP_UPFRONT, Kind.RI_UPFRONT) | pl.col(IS_RETURN)
    yield pl.when(cash_only).then(billed).otherwise(ZERO).alias("upfront")


def _kind() -> pl.Expr:
    line_type = pl.col("line_item_line_item_type")
    known = line_type.replace_strict(
        {name: str(kind) for name, kind in KINDS.items()},
        default=str(Kind.UNKNOWN),
        return_dtype=pl.String,
    )
    # AWS has no line type of its own for a reservation's upfront payment; a `Fee` of support or a
    # domain names no reservation (CUDOS framework, `summary_view.sql`).
    upfront = (line_type == "Fee") & (pl.col(RESERVATION) != "")
    # The tax on what is refunded comes as a `Refund` with a type of tax: it is tax.
    taxed = (line_type == "Refund") & (pl.col("line_item_tax_type") != "")
    return (
        pl.when(upfront)
        .then(pl.lit(str(Kind.RI_UPFRONT)))
        .when(taxed)
        .then(pl.lit(str(Kind.TAX)))
        .otherwise(known)
    )


def _is(*kinds: Kind) -> pl.Expr:
    return pl.col("kind").is_in([str(kind) for kind in kinds])


def _is_return() -> pl.Expr:
    """A returned commitment gives its upfront payment back: cash, but nothing to amortize.

    A savings plan is known by its product: AWS sells them as `ComputeSavingsPlans`,
    `MachineLearningSavingsPlans`, `DatabaseSavingsPlans`, and may add others; usage that one covers
    has its ARN as well, and its refunds are no returns. A reservation is known by its ARN. What has
    no purchase in its month to return is told (`refund_taken_as_upfront`).
    """
    of_a_plan = pl.col("service").str.ends_with("SavingsPlans")
    arn = pl.col("commitment_id")
    of_a_reservation = (arn != "") & ~arn.str.contains(":savingsplan")
    return _is(Kind.REFUND) & (of_a_reservation | of_a_plan)


def _keys() -> Iterable[pl.Expr]:
    names = {
        "payer_account_id": "bill_payer_account_id",
        "account_id": "line_item_usage_account_id",
        "invoice_id": "bill_invoice_id",
        "bill_type": "bill_bill_type",
        "billing_entity": "bill_billing_entity",
        "legal_entity": "line_item_legal_entity",
        "currency": "line_item_currency_code",
        "kind": "kind",
        "service": "line_item_product_code",
        "region": "product_region_code",
        "usage_type": "line_item_usage_type",
        "operation": "line_item_operation",
        "unit": "pricing_unit",
        "sku": "product_sku",
        "tax_type": "line_item_tax_type",
        "tags": "tags",
    }
    yield from (pl.col(raw).alias(key) for key, raw in names.items())
    # Never by the usage date: AWS bills a domain's renewal in a month that its day does not lie in:
    # `tests/unit/invoices/test_allocation.py`,
    # `test_a_day_outside_the_period_counts_by_itself_where_it_had_a_client`.
    yield pl.col("bill_billing_period_start_date").str.slice(0, 7).alias("billing_period")
    reserved = pl.col(RESERVATION) != ""
    yield pl.when(reserved).then(RESERVATION).otherwise(SAVINGS_PLAN).alias("commitment_id")
    sold_by_others = pl.col("bill_billing_entity") == MARKETPLACE
    nothing = pl.lit("")
    yield (
        # On the Marketplace the legal entity is the seller, not AWS (Data Exports dictionary, "Line
        # item columns").
        pl.when(sold_by_others).then("line_item_legal_entity").otherwise(nothing).alias("seller")
    )
    product, words = "product_product_name", "line_item_line_item_description"
    yield (
        pl.when(_is(Kind.UNKNOWN))
        .then("line_item_line_item_type")
        .when(sold_by_others & (pl.col(product) != ""))
        .then(product)
        .when(sold_by_others | _is(*NAMED_KINDS))
        .then(words)
        .otherwise(nothing)
        .alias("description_key")
    )


def _amortized(net: str) -> pl.Expr:
    """The cost spread over the term; `net` is '' or 'net_': after discounts."""
    unused_upfront = pl.col(f"reservation_{net}unused_amortized_upfront_fee_for_billing_period")
    unused_recurring = pl.col(f"reservation_{net}unused_recurring_fee")
    committed = pl.col("savings_plan_total_commitment_to_date")
    used = pl.col("savings_plan_used_commitment")
    cash_only = _is(Kind.SP_UPFRONT, Kind.RI_UPFRONT) | pl.col(IS_RETURN)
    return (
        pl.when(_is(Kind.SP_USAGE))
        .then(f"savings_plan_{net}savings_plan_effective_cost")
        .when(_is(Kind.RI_USAGE))
        # Covered hours are normally billed at 0: their fee stands on the owner's RIFee, whoever
        # used them (Data Exports dictionary, "Reservation columns").
        .then(f"reservation_{net}effective_cost")
        .when(_is(Kind.RI_FEE))
        # Of the fee itself only what nobody used is left, as what was used stands on the hours.
        .then(unused_upfront + unused_recurring)
        .when(_is(Kind.SP_FEE))
        # Likewise for a savings plan (CUDOS framework, `summary_view.sql`):
        # `tests/jobs/ingest/test_dialects.py::test_every_sum_is_what_the_sandbox_knows_to_be_true`.
        .then(committed - used)
        # Covered usage is billed at its on-demand price and taken back by a negation; once the
        # effective cost stands on the usage, the negation has nothing left to take back.
        .when(_is(Kind.SP_NEGATION) | cash_only)
        .then(ZERO)
        .otherwise(f"line_item_{net}unblended_cost")
    )


__all__ = ["MARKETPLACE", "NAMED_KINDS", "VOCABULARY", "ZERO", "keys", "measures"]
