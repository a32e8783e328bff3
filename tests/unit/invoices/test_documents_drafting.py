"""Drafts: exact prices in the client's currency, rounded at the line, adding up to the total."""

from decimal import Decimal
from typing import Any

import pytest

from invoices.clients import Client, ClientKey, Tax, TaxCategory
from invoices.documents.invoice import Invoice
from invoices.inputs import ExchangeRate
from invoices.money import Rounding
from invoices.month import bill
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
from tests.support.builders import OCTOBER, charge, charges, client, inputs, owns

ACME = "011254002932"


def drafted(*rows: dict[str, Any], to: Client | None = None, **other: Any) -> Invoice:
    given = inputs(owns("acme", ACME), clients=[to or client("acme")], **other)
    (draft,) = bill(charges(*rows), given).drafts
    return draft.invoice


def paid_in(currency: str, rate: str) -> dict[str, Any]:
    rates = [ExchangeRate(OCTOBER, "USD", currency, Decimal(rate), "ECB 2018-10-31")]
    return {"to": client("acme", currency=currency), "rates": rates}


def three_services(cost: str) -> list[dict[str, Any]]:
    services = ["AmazonEC2", "AmazonRDS", "AmazonS3"]
    return [charge(ACME, cost, service=service) for service in services]


def amounts(invoice: Invoice) -> list[int]:
    return [line.amount_minor for line in invoice.lines]


def test_lines_are_rounded_so_that_they_add_up_to_the_rounded_total() -> None:
    invoice = drafted(*three_services("0.335"))

    assert amounts(invoice) == [34, 34, 33]  # 1.005 is rounded to 1.01
    assert invoice.total_minor == 1_01


def test_a_seller_may_round_half_to_even() -> None:
    invoice = drafted(charge(ACME, "1.005"), rounding=Rounding.HALF_EVEN)

    assert invoice.total_minor == 1_00


def test_a_client_pays_in_euros_at_the_periods_rate() -> None:
    invoice = drafted(*three_services("100.00"), **paid_in("EUR", "0.8706"))

    assert (invoice.currency, amounts(invoice)) == ("EUR", [87_06, 87_06, 87_06])
    assert invoice.lines[0].price == Decimal("87.06")
    assert invoice.exchange is not None
    assert (invoice.exchange.from_currency, invoice.exchange.source) == ("USD", "ECB 2018-10-31")


def test_conversion_is_exact_until_the_line_is_rounded() -> None:
    invoice = drafted(charge(ACME, "33.3333333333"), **paid_in("EUR", "0.8706"))

    assert invoice.lines[0].price == Decimal("29.01999999997098")
    assert invoice.total_minor == 29_02


def test_a_yen_has_no_cents_and_a_dinar_has_a_thousand_fils() -> None:
    yen = drafted(*three_services("0.01"), **paid_in("JPY", "112.94"))
    dinar = drafted(*three_services("0.01"), **paid_in("KWD", "0.3034"))

    assert amounts(yen) == [1, 1, 1]  # 3.3882 yen
    assert amounts(dinar) == [3, 3, 3]  # 0.009102 dinar


def test_tax_is_added_on_the_subtotal() -> None:
    taxed = client("acme", tax=Tax(TaxCategory.STANDARD, rate_percent=Decimal(23)))

    invoice = drafted(*three_services("33.333"), to=taxed)

    assert (invoice.subtotal_minor, invoice.tax_minor, invoice.total_minor) == (
        100_00,
        23_00,
        123_00,
    )


def test_lines_that_cost_nothing_are_left_out_unless_there_is_no_other() -> None:
    free = charge(ACME, "0", service="AWSLambda")

    assert [line.service for line in drafted(free, charge(ACME, "1")).lines] == ["AmazonEC2"]
    assert [line.service for line in drafted(free).lines] == ["AWSLambda"]


def test_services_are_named_as_clients_know_them() -> None:
    rows = [
        charge(ACME, "1"),
        charge(ACME, "1", service="AmazonNew"),
        charge(ACME, "1", service="8vk9d2x4", billing_entity="AWS Marketplace", seller="Ltd"),
    ]
    invoice = drafted(*rows)

    assert [line.service_name for line in invoice.lines] == [
        "AWS Marketplace",
        "Amazon Elastic Compute Cloud",
        "Amazon New",
    ]


def item(key: str, what: Flat | Percentage, kind: CustomKind = CustomKind.FEE) -> CustomLineItem:
    return CustomLineItem(key, ClientKey("acme"), kind, f"Item {key}", what, OCTOBER)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [("0.5", [50_00, 9_50, -2_00, 10_00]), ("2", [200_00, 9_50, -2_00, 20_00])],
)
def test_custom_items_stand_in_the_invoices_currency(rate: str, expected: list[int]) -> None:
    items = [
        item("a", Flat(Decimal("9.50"))),
        item("b", Flat(Decimal(2)), CustomKind.CREDIT),
        item("c", Percentage(Decimal(10), PercentOf.PRICE, minimum=Decimal(10))),
    ]

    invoice = drafted(charge(ACME, "100"), custom=items, **paid_in("EUR", rate))

    assert amounts(invoice) == expected
    assert [line.key for line in invoice.lines[1:]] == ["custom/a", "custom/b", "custom/c"]
    assert invoice.lines[1].description == "Item a"


def test_a_draft_has_neither_number_nor_dates() -> None:
    invoice = drafted(charge(ACME, "1"))

    assert (invoice.number, invoice.issued_on, invoice.due_on) == ("", None, None)
