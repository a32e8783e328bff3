"""Several currencies on one bill: each is carried by itself, and converted by a stated rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.clients import Client, ClientKey, Tax, TaxCategory
from invoices.control_totals import ControlTotal
from invoices.documents.document import from_document, to_document
from invoices.inputs import ExchangeRate
from invoices.kinds import CostBasis, Kind
from invoices.money import plain
from invoices.month import BilledMonth, bill, prove
from kernel.findings import Severity
from tests.support.builders import (
    OCTOBER,
    book,
    charge,
    charges,
    client,
    inputs,
    markup,
    owns,
)

ACME, BELL, OURS = "111111111111", "222222222222", "999999999999"


def sold(account: str, cost: str, currency: str = "EUR", **other: str) -> dict[str, Any]:
    """What a Marketplace seller charges in its own currency."""
    seller = {"billing_entity": "AWS Marketplace", "seller": "Datenhaus GmbH", "service": "3ya0b9s"}
    return charge(account, cost, Kind.SUBSCRIPTION, currency=currency, **(seller | other))


def rate(given: str, to: str, rate_: str) -> ExchangeRate:
    return ExchangeRate(OCTOBER, given, to, Decimal(rate_), "ECB")


def billed(*rows: dict[str, Any], acme: Client | None = None, **other: Any) -> BilledMonth:
    given = inputs(
        owns("acme", ACME),
        owns("bell", BELL),
        clients=[acme or client("acme"), client("bell")],
        internal=[OURS],
        **other,
    )
    return bill(charges(*rows), given)


def totals(month: BilledMonth) -> dict[str, tuple[str, int]]:
    return {each.client: (each.invoice.currency, each.invoice.total_minor) for each in month.drafts}


def words(month: BilledMonth) -> list[str]:
    return [each.message for each in month.findings]


def test_a_seller_in_euros_on_a_bill_in_dollars_is_converted_by_its_own_rate() -> None:
    month = billed(charge(ACME, "100"), sold(ACME, "50"), rates=[rate("EUR", "USD", "1.1")])

    assert totals(month) == {"acme": ("USD", 155_00)}  # 100 + 50 x 1.1
    (draft,) = month.drafts
    assert [(line.description, line.amount_minor) for line in draft.invoice.lines] == [
        ("Subscription (sold by Datenhaus GmbH), charged in EUR", 55_00),
        ("Usage", 100_00),
    ]
    assert draft.invoice.exchange is None
    assert [(e.from_currency, e.rate) for e in draft.invoice.other_exchanges] == [
        ("EUR", Decimal("1.1"))
    ]
    assert from_document(to_document(draft.invoice)) == draft.invoice
    assert prove(month).closes


def test_each_currency_is_proved_by_itself() -> None:
    month = billed(
        charge(ACME, "100"),
        charge(OURS, "7"),
        sold(ACME, "50"),
        sold(OURS, "3"),
        charge(BELL, "-1", Kind.CREDIT, currency="EUR"),
        rates=[rate("EUR", "USD", "1.1")],
    )

    proof = prove(month).to_json()
    assert (proof["payer_total"], proof["retained"]) == ("107", {"internal_accounts": "7"})
    assert proof["other_currencies"] == [
        {
            "currency": "EUR",
            "payer_total": "52",
            "clients": [{"client": "acme", "cost": "50"}],
            "retained": {"credits": "-1", "internal_accounts": "3"},
            "unassigned": "0",
            "difference": "0",
        }
    ]
    (acme,) = proof["clients"]
    assert (acme["cost"], acme["price"], acme["invoice_total"]) == ("100", "100", "155.00")
    assert acme["other_currencies"] == [
        {"currency": "EUR", "cost": "50", "price": "50", "margin": "0", "exchange_rate": "1.1"}
    ]
    assert proof["closes"] and not proof["confirmed"]


def test_a_currency_that_came_after_the_invoice_was_issued_does_not_close() -> None:
    """The invoice of 100 dollars is right to the cent for dollars, and 50 euros are lost."""
    issued = billed(charge(ACME, "100")).drafts[0].invoice
    restated = billed(charge(ACME, "100"), sold(ACME, "50"), rates=[rate("EUR", "USD", "1.1")])

    proof = prove(restated, issued={ClientKey("acme"): issued})

    assert not proof.closes
    assert proof.to_json()["clients"][0]["other_currencies"] == [
        {"currency": "EUR", "cost": "50", "price": "50", "margin": "0", "exchange_rate": None}
    ]


def test_who_bears_a_currency_without_a_rate_is_parked_and_the_others_go_on() -> None:
    month = billed(charge(ACME, "100"), sold(ACME, "50"), charge(BELL, "20"))

    assert totals(month) == {"bell": ("USD", 20_00)}
    assert month.parked == {"acme"}
    (told,) = words(month)
    assert told == (
        "acme pays in USD and bears charges priced 50 EUR, and 2018-10 has no rate from EUR to "
        "USD; add it to exchange_rates."
    )


def test_a_client_that_pays_in_the_sellers_currency_needs_no_rate_for_it() -> None:
    """And none for dollars, of which it bears nothing."""
    month = billed(sold(ACME, "50"), charge(BELL, "20"), acme=client("acme", currency="EUR"))

    assert totals(month) == {"acme": ("EUR", 50_00), "bell": ("USD", 20_00)}
    (line,) = month.drafts[0].invoice.lines
    assert line.description == "Subscription (sold by Datenhaus GmbH)"
    assert month.drafts[0].invoice.exchanges == {} and prove(month).closes


def test_one_rate_is_never_made_of_two() -> None:
    """From rupees to dollars and from dollars to euros there is a rate; from rupees there is none.

    Amazon Web Services India bills in rupees (aws.amazon.com/premiumsupport, "non us currency").
    """
    rates = [rate("INR", "USD", "0.012"), rate("USD", "EUR", "0.87")]
    acme = client("acme", currency="EUR")
    month = billed(charge(ACME, "100"), sold(ACME, "5000", "INR"), acme=acme, rates=rates)

    assert month.parked == {"acme"}
    assert (
        "bears charges priced 5000 INR, and 2018-10 has no rate from INR to EUR" in words(month)[0]
    )


def test_three_currencies_on_one_invoice_are_rounded_once() -> None:
    """100.005 USD x 0.87 + 0.005 GBP x 1.15 + 10 EUR = 97.0101, in cents 97.01."""
    month = billed(
        charge(ACME, "100.005"),
        sold(ACME, "0.005", "GBP"),
        sold(ACME, "10", "EUR", seller="Nuage SA"),
        acme=client("acme", currency="EUR"),
        rates=[rate("USD", "EUR", "0.87"), rate("GBP", "EUR", "1.15")],
    )

    (draft,) = month.drafts
    assert draft.invoice.total_minor == 97_01
    assert sorted(line.amount_minor for line in draft.invoice.lines) == [1, 10_00, 87_00]
    assert [*draft.invoice.exchanges] == ["USD", "GBP"]
    (total,) = prove(month).clients
    assert total.closes
    assert plain(total.rounding) == "-0.0001"


def test_the_bills_currency_is_the_one_aws_charges_in() -> None:
    """However many charges the Marketplace has in another, and however dear they are."""
    many = [sold(ACME, "1000", service=f"s{number}") for number in range(9)]

    assert billed(charge(ACME, "1"), *many).currency == "USD"
    assert billed(*many, sold(ACME, "1", "AUD")).currency == "EUR"
    assert billed(charge(ACME, "1", currency=""), *many).currency == "EUR"
    assert billed(charge(ACME, "1", currency="")).currency == ""


def test_a_payer_in_china_is_billed_in_yuan_and_in_india_by_its_entity() -> None:
    """Amazon Web Services in China prices and bills in CNY; AISPL is AWS's entity in India."""
    yuan = billed(charge(ACME, "700", currency="CNY"), acme=client("acme", currency="CNY"))
    india = billed(
        charge(ACME, "8300", currency="INR", billing_entity="AISPL"),
        sold(ACME, "1", "USD"),
        sold(ACME, "2", "USD", service="other"),
        acme=client("acme", currency="INR"),
        rates=[rate("USD", "INR", "83")],
    )

    assert totals(yuan) == {"acme": ("CNY", 700_00)}
    assert (india.currency, totals(india)) == ("INR", {"acme": ("INR", 8549_00)})  # 8300 + 3 x 83


def test_a_yen_of_a_seller_is_converted_exactly_and_rounded_at_the_line() -> None:
    """1,001 JPY x 0.0067 = 6.7067 USD."""
    month = billed(
        sold(ACME, "1001", "JPY"), charge(BELL, "1"), rates=[rate("JPY", "USD", "0.0067")]
    )

    assert totals(month)["acme"] == ("USD", 6_71)
    assert month.drafts[0].invoice.lines[0].price == Decimal("6.7067")


def test_what_has_no_currency_parks_who_bears_it_and_is_nobody_elses() -> None:
    month = billed(charge(ACME, "100"), charge(ACME, "3", currency=""), charge(BELL, "20"))

    assert totals(month) == {"bell": ("USD", 20_00)}
    (told,) = words(month)
    assert told == (
        "acme bears charges priced 3 whose rows name no currency, so nobody can say what they are: "
        "have AWS deliver the export anew."
    )


@pytest.mark.parametrize("kind", [Kind.TAX, Kind.CREDIT])
def test_what_is_retained_needs_no_rate(kind: Kind) -> None:
    """A tax in the currency of its country, or a credit: nothing of it is on an invoice."""
    month = billed(charge(ACME, "100"), charge(ACME, "18", kind, currency="BRL"))

    assert totals(month) == {"acme": ("USD", 100_00)} and month.findings == ()
    (other,) = prove(month).others
    assert (other.currency, [*other.retained.values()]) == ("BRL", [Decimal(18)])
    assert prove(month).closes


def test_what_is_passed_of_a_tax_in_another_currency_is_converted_and_not_taxed_again() -> None:
    passing = book(aws_tax_passed_percent=Decimal(50))
    rows = [charge(ACME, "100"), charge(ACME, "18", Kind.TAX, currency="BRL")]
    rates = [rate("BRL", "USD", "0.2")]
    taxed = client("acme", tax=Tax(TaxCategory.STANDARD, Decimal(23)))

    plainly = billed(*rows, books=[passing], rates=rates)
    twice = billed(*rows, books=[passing], rates=rates, acme=taxed)

    assert totals(plainly) == {"acme": ("USD", 101_80)}  # 100 + 18 x 50 % x 0.2
    assert twice.parked == {"acme"} and "on 9 BRL that is AWS's own tax" in words(twice)[0]


def test_a_tax_in_another_currency_than_what_it_is_upon_is_nobodys_to_split() -> None:
    """The account is acme's for 10 USD, then bell's for 30: of 18 USD each would have a part."""
    of_month: dict[str, Any] = {"service_day": date(2018, 10, 1), "last_day": "2018-10-31"}
    given = inputs(
        owns("acme", ACME, end=date(2018, 10, 16)),
        owns("bell", ACME, start=date(2018, 10, 16)),
        books=[book(aws_tax_passed_percent=Decimal(100))],
        rates=[rate("BRL", "USD", "0.2")],
    )
    used = [
        charge(ACME, "10", service_day=date(2018, 10, 3)),
        charge(ACME, "30", service_day=date(2018, 10, 20)),
    ]

    same = bill(charges(*used, charge(ACME, "18", Kind.TAX, **of_month)), given)
    other = bill(charges(*used, charge(ACME, "18", Kind.TAX, currency="BRL", **of_month)), given)

    assert totals(same) == {"acme": ("USD", 14_50), "bell": ("USD", 43_50)}  # 10 + 4.5, 30 + 13.5
    assert other.parked == {"acme", "bell"}
    assert all(told.startswith("18 BRL of tax of account 111111111111") for told in words(other))


def test_charges_of_nobody_block_in_their_own_currency() -> None:
    month = billed(charge(ACME, "100"), sold("333333333333", "4"))

    assert [(each.code, each.severity) for each in month.findings] == [
        ("account_unassigned", Severity.CRITICAL)
    ]
    assert "Account 333333333333 has 4 EUR of charges" in words(month)[0]
    own, other = prove(month).balances
    assert own.closes and not other.closes and not prove(month).closes
    assert other.open_money == "0 unaccounted, 4 unassigned"


def test_a_loss_in_one_currency_is_not_made_up_for_in_another() -> None:
    rows = [charge(ACME, "100"), sold(ACME, "50")]
    books = [book(markup("50", kind="usage"), markup("-10", kind="subscription"))]
    month = billed(*rows, books=books, rates=[rate("EUR", "USD", "1.1")])

    assert words(month) == ["The charges of acme are priced 5 EUR below their cost."]


def test_lines_of_one_service_in_two_currencies_are_two() -> None:
    rows = [charge(ACME, "100"), charge(ACME, "50", currency="EUR")]
    (draft,) = billed(*rows, rates=[rate("EUR", "USD", "1.1")]).drafts

    assert [(line.key, line.amount_minor) for line in draft.invoice.lines] == [
        ("111111111111/AmazonEC2/usage", 100_00),
        ("111111111111/AmazonEC2/usage-EUR", 55_00),
    ]


def test_every_basis_accounts_for_each_currency() -> None:
    """Net 8, amortized 7 of a billed 10, in both: nothing of the one is in the other."""
    rows = [
        charge(ACME, "10", currency=each, net_billed_cost="8", amortized_cost="7")
        for each in ("USD", "EUR")
    ]
    for basis in CostBasis:
        month = billed(*rows, books=[book(cost_basis=basis)], rates=[rate("EUR", "USD", "2")])
        own, other = prove(month).balances
        assert own.difference == other.difference == 0
        assert own.total.retained == other.total.retained
        assert own.costs == other.costs


def test_a_figure_of_aws_s_confirms_only_its_currency() -> None:
    rows = [charge(ACME, "100"), sold(ACME, "50")]
    month = billed(*rows, rates=[rate("EUR", "USD", "1.1")])
    dollars = ControlTotal("cost_explorer", "dollars", Decimal(100), Decimal(100))
    euros = ControlTotal("cost_explorer", "euros", Decimal(50), Decimal(50), "EUR")
    part = ControlTotal("cost_explorer", "some", Decimal(1), Decimal(1), is_part=True)

    assert prove(month, control_totals=[dollars]).verdict == "It closes; not confirmed by AWS."
    assert prove(month, control_totals=[part, euros]).verdict.endswith("not confirmed by AWS.")
    whole = prove(month, control_totals=[dollars, euros])
    assert whole.verdict == "It closes. Confirmed by Cost Explorer."
