"""Lines and taxes of documents field by field: what is blank on them is '' and never nothing."""

from dataclasses import replace
from decimal import Decimal

from invoices.clients import AccountId, ClientKey, Tax, TaxCategory
from invoices.documents.carry_forward import (
    CarriedBalance,
    CarryForward,
    Taken,
    gets_document,
    with_balances,
)
from invoices.documents.document import from_document, to_document
from invoices.documents.drafting import converted, to_convert
from invoices.documents.invoice import CarriedFrom, Exchange, InvoiceLine, TaxLine
from invoices.documents.tax import accounting_tax, tax_line
from invoices.money import CostAndPrice, Rounding
from invoices.month import bill
from invoices.periods import BillingPeriod
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat
from invoices.statements import Statement
from tests.support.builders import OCTOBER, book, charge, charges, client, fixed, inputs, owns

ACME = "111111111111"
SEPTEMBER = BillingPeriod(2018, 9)
VAT = Tax(TaxCategory.STANDARD, Decimal("5"), note="5 %")


def test_a_line_names_its_account_and_service_and_a_custom_one_names_none() -> None:
    """730 hours at 0.10 are 73; and a fee of 950."""
    fee = CustomLineItem(
        "fee", ClientKey("acme"), CustomKind.FEE, "Managed", Flat(Decimal(950)), OCTOBER
    )
    known = replace(
        inputs(owns("acme", ACME), books=[book(fixed("0.1"))], custom=[fee]),
        account_names={AccountId(ACME): "Production"},
    )
    (draft,) = bill(charges(charge(ACME, "50", usage="730", unit="Hrs")), known).drafts

    used, custom = draft.invoice.lines
    assert used == InvoiceLine(
        key=used.key,
        account_id=ACME,
        account_name="Production",
        service="AmazonEC2",
        service_name="Amazon Elastic Compute Cloud",
        description="Usage at a fixed rate",
        quantity=Decimal(730),
        unit="Hrs",
        price=Decimal("0.1"),
        amount_minor=73_00,
    )
    assert custom == InvoiceLine(
        key="custom/fee",
        account_id="",
        account_name="",
        service="",
        service_name="",
        description="Managed",
        quantity=Decimal(1),
        unit="",
        price=Decimal(950),
        amount_minor=950_00,
    )


def test_an_account_without_a_name_has_a_blank_one() -> None:
    (draft,) = bill(charges(charge(ACME, "50")), inputs(owns("acme", ACME))).drafts

    assert draft.invoice.lines[0].account_name == ""


def test_a_carried_line_says_of_which_month_it_is_and_at_which_rate() -> None:
    """100 at 5 % less 30: 70 and 3.50."""
    owed = CarryForward(
        ClientKey("acme"), SEPTEMBER, "USD", 30_00, TaxCategory.STANDARD, Decimal(5), "5 %"
    )
    known = inputs(owns("acme", ACME), clients=[client("acme", tax=VAT)])
    (draft,) = bill(charges(charge(ACME, "100")), replace(known, balances=(owed,))).drafts

    invoice = draft.invoice
    assert invoice.lines[1] == InvoiceLine(
        key="carried/2018-09",
        account_id="",
        account_name="",
        service="",
        service_name="",
        description="Carried forward from 2018-09",
        quantity=Decimal(1),
        unit="",
        price=Decimal("-30.00"),
        amount_minor=-30_00,
        carried_from=CarriedFrom(SEPTEMBER, TaxCategory.STANDARD, Decimal(5)),
    )
    assert invoice.tax_lines == (TaxLine(TaxCategory.STANDARD, Decimal(5), 70_00, 3_50, "5 %"),)
    assert (invoice.subtotal_minor, invoice.total_minor) == (70_00, 73_50)
    assert from_document(to_document(invoice)) == invoice
    assert to_document(invoice)["lines"][1]["carried_from"] == {
        "period": "2018-09",
        "category": "standard",
        "rate_percent": "5",
    }


def test_a_balance_takes_the_whole_total_and_the_document_still_goes_out() -> None:
    """100 without tax hold 95.24 at 5 %, whose tax is 4.762: with it, all of 100."""
    owed = CarryForward(
        ClientKey("acme"), SEPTEMBER, "USD", 200_00, TaxCategory.STANDARD, Decimal(5), ""
    )
    (draft,) = bill(charges(charge(ACME, "100")), inputs(owns("acme", ACME))).drafts
    taken = with_balances(draft.invoice, [owed])

    assert (taken.carried_minor, taken.subtotal_minor, taken.total_minor) == (-95_24, 4_76, 0)
    assert gets_document(taken, zero_gets_one=False)
    waiting = with_balances(draft.invoice, [replace(owed, currency="EUR")])
    assert waiting == draft.invoice


def test_tax_is_rounded_as_the_seller_rounds() -> None:
    """5 % of half a dollar are two and a half cents, and of yen two and a half."""
    for currency in ("USD", "JPY"):
        half_even = tax_line(VAT, base_minor=50, currency=currency, rounding=Rounding.HALF_EVEN)
        up = tax_line(VAT, base_minor=50, currency=currency, rounding=Rounding.HALF_UP)
        assert half_even == TaxLine(TaxCategory.STANDARD, Decimal(5), 50, 2, "5 %")
        assert up.tax_minor == 3


def test_tax_in_the_seller_s_currency_is_of_the_tax_and_of_the_base_each_rounded_once() -> None:
    """1.05 and 0.05 of it at 0.5: 0.525 and 0.025 are 0.53 and 0.03, or 0.52 and 0.02."""
    lines = (TaxLine(TaxCategory.STANDARD, Decimal(5), 1_05, 5, "5 %"),)
    exchange = Exchange("USD", "EUR", Decimal("0.5"), "ECB")

    for rounding, base, tax in ((Rounding.HALF_UP, 53, 3), (Rounding.HALF_EVEN, 52, 2)):
        stated = accounting_tax(lines, exchange, rounding=rounding)
        assert stated.currency == "EUR" and stated.exchange == exchange
        assert [(each.base_minor, each.tax_minor) for each in stated.tax_lines] == [(base, tax)]


def test_a_carried_balance_is_told_in_the_places_of_its_currency() -> None:
    taken = (Taken(OCTOBER, "INV-1", 1_000), Taken(OCTOBER, "", 500))
    told = CarriedBalance(ClientKey("acme"), "KWD", 2_000, taken).to_json()

    assert told == {
        "client": "acme",
        "currency": "KWD",
        "net": "2.000",
        "open": "0.500",
        "taken": [
            {"period": "2018-10", "number": "INV-1", "net": "1.000"},
            {"period": "2018-10", "number": "", "net": "0.500"},
        ],
    }


def test_what_is_converted_is_what_is_priced_or_what_a_percentage_is_of() -> None:
    """Euros priced 44 and costing 40; nothing is asked of pounds that are priced at nothing."""
    lines = (
        bill(
            charges(charge(ACME, "1"), charge(ACME, "40", currency="EUR")),
            inputs(owns("acme", ACME)),
        )
        .statements[0]
        .lines
    )
    statement = Statement(
        ClientKey("acme"), OCTOBER, "USD", lines, Decimal(1), Decimal(1),
        {
            "EUR": CostAndPrice(Decimal(40), Decimal(44)),
            "GBP": CostAndPrice(Decimal(5), Decimal(0)),
        },
    )  # fmt: skip

    assert to_convert(statement, (), currency="USD") == {"EUR": 44}
    assert to_convert(statement, (), currency="EUR") == {"USD": 1}
    rates = {"EUR": Exchange("EUR", "USD", Decimal("1.25"), "")}
    amounts = {"USD": Decimal(1), "EUR": Decimal(44), "GBP": Decimal(0)}
    assert converted(amounts, "USD", rates) == 56
