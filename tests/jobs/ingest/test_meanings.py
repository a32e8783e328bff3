"""What rows mean, in each dialect: their kind, their keys and their costs, one row at a time."""

from decimal import Decimal
from types import ModuleType

import polars as pl
import pytest

from invoices.charges import MONEY
from jobs.ingest.dialects import cur2, focus, legacy, line_items
from jobs.ingest.dialects.catalogue import VOCABULARIES, Dialect
from jobs.ingest.dialects.vocabulary import IS_RETURN
from jobs.ingest.reduction.reducer import FromMap

RI = "arn:aws:ec2:us-east-1:1:reserved-instances/1"
SP = "arn:aws:savingsplans::1:savingsplan/1"


def keys_of(dialect: Dialect, meaning: ModuleType, **row: str) -> dict[str, object]:
    """The charge of one row whose other columns are ''."""
    vocabulary = VOCABULARIES[dialect]
    table = pl.DataFrame([dict.fromkeys(vocabulary.keys, "") | row])
    (found,) = meaning.keys(vocabulary.complete_keys(table)).to_dicts()
    return dict(found)


def of_focus(**row: str) -> dict[str, object]:
    return keys_of(Dialect.FOCUS, focus, **row)


def of_line(line_type: str, **row: str) -> dict[str, object]:
    return keys_of(Dialect.CUR2, line_items, line_item_line_item_type=line_type, **row)


def costs_of(meaning: ModuleType, charge: dict[str, object], **amounts: str) -> dict[str, str]:
    """The measures of one row that are not nothing; of the amounts not named, 0."""
    vocabulary = VOCABULARIES[Dialect.FOCUS if meaning is focus else Dialect.CUR2]
    known = {name: Decimal(amounts.pop(name, "0")) for name in vocabulary.amounts}
    assert not amounts
    row = pl.DataFrame(
        [{"kind": charge["kind"], IS_RETURN: charge[IS_RETURN], **known}],
        schema_overrides=dict.fromkeys(known, MONEY),
    )
    (found,) = row.select(each.cast(MONEY) for each in meaning.measures()).to_dicts()
    return {name: f"{amount.normalize():f}" for name, amount in found.items() if amount}


@pytest.mark.parametrize(
    ("category", "row", "kind"),
    [
        ("Tax", {}, "tax"),
        ("Tax", {"ChargeClass": "Correction"}, "tax"),
        ("Credit", {"ChargeClass": "Correction"}, "credit"),
        ("Usage", {"ChargeClass": "Correction"}, "refund"),
        ("Usage", {"ChargeClass": "Correction", "CommitmentDiscountId": RI}, "refund"),
        ("Adjustment", {}, "refund"),
        ("Usage", {}, "usage"),
        ("Usage", {"CommitmentDiscountStatus": "Unused"}, "usage"),
        ("Purchase", {}, "fee"),
        ("Purchase", {"ChargeFrequency": "One-Time"}, "fee"),
        ("Purchase", {"ChargeFrequency": "Recurring"}, "subscription"),
        ("Usage", {"ChargeFrequency": "Recurring"}, "usage"),
        ("Something", {}, "unknown"),
    ],
)
def test_focus_says_by_its_category_what_a_row_is(
    category: str, row: dict[str, str], kind: str
) -> None:
    assert of_focus(ChargeCategory=category, **row)["kind"] == kind


@pytest.mark.parametrize(
    ("category", "row", "of_plan", "of_reservation"),
    [
        ("Purchase", {"ChargeFrequency": "One-Time"}, "sp_upfront", "ri_upfront"),
        ("Purchase", {"ChargeFrequency": "Recurring"}, "sp_fee", "ri_fee"),
        ("Usage", {"CommitmentDiscountStatus": "Used"}, "sp_usage", "ri_usage"),
        ("Usage", {"CommitmentDiscountStatus": "Unused"}, "sp_fee", "ri_fee"),
    ],
)
def test_focus_says_by_status_and_frequency_what_a_commitment_s_row_is(
    category: str, row: dict[str, str], of_plan: str, of_reservation: str
) -> None:
    committed = {"ChargeCategory": category, "CommitmentDiscountId": "1", **row}

    assert of_focus(**committed, CommitmentDiscountCategory="Spend")["kind"] == of_plan
    assert of_focus(**committed, CommitmentDiscountCategory="Usage")["kind"] == of_reservation


def test_each_column_of_focus_has_its_place() -> None:
    row = {
        "ChargeCategory": "Purchase", "BillingAccountId": "1", "SubAccountId": "2",
        "BillingPeriodStart": "2026-10-01T00:00:00Z", "InvoiceId": "INV", "BillingCurrency": "USD",
        "InvoiceIssuerName": "AWS EMEA", "RegionId": "eu-west-1", "x_Operation": "Run",
        "PricingUnit": "Hrs", "SkuId": "SKU", "x_ServiceCode": "AmazonEC2",
        "ServiceName": "Amazon Elastic Compute Cloud", "x_UsageType": "EU-Box", "SkuMeter": "Box",
        "ChargeDescription": "A fee", "ServiceProviderName": "AWS",
    }  # fmt: skip
    expected = {
        "payer_account_id": "1", "account_id": "2", "billing_period": "2026-10",
        "invoice_id": "INV", "bill_type": "", "billing_entity": "AWS", "legal_entity": "AWS EMEA",
        "currency": "USD", "kind": "fee", "service": "AmazonEC2", "region": "eu-west-1",
        "usage_type": "EU-Box", "operation": "Run", "unit": "Hrs", "sku": "SKU",
        "commitment_id": "", "tax_type": "", "seller": "", "description_key": "A fee", "tags": "",
        IS_RETURN: False,
    }  # fmt: skip

    assert of_focus(**row) == expected
    fewer = row | {"SubAccountId": "", "x_ServiceCode": "", "x_UsageType": ""}
    assert of_focus(**fewer) == expected | {
        "account_id": "1", "service": "Amazon Elastic Compute Cloud", "usage_type": "Box",
    }  # fmt: skip


PRODUCT = "abcdefghij0123456789"


@pytest.mark.parametrize(
    ("row", "entity", "seller", "described"),
    [
        ({"PublisherName": "Datadog"}, "AWS Marketplace", "Datadog", "Monitoring"),
        ({"ServiceProviderName": "Datadog"}, "AWS Marketplace", "Datadog", "Monitoring"),
        (
            {"PublisherName": "Datadog", "ServiceProviderName": "AWS"},
            "AWS Marketplace", "Datadog", "Monitoring",
        ),
        ({"x_ServiceCode": PRODUCT}, "AWS Marketplace", "Monitoring", "Monitoring"),
        ({"x_ServiceCode": PRODUCT, "PublisherName": "AWS"}, "AWS", "", ""),
        ({"x_ServiceCode": PRODUCT[1:]}, "AWS", "", ""),
        ({"PublisherName": "Amazon Web Services"}, "AWS", "", ""),
        ({}, "AWS", "", ""),
    ],
)  # fmt: skip
def test_focus_says_who_sells(
    row: dict[str, str], entity: str, seller: str, described: str
) -> None:
    found = of_focus(ChargeCategory="Usage", ServiceName="Monitoring", **row)

    assert (found["billing_entity"], found["seller"]) == (entity, seller)
    assert found["description_key"] == described


@pytest.mark.parametrize(
    ("category", "described"),
    [("Usage", ""), ("Credit", "Words"), ("Tax", "Words"), ("Something", "Something")],
)
def test_focus_names_by_its_description_what_nothing_else_names(
    category: str, described: str
) -> None:
    found = of_focus(ChargeCategory=category, ChargeDescription="Words", ServiceName="EC2")

    assert found["description_key"] == described


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "usage",
            {"billed_cost": "10", "amortized_cost": "9", "upfront": "1"},
        ),
        ("ri_usage", {"billed_cost": "10", "amortized_cost": "7"}),
        ("sp_fee", {"billed_cost": "10", "amortized_cost": "7"}),
        ("ri_upfront", {"billed_cost": "10", "amortized_cost": "9", "upfront": "1"}),
    ],
)
def test_focus_s_costs_before_discounts_are_its_costs_and_what_they_took_off(
    kind: str, expected: dict[str, str]
) -> None:
    """8 billed after 2 off, 7 effective: 10 and 9 before; of a commitment's use, 7 is all."""
    charge = {"kind": kind, IS_RETURN: False}
    found = costs_of(
        focus, charge,
        BilledCost="8", EffectiveCost="7", discounts="-2", ListCost="12", PricingQuantity="3",
    )  # fmt: skip

    assert found == expected | {
        "usage": "3", "net_billed_cost": "8", "net_amortized_cost": "7", "list_cost": "12",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line_type", "row", "kind", "is_return"),
    [
        ("Fee", {}, "fee", False),
        ("Fee", {"reservation_reservation_a_r_n": RI}, "ri_upfront", False),
        ("Refund", {}, "refund", False),
        ("Refund", {"line_item_tax_type": "VAT"}, "tax", False),
        ("Refund", {"reservation_reservation_a_r_n": RI}, "refund", True),
        ("Refund", {"savings_plan_savings_plan_a_r_n": SP}, "refund", False),
        ("Refund", {"line_item_product_code": "ComputeSavingsPlans"}, "refund", True),
        ("Usage", {"line_item_product_code": "ComputeSavingsPlans"}, "usage", False),
        ("Brand new", {}, "unknown", False),
    ],
)
def test_a_line_s_kind_is_of_its_type_its_commitment_and_its_tax(
    line_type: str, row: dict[str, str], kind: str, is_return: bool
) -> None:
    found = of_line(line_type, **row)

    assert (found["kind"], found[IS_RETURN]) == (kind, is_return)


@pytest.mark.parametrize(
    ("line_type", "row", "seller", "described"),
    [
        ("Usage", {}, "", ""),
        ("Fee", {}, "", "Words"),
        ("Brand new", {}, "", "Brand new"),
        ("Usage", {"bill_billing_entity": "AWS Marketplace"}, "Datadog", "Words"),
        (
            "Usage",
            {"bill_billing_entity": "AWS Marketplace", "product_product_name": "Monitoring"},
            "Datadog", "Monitoring",
        ),
        ("Usage", {"product_product_name": "Monitoring"}, "", ""),
    ],
)  # fmt: skip
def test_a_line_is_named_by_what_names_it(
    line_type: str, row: dict[str, str], seller: str, described: str
) -> None:
    found = of_line(
        line_type,
        line_item_line_item_description="Words", line_item_legal_entity="Datadog", **row,
    )  # fmt: skip

    assert (found["seller"], found["description_key"]) == (seller, described)


AMOUNTS = {
    "line_item_unblended_cost": "100", "line_item_net_unblended_cost": "90",
    "line_item_usage_amount": "5", "line_item_blended_cost": "95",
    "pricing_public_on_demand_cost": "120",
    "reservation_effective_cost": "11", "reservation_net_effective_cost": "10",
    "reservation_unused_amortized_upfront_fee_for_billing_period": "3",
    "reservation_unused_recurring_fee": "4",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period": "2",
    "reservation_net_unused_recurring_fee": "1",
    "reservation_amortized_upfront_fee_for_billing_period": "6",
    "savings_plan_savings_plan_effective_cost": "21",
    "savings_plan_net_savings_plan_effective_cost": "20",
    "savings_plan_total_commitment_to_date": "50", "savings_plan_used_commitment": "38",
    "savings_plan_amortized_upfront_commitment_for_billing_period": "8",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "is_return", "expected"),
    [
        ("usage", False, {"amortized_cost": "100", "net_amortized_cost": "90"}),
        ("sp_usage", False, {"amortized_cost": "21", "net_amortized_cost": "20"}),
        ("ri_usage", False, {"amortized_cost": "11", "net_amortized_cost": "10"}),
        ("ri_fee", False, {"amortized_cost": "7", "net_amortized_cost": "3", "trueup": "-6"}),
        ("sp_fee", False, {"amortized_cost": "12", "net_amortized_cost": "12", "trueup": "-8"}),
        ("sp_negation", False, {"list_cost": ""}),
        ("ri_upfront", False, {"upfront": "100"}),
        ("sp_upfront", False, {"upfront": "100"}),
        ("refund", True, {"upfront": "100"}),
        ("refund", False, {"amortized_cost": "100", "net_amortized_cost": "90"}),
    ],
)
def test_each_kind_s_costs_are_of_its_own_columns(
    kind: str, is_return: bool, expected: dict[str, str]
) -> None:
    found = costs_of(line_items, {"kind": kind, IS_RETURN: is_return}, **AMOUNTS)

    alike = {
        "usage": "5", "billed_cost": "100", "net_billed_cost": "90", "blended_cost": "95",
        "list_cost": "120",
    }  # fmt: skip
    assert found == {name: cost for name, cost in (alike | expected).items() if cost}


def test_a_tag_is_where_its_dialect_keeps_it() -> None:
    tag = "user:CostCenter"

    assert focus.tag_entry(["Tags"], tag) == FromMap("Tags", tag)
    assert focus.tag_entry(["tags"], tag) is None
    assert cur2.tag_entry(["tags", "resource_tags"], tag) == FromMap("tags", tag)
    assert cur2.tag_entry(["resource_tags"], tag) == FromMap("resource_tags", "user_cost_center")
    assert cur2.tag_entry(["product"], tag) is None
    assert legacy.tag_name(["a", f"resourceTags/{tag}"], tag) == f"resourceTags/{tag}"
    in_athena = "resource_tags_user_cost_center"
    assert legacy.tag_name(["a", in_athena], tag) == in_athena
    assert legacy.tag_name(["a"], tag) is None


@pytest.mark.parametrize(
    ("columns", "mapped"),
    [
        ({"product"}, ["product_region_code"]),
        ({"product", "bill_billing_entity"}, ["product_product_name", "product_region_code"]),
        ({"product", "product_region_code"}, []),
        ({"bill_billing_entity"}, []),
    ],
)
def test_what_stands_in_a_map_is_read_there_where_no_column_has_it(
    columns: set[str], mapped: list[str]
) -> None:
    assert sorted(cur2.maps(columns)) == mapped
    assert set(cur2.names(columns)) == (columns - {"product"}) | set(mapped)


def test_legacy_s_older_name_of_the_region_stands_in_for_the_newer() -> None:
    assert legacy.names(["product/region"]) == {"product_region_code": "product/region"}
    both = ["product/region", "product/regionCode"]
    assert legacy.names(both) == {"product_region_code": "product/regionCode"}
