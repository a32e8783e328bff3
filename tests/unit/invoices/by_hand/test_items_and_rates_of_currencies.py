"""Items, percentages and fixed rates where several currencies meet on one invoice."""

from __future__ import annotations

from decimal import Decimal

from invoices.clients import ClientKey
from invoices.money import plain
from invoices.month import prove
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
from tests.support.builders import (
    OCTOBER,
    book,
    charge,
    client,
    fixed,
    markup,
)
from tests.unit.invoices.test_currencies import ACME, BELL, billed, rate, sold, totals, words


def test_custom_items_are_in_the_invoices_currency_and_percentages_of_all_of_it() -> None:
    """(100 + 50 x 1.1) x 10 % = 15.5, at least 20; a flat fee of 5; 3 % of the price is 4.65."""
    fee = CustomKind.FEE
    of_cost = Percentage(Decimal(10), PercentOf.COST, Decimal(20))
    items = [
        CustomLineItem("a", ClientKey("acme"), fee, "Care", of_cost, OCTOBER),
        CustomLineItem("b", ClientKey("acme"), fee, "Seat", Flat(Decimal(5)), OCTOBER),
        CustomLineItem(
            "c", ClientKey("acme"), fee, "Desk", Percentage(Decimal(3), PercentOf.PRICE), OCTOBER
        ),
    ]
    rates = [rate("EUR", "USD", "1.1")]
    month = billed(charge(ACME, "100"), sold(ACME, "50"), custom=items, rates=rates)

    assert [plain(item.price) for item in month.drafts[0].custom] == ["20", "5", "4.65"]
    assert totals(month) == {"acme": ("USD", 184_65)}
    assert prove(month).closes


def test_a_percentage_of_cost_asks_for_the_rate_of_a_cost_that_is_sold_for_nothing() -> None:
    books = [book(markup("-100", billing_entity="AWS Marketplace"))]
    item = CustomLineItem(
        "a",
        ClientKey("acme"),
        CustomKind.FEE,
        "Care",
        Percentage(Decimal(10), PercentOf.COST),
        OCTOBER,
    )
    rows = [charge(ACME, "100"), sold(ACME, "50")]

    assert totals(billed(*rows, books=books)) == {"acme": ("USD", 100_00)}
    assert billed(*rows, books=books, custom=[item]).parked == {"acme"}
    with_rate = billed(*rows, books=books, custom=[item], rates=[rate("EUR", "USD", "1.1")])
    assert totals(with_rate) == {"acme": ("USD", 115_50)}  # 100 + (100 + 55) x 10 %


def test_a_fee_alone_needs_no_rate_and_stands_in_its_own_currency() -> None:
    fee = CustomLineItem("a", ClientKey("acme"), CustomKind.FEE, "Seat", Flat(Decimal(5)), OCTOBER)
    month = billed(charge(BELL, "20"), acme=client("acme", currency="EUR"), custom=[fee])

    assert totals(month) == {"acme": ("EUR", 5_00), "bell": ("USD", 20_00)}
    acme, _ = prove(month).to_json()["clients"]
    assert (acme["price"], acme["custom_price"], acme["rounding"]) == ("0", "5", "0")
    assert prove(month).closes


def test_a_fixed_rate_is_in_the_payers_currency_whatever_aws_charges_in() -> None:
    """10 hours at 0.30 USD, of a cost of 2 EUR = 2.20 USD; at 0.20 USD they are sold at a loss."""
    rows = [charge(ACME, "1"), charge(ACME, "2", currency="EUR", usage="10", region="eu-west-1")]
    rates = [rate("EUR", "USD", "1.1")]
    dear, cheap = (book(fixed(each, region="eu-*")) for each in ("0.30", "0.20"))

    assert totals(billed(*rows, books=[dear])) == {"acme": ("USD", 4_00)}
    assert words(billed(*rows, books=[dear], rates=rates)) == []
    assert words(billed(*rows, books=[cheap], rates=rates)) == [
        "The charges of acme are priced 0.2 USD below their cost."
    ]


def test_the_fixed_rates_of_a_book_may_be_in_another_currency_than_the_bill() -> None:
    """10 hours at 0.50 EUR and a storage of 20 USD at cost: 5 + 20 x 0.87 EUR; of a cost of 4 USD.

    Without a rate to pounds nobody can say what 5 EUR are there.
    """
    rows = [charge(ACME, "4", usage="10"), charge(ACME, "20", service="AmazonS3")]
    books = [book(fixed("0.50", service="AmazonEC2"), currency="EUR")]
    rates = [rate("USD", "EUR", "0.87"), rate("USD", "GBP", "0.75")]
    euros, pounds = (client("acme", currency=each) for each in ("EUR", "GBP"))

    paid = billed(*rows, books=books, rates=rates, acme=euros)
    assert totals(paid) == {"acme": ("EUR", 22_40)}
    assert [line.amount_minor for line in paid.drafts[0].invoice.lines] == [5_00, 17_40]
    assert [*paid.drafts[0].invoice.exchanges] == ["USD"] and prove(paid).closes
    (acme,) = prove(paid).to_json()["clients"]
    assert (acme["cost"], acme["price"]) == ("24", "20")
    assert acme["other_currencies"] == [
        {"currency": "EUR", "cost": "0", "price": "5", "margin": "5", "exchange_rate": "1"}
    ]
    assert billed(*rows, books=books, rates=rates, acme=pounds).parked == {"acme"}
    alone = billed(rows[0], books=books, acme=euros)
    assert totals(alone) == {"acme": ("EUR", 5_00)} and alone.findings == ()
