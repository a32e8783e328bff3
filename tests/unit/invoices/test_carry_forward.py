"""Balances: how much of a negative month an invoice takes off, and how that is taxed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoices.clients import ClientKey, Tax, TaxCategory
from invoices.documents.carry_forward import (
    CarriedBalance,
    CarryForward,
    Taken,
    balance_of,
    gets_document,
    with_balances,
)
from invoices.documents.document import from_document, to_document
from invoices.documents.invoice import Exchange, Invoice, InvoiceLine
from invoices.documents.tax import accounting_tax, tax_line
from invoices.money import Rounding
from invoices.periods import BillingPeriod
from tests.support.bills.sample_documents import small_invoice

AUGUST, SEPTEMBER, OCTOBER = (BillingPeriod(2026, month) for month in (8, 9, 10))
ACME = ClientKey("acme")


def draft(
    net_minor: int, rate: str = "19", currency: str = "EUR", period: BillingPeriod = OCTOBER
) -> Invoice:
    tax = tax_line(taxed(rate), base_minor=net_minor, currency=currency, rounding=Rounding.HALF_UP)
    line = InvoiceLine("a", "", "", "", "", "Services", Decimal(1), "", Decimal(1), net_minor)
    return replace(
        small_invoice(),
        number="",
        period=period,
        currency=currency,
        exchange=None,
        lines=(line,),
        tax_lines=(tax,),
        subtotal_minor=net_minor,
        tax_minor=tax.tax_minor,
        total_minor=net_minor + tax.tax_minor,
    )


def taxed(rate: str) -> Tax:
    percent = Decimal(rate)
    return Tax(TaxCategory.STANDARD if percent else TaxCategory.REVERSE_CHARGE, percent)


def owed(
    net_minor: int, rate: str = "19", currency: str = "EUR", period: BillingPeriod = SEPTEMBER
) -> CarryForward:
    return balance_of(ACME, draft(-net_minor, rate, currency, period))


def figures(invoice: Invoice) -> tuple[int, list[tuple[str, int, int]], int]:
    taxes = [(str(t.rate_percent), t.base_minor, t.tax_minor) for t in invoice.tax_lines]
    return invoice.subtotal_minor, taxes, invoice.total_minor


def test_a_balance_lowers_the_taxable_amount_of_its_own_rate() -> None:
    """100.00 less 30.00 is 70.00, of which 19 % are 13.30: 119.00 less 35.70."""
    taken = with_balances(draft(100_00), [owed(30_00)])

    assert figures(taken) == (70_00, [("19", 70_00, 13_30)], 83_30)
    line = taken.lines[-1]
    assert (line.key, line.description) == ("carried/2026-09", "Carried forward from 2026-09")
    assert (line.amount_minor, taken.carried_minor) == (-30_00, -30_00)


def test_tax_is_rounded_once_on_what_is_left() -> None:
    """0.05 less 0.02 at 19 %: 0.0057, a cent. Rounded each by itself it were 0.01 - 0.00."""
    assert figures(with_balances(draft(5), [owed(2)])) == (3, [("19", 3, 1)], 4)
    # 19 % of 0.03 and of 0.02 are 0.0057 and 0.0038: 0.01 and 0.00; of the 0.01 left, nothing.
    assert figures(with_balances(draft(3), [owed(2)])) == (1, [("19", 1, 0)], 1)


def test_a_month_of_another_rate_keeps_it() -> None:
    """After a rise from 19 to 21 %: 21.00 - 5.70 = 15.30 (VAT Directive, art. 90)."""
    taken = with_balances(draft(100_00, "21"), [owed(30_00)])

    assert figures(taken) == (70_00, [("21", 100_00, 21_00), ("19", -30_00, -5_70)], 85_30)


def test_a_month_under_reverse_charge_takes_no_tax_off() -> None:
    taken = with_balances(draft(100_00), [owed(30_00, "0")])

    assert figures(taken) == (70_00, [("19", 100_00, 19_00), ("0", -30_00, 0)], 89_00)


def test_what_an_invoice_cannot_hold_stays_a_balance() -> None:
    """registrasion 84: once an invoice has no balance left, no further credit is applied to it."""
    taken = with_balances(draft(12_00), [owed(10_00), owed(5_00, period=AUGUST)])

    assert [(line.key, line.amount_minor) for line in taken.lines[1:]] == [
        ("carried/2026-08", -5_00),
        ("carried/2026-09", -7_00),
    ]
    assert figures(taken) == (0, [("19", 0, 0)], 0)


def test_no_total_is_below_nothing_though_the_taxes_differ() -> None:
    """100.00 without tax hold 84.03 at 19 %: 15.9657 of tax are 15.97. 84.04 would be -0.01."""
    taken = with_balances(draft(100_00, "0"), [owed(100_00)])

    assert taken.carried_minor == -84_03
    assert figures(taken) == (15_97, [("0", 100_00, 0), ("19", -84_03, -15_97)], 0)


@pytest.mark.parametrize(
    ("currency", "own", "balance", "subtotal", "tax"),
    [
        ("JPY", 1000, 333, 667, 67),  # 10 % of 667 are 66.7
        ("KWD", 1_000, 334, 666, 67),  # 10 % of 0.666 are 0.0666
    ],
)
def test_currencies_without_two_digits_are_no_exception(
    currency: str, own: int, balance: int, subtotal: int, tax: int
) -> None:
    taken = with_balances(draft(own, "10", currency), [owed(balance, "10", currency)])

    assert figures(taken) == (subtotal, [("10", subtotal, tax)], subtotal + tax)


def test_a_balance_of_another_currency_waits() -> None:
    own = draft(100_00)
    assert with_balances(own, [owed(30_00, currency="USD")]) == own


def test_a_balance_of_another_seller_waits() -> None:
    """What Cork Cloud took too much tax of, Oslo Cloud cannot give back; a new key of the same
    company can: the tax office knows it by its number."""
    own = draft(100_00)
    seller = own.seller
    assert (seller.key, seller.tax_id) == ("example", "IE6388047V")
    oslo = replace(own, seller=replace(seller, key="oslo", tax_id="NO123456785"))
    renamed = replace(own, seller=replace(seller, key="example-2"))
    numberless = replace(own, seller=replace(seller, key="second", tax_id=""))

    assert with_balances(oslo, [owed(30_00)]) == oslo
    assert with_balances(renamed, [owed(30_00)]).carried_minor == -30_00
    # Two that have no number are not one.
    of_numberless = balance_of(ACME, replace(draft(-30_00), seller=numberless.seller))
    assert with_balances(numberless, [of_numberless]).carried_minor == -30_00
    assert not replace(of_numberless, seller_key="third").is_owed_by(numberless.seller)
    # Inputs of an earlier version do not say whose it is: it was the payer's only seller's.
    assert with_balances(oslo, [replace(owed(30_00), seller_key="")]).carried_minor == -30_00


@pytest.mark.parametrize("own", [0, -1, -50_00])
def test_a_month_that_asks_for_nothing_takes_nothing(own: int) -> None:
    assert with_balances(draft(own), [owed(30_00)]) == draft(own)


def test_the_document_keeps_whence_a_line_was_carried() -> None:
    taken = with_balances(draft(100_00), [owed(30_00)])

    document = to_document(taken)
    assert document["lines"][1]["carried_from"] == {
        "period": "2026-09", "category": "standard", "rate_percent": "19",
    }  # fmt: skip
    assert "carried_from" not in document["lines"][0]
    assert from_document(document) == taken


@pytest.mark.parametrize(
    ("own", "balances", "zero_gets_one", "gets_one"),
    [
        (1, [], False, True),
        (0, [], True, True),
        (0, [], False, False),
        (-1, [], True, False),
        # Supplied and taxed, and paid with a balance: that has to be told.
        (5_00, [owed(9_00)], False, True),
    ],
)
def test_who_gets_a_document(
    own: int, balances: list[CarryForward], zero_gets_one: bool, gets_one: bool
) -> None:
    invoice = with_balances(draft(own), balances)
    assert gets_document(invoice, zero_gets_one=zero_gets_one) is gets_one


def test_a_balance_as_it_is_published() -> None:
    taken = (Taken(OCTOBER, "INV-000007", 20_00), Taken(BillingPeriod(2026, 11), "", 5))
    balance = CarriedBalance(ACME, "EUR", 30_00, taken)

    assert balance.to_json() == {
        "client": "acme",
        "currency": "EUR",
        "net": "30.00",
        "open": "9.95",  # 30.00 - 20.00 - 0.05
        "taken": [
            {"period": "2026-10", "number": "INV-000007", "net": "20.00"},
            {"period": "2026-11", "number": "", "net": "0.05"},
        ],
    }


def test_the_tax_is_stated_in_the_seller_s_currency_and_each_amount_rounded_by_itself() -> None:
    """100.01 and 19.00 EUR at 4.2567 PLN are 425.712567 and 80.8773; down, 425.71 and 80.87."""
    to_zloty = Exchange("EUR", "PLN", Decimal("4.2567"), "NBP 2026-10-30")
    lines = draft(100_01).tax_lines

    up = accounting_tax(lines, to_zloty, rounding=Rounding.HALF_UP)
    down = accounting_tax(lines, to_zloty, rounding=Rounding.DOWN)

    assert (up.exchange, up.currency, up.tax_minor, down.tax_minor) == (
        to_zloty,
        "PLN",
        80_88,
        80_87,
    )
    assert up.tax_lines == (replace(lines[0], base_minor=425_71, tax_minor=80_88),)
    # The yen has no minor unit: 100.01 EUR are 16,001.6 yen.
    yen = accounting_tax(lines, Exchange("EUR", "JPY", Decimal(160), ""), rounding=Rounding.HALF_UP)
    assert (yen.tax_lines[0].base_minor, yen.tax_minor) == (16_002, 3_040)
    invoice = replace(draft(100_01), accounting_tax=up)
    assert from_document(to_document(invoice)) == invoice
    assert to_document(invoice)["accounting_tax"]["tax"] == "80.88"


def test_a_document_of_thousandths_with_its_own_rounding_of_tax_comes_back_as_it_was() -> None:
    """19 % of 100.001 dinars are 19.00019."""
    invoice = replace(draft(100_001, currency="KWD"), tax_rounding=Rounding.DOWN)
    document = to_document(invoice)

    assert (document["subtotal"], document["tax"], document["total"]) == (
        "100.001", "19.000", "119.001",
    )  # fmt: skip
    assert from_document(document) == invoice
    noted = draft(100_00, "0")
    assert noted.tax_lines[0].note == "Reverse charge: the recipient accounts for the tax."
    assert from_document(to_document(noted)) == noted


minor = st.integers(1, 300_00)
rates = st.sampled_from(["0", "5.5", "19", "21", "25"])


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(own=minor, own_rate=rates, balances=st.lists(st.tuples(minor, rates), max_size=3))
def test_it_takes_as_much_as_leaves_nothing_below_zero(
    own: int, own_rate: str, balances: list[tuple[int, str]]
) -> None:
    """And what it takes is oldest first: a later balance only once the earlier one is used up."""
    months = [
        owed(net, rate, period=BillingPeriod(2026, 1 + at))
        for at, (net, rate) in enumerate(balances)
    ]
    invoice = with_balances(draft(own, own_rate), months)

    assert invoice.subtotal_minor >= 0 and invoice.total_minor >= 0
    assert invoice.subtotal_minor - invoice.carried_minor == own
    taken = {line.carried_from.period: -line.amount_minor for line in invoice.lines[1:]
             if line.carried_from}  # fmt: skip
    for balance in months:
        got = taken.get(balance.period, 0)
        assert 0 <= got <= balance.net_minor
        if got < balance.net_minor:
            # One unit more, with its tax, is more than is left.
            rate = 1 + balance.rate_percent / 100
            assert invoice.total_minor < rate + 1 or invoice.subtotal_minor == 0
            break
