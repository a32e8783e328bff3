"""Each finding says how bad it is, what it is, where, and whom it stops; and its figures."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.checks.checked import in_words
from invoices.clients import (
    AccountId,
    Address,
    Client,
    ClientKey,
    MonthPolicies,
    Tax,
    TaxCategory,
    ZeroMonths,
)
from invoices.inputs import BillingInputs, ExchangeRate, ExportLimits, Waiver
from invoices.kinds import CostBasis, Kind
from invoices.month import bill
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat
from tests.support.builders import (
    OCTOBER,
    PAYER,
    book,
    charge,
    charges,
    client,
    fixed,
    inputs,
    markup,
    owns,
)

ACME = "111111111111"
OTHER = "333333333333"
FIRST, LAST = date(2018, 10, 1), "2018-10-31"
USED = charge(ACME, "10")
NOWHERE = Address(street="", city="", postcode="", country="")
VAT = Tax(TaxCategory.STANDARD, Decimal(19))


def of_acme(**other: Any) -> BillingInputs:
    return inputs(owns("acme", ACME), clients=[client("acme", **other)])


def item(key: str, of: str = "acme", amount: str = "1") -> CustomLineItem:
    kind = CustomKind.FEE
    return CustomLineItem(key, ClientKey(of), kind, "Fee", Flat(Decimal(amount)), OCTOBER)


def lasting(kind: Kind, last_day: str = LAST) -> dict[str, Any]:
    return charge(ACME, "31", kind, service_day=FIRST, last_day=last_day)


HANDED_OVER = inputs(
    owns("acme", ACME, date(2018, 1, 1), date(2018, 10, 15)), owns("bell", ACME, date(2018, 10, 15))
)
ACROSS = "row_across_change_of_hands"


@pytest.mark.parametrize(
    ("rows", "known", "expected", "words"),
    [
        (
            [
                USED,
                charge(ACME, "4", Kind.UNKNOWN),
                charge(ACME, "3", Kind.UNKNOWN, currency="EUR"),
            ],
            of_acme(),
            [("critical", "unknown_charges", "2018-10", "")],
            "(4 USD and 3 EUR)",
        ),
        (
            [USED, charge("", "1.50", service_day=date(2018, 10, 7))],
            of_acme(),
            [("critical", "account_unassigned", "2018-10", "")],
            "There are 1.5 USD of charges without an account, from 2018-10-07 to 2018-10-07",
        ),
        (
            [USED, charge(OTHER, "0")],
            of_acme(),
            [("warning", "account_unassigned", OTHER, "")],
            f"Account {OTHER} has 0 USD",
        ),
        (
            [USED, lasting(Kind.RI_FEE)],
            HANDED_OVER,
            [("warning", "row_split_by_days", ACME, "")],
            (
                f"31 USD of ri_fee of account {ACME} last from 2018-10-01 to 2018-10-31, and the "
                "account is acme's until it is bell's from 2018-10-15: they are split by days: "
                "14 to acme, 17 to bell."
            ),
        ),
        (
            [USED, lasting(Kind.FEE)],
            HANDED_OVER,
            [("warning", ACROSS, ACME, "")],
            (
                f"31 USD of fee of account {ACME} last from 2018-10-01 to 2018-10-31, and the "
                "account is acme's until it is bell's from 2018-10-15: they are billed whole to "
                "acme, as of the first day."
            ),
        ),
        (
            [USED, lasting(Kind.USAGE)],
            HANDED_OVER,
            [("critical", ACROSS, ACME, "acme"), ("critical", ACROSS, ACME, "bell")],
            (
                "Take in an hourly or daily export, or move the change to the first of a month; "
                "waived, they are billed whole to acme."
            ),
        ),
        (
            [USED, lasting(Kind.REFUND)],
            HANDED_OVER,
            [("critical", ACROSS, ACME, "acme"), ("critical", ACROSS, ACME, "bell")],
            "Waived, they are billed whole to acme; what of them is the other's, a custom line",
        ),
        (
            [USED, lasting(Kind.USAGE, "undated")],
            HANDED_OVER,
            [("critical", ACROSS, ACME, "acme"), ("critical", ACROSS, ACME, "bell")],
            "have no time (their cells are blank)",
        ),
        (
            [USED, charge(ACME, "7", Kind.FEE, service_day=FIRST)],
            inputs(owns("acme", ACME, date(2018, 10, 10))),
            [("warning", "charged_to_nearest_owner", ACME, "")],
            (
                f"7 USD of account {ACME}, dated 2018-10-01 to 2018-10-01, when it was nobody's, "
                "are acme's"
            ),
        ),
        (
            [USED, charge(ACME, "-50", Kind.REFUND, upfront="-50", amortized_cost="0")],
            replace(of_acme(), price_books={"standard": book(cost_basis=CostBasis.AMORTIZED)}),
            [("critical", "refund_taken_as_upfront", "acme", "acme")],
            f"Account {ACME} of acme has refunds of -50 USD",
        ),
        (
            [USED],
            replace(of_acme(), internal_accounts=frozenset([AccountId(ACME)])),
            [("warning", "internal_account_assigned", ACME, "")],
            f"Account {ACME} is internal and also assigned to acme",
        ),
        (
            [USED],
            replace(of_acme(), export_limits=ExportLimits(bases={"billed": "it lacks X"})),
            [("critical", "basis_unanswerable", "acme", "acme")],
            "acme is billed by the billed cost, which this export cannot tell: it lacks X.",
        ),
        (
            [USED],
            replace(
                of_acme(),
                export_limits=ExportLimits(columns={"operation": "it lacks Y"}),
                price_books={"standard": book(markup("5", operation="Run*"), markup("1"))},
            ),
            [("critical", "rule_unanswerable", "acme", "acme")],
            "Price book standard of acme has a rule by operation, and it lacks Y.",
        ),
        (
            [USED],
            of_acme(price_book="gone"),
            [("critical", "price_book_missing", "acme", "acme")],
            "Price book 'gone' of acme is not in effect in 2018-10",
        ),
        (
            [USED],
            of_acme(currency="EUR"),
            [("critical", "exchange_rate_missing", "acme", "acme")],
            "acme pays in EUR, and 2018-10 has no rate from USD to EUR",
        ),
        (
            [USED, charge(ACME, "4", currency="EUR")],
            of_acme(),
            [("critical", "exchange_rate_missing", "acme", "acme")],
            "acme pays in USD and bears charges priced 4 EUR, and 2018-10 has no rate from EUR",
        ),
        (
            [USED, charge(ACME, "4", currency="")],
            of_acme(),
            [("critical", "exchange_rate_missing", "acme", "acme")],
            "acme bears charges priced 4 whose rows name no currency",
        ),
        (
            [charge(ACME, "4", currency="")],
            of_acme(),
            [("critical", "exchange_rate_missing", "acme", "acme")],
            "The export names no currency, so nobody can say what its amounts are: add its column.",
        ),
        (
            [USED],
            of_acme(address=NOWHERE),
            [("warning", "client_address_incomplete", "acme", "")],
            "acme lacks a name, street, city or country",
        ),
        (
            [USED],
            of_acme(address=NOWHERE, tax=VAT),
            [("critical", "client_address_incomplete", "acme", "acme")],
            "acme lacks a name, street, city or country",
        ),
        (
            [USED],
            of_acme(name="", tax=VAT),
            [("critical", "client_address_incomplete", "acme", "acme")],
            "acme lacks a name",
        ),
        (
            [USED],
            of_acme(tax=Tax(TaxCategory.REVERSE_CHARGE)),
            [("critical", "client_tax_id_missing", "acme", "acme")],
            "acme is invoiced under reverse charge",
        ),
        (
            [USED],
            of_acme(tax=Tax(TaxCategory.EXEMPT, Decimal("19.50"))),
            [("critical", "tax_rate_inconsistent", "acme", "acme")],
            "acme has tax category exempt with a rate of 19.5 %",
        ),
        (
            [USED],
            replace(of_acme(), custom_line_items=(item("i", "gone"),)),
            [("warning", "custom_line_item_without_client", "i", "")],
            "Custom line item i is for gone, which is no client.",
        ),
        (
            [USED],
            replace(of_acme(), custom_line_items=(item("i"),), has_other_payers=True),
            [("critical", "custom_line_item_of_any_payer", "acme", "acme")],
            "Custom line item i of acme names no payer",
        ),
        (
            [],
            replace(of_acme(), custom_line_items=(item("i"),)),
            [("warning", "custom_line_items_only", "acme", "")],
            "acme has no charges of payer 836060457634 in 2018-10, only custom line items.",
        ),
        (
            [USED, charge(ACME, "2", Kind.TAX), charge(ACME, "3", Kind.TAX, tax_type="VAT")],
            replace(
                of_acme(tax=VAT),
                price_books={"standard": book(aws_tax_passed_percent=Decimal(100))},
            ),
            [("critical", "tax_upon_tax", "acme", "acme")],
            (
                "acme is taxed 19 % on 5 USD that is AWS's own tax; set `aws_tax: retain` in price "
                "book standard"
            ),
        ),
        (
            [USED],
            replace(of_acme(), price_books={"standard": book(markup("-10"))}),
            [("warning", "sold_below_cost", "acme", "")],
            "The charges of acme are priced 1 USD below their cost.",
        ),
        (
            [charge(ACME, "10", usage="10")],
            replace(
                of_acme(currency="EUR"),
                price_books={"standard": book(fixed("0.5"), currency="EUR")},
                exchange_rates=(ExchangeRate(OCTOBER, "USD", "EUR", Decimal("0.9"), ""),),
            ),
            [("warning", "sold_below_cost", "acme", "")],
            "The charges of acme are priced 4 EUR below their cost.",
        ),
        (
            [charge(ACME, "100", net_billed_cost="90")],
            replace(
                of_acme(),
                price_books={
                    "standard": book(discounts_passed_percent={Kind.DISCOUNT_EDP: Decimal(50)})
                },
            ),
            [("warning", "discounts_without_kind", "standard", "")],
            "so price book standard cannot pass on its share by kind",
        ),
        (
            [charge(ACME, "0")],
            of_acme(),
            [("warning", "total_zero", "acme", "")],
            "acme owes nothing for the period.",
        ),
        (
            [charge(ACME, "0")],
            of_acme(months=MonthPolicies(zero=ZeroMonths.NO_DOCUMENT)),
            [("warning", "no_document", "acme", "")],
            "acme owes nothing for 2018-10 and gets no document",
        ),
        (
            [charge(ACME, "-3", Kind.REFUND)],
            of_acme(),
            [("critical", "total_negative", "acme", "acme")],
            "acme would get -3 USD",
        ),
    ],
)
def test_a_finding_says_what_where_whom_and_how_much(
    rows: list[dict[str, Any]],
    known: BillingInputs,
    expected: list[tuple[str, str, str, str]],
    words: str,
) -> None:
    found = bill(charges(*rows), known).findings

    assert [(str(e.severity), e.code, e.where, e.client) for e in found] == expected
    assert all(words in each.message for each in found), found[0].message


@pytest.mark.parametrize("bell", [None, client("bell", price_book="gone")])
def test_what_a_client_whose_book_is_unknown_may_bear_is_told(bell: Client | None) -> None:
    """Retained by Acme's book; whether Bell's retains it, nobody knows, but Acme's does."""
    clients = [client("acme"), *([bell] if bell else [])]
    passing = book(aws_tax_passed_percent=Decimal(100))
    for priced_by, told in ((book(), False), (passing, True)):
        known = replace(HANDED_OVER, clients=tuple(clients), price_books={"standard": priced_by})
        codes = {each.code for each in bill(charges(lasting(Kind.TAX)), known).findings}
        assert (ACROSS in codes) is told


def test_what_is_waived_without_a_time_says_so_in_its_working() -> None:
    waiver = Waiver(PAYER, OCTOBER, ACROSS, "", "agreed")
    known = replace(HANDED_OVER, waivers=(waiver,))
    month = bill(charges(USED, lasting(Kind.USAGE, "undated")), known)

    said = [
        each.attribution
        for statement in month.statements
        for line in statement.lines
        for each in line.workings
        if each.attribution
    ]
    assert said == ["whole, as of the first day of the month; AWS gave no time"]


def test_a_line_of_aws_s_own_has_neither_a_seller_nor_a_market() -> None:
    sold: dict[str, Any] = {"seller": "Datadog", "service": "datadog"}
    rows = [USED | sold, charge(ACME, "5", billing_entity="AWS Marketplace", **sold)]
    (statement,) = bill(charges(*rows), of_acme()).statements

    assert [(each.billing_entity, each.description) for each in statement.lines] == [
        ("", "Usage"),
        ("AWS Marketplace", "Usage (sold by Datadog)"),
    ]


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ({"USD": "5.50", "EUR": "2"}, "5.5 USD and 2 EUR"),
        ({"USD": "0", "EUR": "2"}, "2 EUR"),
        ({"USD": "0", "EUR": "0"}, "0 USD"),
        ({}, ""),
    ],
)
def test_nothing_is_said_of_a_currency_without_an_amount_but_where_there_is_no_other(
    amounts: dict[str, str], words: str
) -> None:
    assert in_words({each: Decimal(amount) for each, amount in amounts.items()}) == words
