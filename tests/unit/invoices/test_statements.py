"""Statements: readable lines with stable keys, each with the working that stays with us."""

from decimal import Decimal
from typing import Any

from invoices.kinds import CostBasis, Kind
from invoices.month import bill
from invoices.pricing.book import PriceBook
from invoices.statements import Statement, StatementLine, Working
from tests.support.builders import book, charge, charges, fixed, inputs, markup, owns

ACME = "011254002932"
PASS_ALL: dict[str, Any] = {
    "credits_passed_percent": Decimal(100),
    "aws_tax_passed_percent": Decimal(100),
    "cost_basis": CostBasis.NET_BILLED,
}


def statement(*rows: dict[str, Any], priced_by: PriceBook | None = None) -> Statement:
    books = [priced_by or book(**PASS_ALL)]
    (found,) = bill(charges(*rows), inputs(owns("acme", ACME), books=books)).statements
    return found


def lines(*rows: dict[str, Any], priced_by: PriceBook | None = None) -> dict[str, str]:
    """Description by key."""
    found = statement(*rows, priced_by=priced_by)
    return {line.key: line.description for line in found.lines}


def test_charges_of_an_account_and_service_are_one_line() -> None:
    rows = [
        charge(ACME, "1.25", region="eu-west-1"),
        charge(ACME, "2.50", region="us-east-1", usage_type="BoxUsage"),
        charge(ACME, "4.00", service="AmazonS3"),
    ]

    found = statement(*rows)

    assert [(line.key, line.price) for line in found.lines] == [
        ("011254002932/AmazonEC2/usage", Decimal("3.75")),
        ("011254002932/AmazonS3/usage", Decimal("4.00")),
    ]
    assert (found.cost, found.price) == (Decimal("7.75"), Decimal("7.75"))


def test_every_kind_has_its_own_words() -> None:
    kinds = [kind for kind in Kind if kind is not Kind.UNKNOWN]

    found = lines(*(charge(ACME, "1", kind) for kind in kinds))

    assert {key.removeprefix("011254002932/AmazonEC2/"): words for key, words in found.items()} == {
        "commitment_share": "Commitment benefit",
        "credit": "Credit",
        "discount_bundled": "Bundled discount",
        "discount_edp": "Enterprise discount",
        "discount_other": "Discount",
        "discount_private_rate": "Private rate discount",
        "discount_ri_volume": "Reservation volume discount",
        "discount_spp": "Solution provider discount",
        "fee": "Fee",
        "refund": "Refund",
        "ri_fee": "Reservation fees",
        "ri_upfront": "Reservation upfront fees",
        "ri_usage": "Usage covered by reservations",
        "sp_fee": "Savings plan fees",
        "sp_upfront": "Savings plan upfront fees",
        "sp_usage": "Usage covered by savings plans",
        "subscription": "Subscription",
        "tax": "AWS tax",
        "usage": "Usage",
    }


def test_covered_usage_and_its_negation_are_one_line() -> None:
    found = statement(charge(ACME, "52", Kind.SP_USAGE), charge(ACME, "-52", Kind.SP_NEGATION))

    assert [(line.description, line.price) for line in found.lines] == [
        ("Usage covered by savings plans", Decimal(0))
    ]


def test_fees_credits_and_registrations_are_named_by_their_description() -> None:
    rows = [
        charge(ACME, "29", Kind.FEE, service="AWSSupportBusiness", description_key="Support"),
        charge(ACME, "-5", Kind.CREDIT, description_key="Migration credit 2018"),
        charge(ACME, "12", service="AmazonRegistrar", description_key="Renewal of example.com"),
        charge(ACME, "1", description_key="$0.10 per Hour", seller="Amazon Web Services"),
        charge(ACME, "2", Kind.TAX, tax_type="VAT"),
    ]

    assert sorted(lines(*rows).values()) == [
        "AWS tax (VAT)",
        "Migration credit 2018",
        "Renewal of example.com",
        "Support",
        "Usage",
    ]


def test_marketplace_lines_name_the_product_and_its_seller() -> None:
    row = charge(
        ACME,
        "300",
        service="6qf2s0wdupuqb4t9cmk2fx9zd",
        billing_entity="AWS Marketplace",
        seller="Example Software Inc",
        description_key="Firewall, hourly",
    )

    assert list(lines(row).values()) == ["Firewall, hourly (sold by Example Software Inc)"]


def test_keys_are_the_same_next_month_whatever_the_amounts_and_rates() -> None:
    def keys(cost: str, rate: str, percent: str) -> list[str]:
        rows = [
            charge(ACME, cost, service="AmazonS3", usage="7"),
            charge(ACME, cost, Kind.FEE, description_key="Support"),
        ]
        return list(lines(*rows, priced_by=book(fixed(rate, service="AmazonS3"), markup(percent))))

    october, november = keys("1", "0.02", "5"), keys("77", "0.03", "6")

    assert october == november
    assert october[0].startswith("011254002932/AmazonEC2/fee-")
    assert october[1].startswith("011254002932/AmazonS3/fixed-")


def test_fixed_rates_show_quantity_unit_and_unit_price() -> None:
    rows = [
        charge(ACME, "9", usage="100.5", unit="GB", region="eu-west-1", service="AmazonS3"),
        charge(ACME, "1", usage="9.5", unit="GB", region="us-east-1", service="AmazonS3"),
        charge(ACME, "2", usage="3", unit="Requests", service="AmazonS3"),
    ]

    found = statement(*rows, priced_by=book(fixed("0.03", "S3 list less 20 %", service="*S3")))

    by_unit = {line.unit: (line.quantity, line.unit_price, line.price) for line in found.lines}
    assert by_unit == {
        "GB": (Decimal(110), Decimal("0.03"), Decimal("3.3")),
        "Requests": (Decimal(3), Decimal("0.03"), Decimal("0.09")),
    }
    assert {line.description for line in found.lines} == {"Usage at a fixed rate"}


def test_a_line_keeps_the_working_of_every_rule_that_priced_a_part_of_it() -> None:
    rules = [markup("10", "Europe", region="eu-*"), markup("5")]
    rows = [charge(ACME, "100", region="eu-west-1"), charge(ACME, "200", region="us-east-1")]

    (line,) = statement(*rows, priced_by=book(*rules)).lines

    assert (line.cost, line.price) == (Decimal(300), Decimal(320))
    assert line.workings == (
        Working("Europe", "standard-1", CostBasis.BILLED, Decimal(100), Decimal(110)),
        Working("everything: +5 %", "standard-1", CostBasis.BILLED, Decimal(200), Decimal(210)),
    )


def test_nothing_of_the_working_can_be_read_from_a_document() -> None:
    rules = [markup("7.5", "Partner margin 7.5 %"), fixed("0.5", "Half price", service="AmazonS3")]
    rows = [charge(ACME, "100"), charge(ACME, "10", service="AmazonS3", usage="4")]

    month = bill(charges(*rows), inputs(owns("acme", ACME), books=[book(*rules)]))

    (line, _) = month.drafts[0].invoice.lines
    said = " ".join(str(line) for line in month.drafts[0].invoice.lines)
    assert not {"margin", "Half", "7.5 %", "cost"} & set(said.replace("'", " ").split())
    assert line.price == Decimal("107.5")


def test_a_line_is_its_quantity_times_its_unit_price() -> None:
    rows = [charge(ACME, "0.0000000001"), charge(ACME, "5", service="AmazonS3", usage="0.3")]

    found = statement(*rows, priced_by=book(fixed("0.07", service="AmazonS3"), markup("3")))

    assert [product(line) == line.price for line in found.lines] == [True, True]


def product(line: StatementLine) -> Decimal:
    return line.quantity * line.unit_price
