"""Checks: what is found, whom it parks, and that the others go on."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.clients import (
    AccountId,
    Address,
    ClientKey,
    MonthPolicies,
    NegativeMonths,
    Tax,
    TaxCategory,
)
from invoices.inputs import ExchangeRate
from invoices.kinds import CostBasis, Kind
from invoices.month import BilledMonth, bill, prove
from invoices.pricing.book import PriceBook
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
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

ACME, BELL = "111111111111", "222222222222"
BOTH = (owns("acme", ACME), owns("bell", BELL))
ROWS = (charge(ACME, "10"), charge(BELL, "20"))


def codes(month: BilledMonth) -> list[str]:
    return [finding.code for finding in month.findings]


def billed_with(acme: dict[str, Any], **other: Any) -> BilledMonth:
    return bill(charges(*ROWS), inputs(*BOTH, clients=[client("acme", **acme), client("bell")]))


def test_a_plain_month_has_no_findings() -> None:
    month = bill(charges(*ROWS), inputs(*BOTH))

    assert month.findings == ()
    assert [draft.client for draft in month.drafts] == ["acme", "bell"]


@pytest.mark.parametrize(
    ("acme", "code"),
    [
        ({"price_book": "gone"}, "price_book_missing"),
        ({"currency": "EUR"}, "exchange_rate_missing"),
        ({"tax": Tax(TaxCategory.REVERSE_CHARGE)}, "client_tax_id_missing"),
        ({"tax": Tax(TaxCategory.STANDARD)}, "tax_rate_inconsistent"),
        ({"tax": Tax(TaxCategory.EXEMPT, Decimal(19))}, "tax_rate_inconsistent"),
        (
            {
                "tax": Tax(TaxCategory.STANDARD, Decimal(19)),
                "address": Address(street="", city="", postcode="", country=""),
            },
            "client_address_incomplete",
        ),
    ],
)
def test_one_clients_trouble_parks_that_client_and_the_others_go_on(
    acme: dict[str, Any], code: str
) -> None:
    month = billed_with(acme)

    assert codes(month) == [code]
    assert month.parked == {"acme"}
    assert [draft.client for draft in month.drafts] == ["bell"]
    assert [statement.client for statement in month.statements] == ["acme", "bell"]


def test_without_tax_an_incomplete_address_is_a_warning() -> None:
    month = billed_with({"address": Address(street="", city="", postcode="", country="")})

    assert [(each.severity, each.code) for each in month.findings] == [
        (Severity.WARNING, "client_address_incomplete")
    ]
    assert month.parked == frozenset()


def test_a_bearer_that_is_no_client_is_parked() -> None:
    month = bill(charges(*ROWS), inputs(*BOTH, clients=[client("bell")]))

    assert codes(month) == ["client_unknown"]
    assert month.parked == {"acme"}


def test_unassigned_charges_block_the_period_and_say_what_to_do() -> None:
    month = bill(
        charges(*ROWS, charge("333333333333", "1.50", service_day=date(2018, 10, 7))), inputs(*BOTH)
    )

    (finding,) = month.findings
    assert (finding.severity, finding.code, finding.client) == (
        Severity.CRITICAL,
        "account_unassigned",
        "",
    )
    assert finding.message == (
        "Account 333333333333 has 1.5 USD of charges from 2018-10-07 to 2018-10-07 and no client "
        "then; assign it to a client from that day, or name it an internal account."
    )
    assert len(month.drafts) == 2


def test_an_unassigned_account_that_costs_nothing_is_named_and_blocks_nothing() -> None:
    month = bill(charges(*ROWS, charge("333333333333", "0")), inputs(*BOTH))

    (finding,) = month.findings
    assert (finding.severity, finding.code) == (Severity.WARNING, "account_unassigned")
    assert prove(month).closes


def test_charges_that_cancel_out_are_not_free() -> None:
    month = bill(
        charges(*ROWS, charge("333333333333", "5"), charge("333333333333", "-5", Kind.CREDIT)),
        inputs(*BOTH),
    )

    (finding,) = month.findings
    assert (finding.severity, finding.code) == (Severity.CRITICAL, "account_unassigned")


def test_an_unknown_kind_blocks_the_period() -> None:
    month = bill(charges(*ROWS, charge(ACME, "4", Kind.UNKNOWN)), inputs(*BOTH))

    assert codes(month) == ["unknown_charges"]
    assert "4 USD" in month.findings[0].message


def test_an_internal_account_with_a_client_is_worth_a_word() -> None:
    month = bill(charges(*ROWS), inputs(*BOTH, internal=[ACME]))

    assert codes(month) == ["internal_account_assigned"]
    assert [draft.client for draft in month.drafts] == ["bell"]


def test_a_negative_total_is_no_invoice() -> None:
    rows = [charge(ACME, "-3", Kind.REFUND), charge(BELL, "0")]

    month = bill(charges(*rows), inputs(*BOTH))

    assert codes(month) == ["total_negative", "total_zero"]
    assert month.parked == {"acme"}
    assert [draft.client for draft in month.drafts] == ["bell"]
    assert "-3 USD: that is a credit note" in month.findings[0].message


def test_what_is_owed_is_told_in_the_units_of_its_currency() -> None:
    """-3 USD at 150 are -450 yen, which have no minor unit."""

    def told(policy: NegativeMonths) -> str:
        acme = client("acme", currency="JPY", months=MonthPolicies(negative=policy))
        rate = ExchangeRate(OCTOBER, "USD", "JPY", Decimal(150), "")
        known = inputs(owns("acme", ACME), clients=[acme], rates=[rate])
        (finding,) = bill(charges(charge(ACME, "-3", Kind.REFUND)), known).findings
        return finding.message

    assert told(NegativeMonths.PARK).startswith("acme would get -450 JPY")
    assert told(NegativeMonths.CARRY_FORWARD).startswith("acme is owed 450 JPY")


def test_a_negative_month_that_is_carried_forward_parks_nobody() -> None:
    carrying = client("acme", months=MonthPolicies(negative=NegativeMonths.CARRY_FORWARD))
    known = inputs(owns("acme", ACME), clients=[carrying])

    month = bill(charges(charge(ACME, "-3.5", Kind.REFUND)), known)

    assert month.parked == frozenset()
    assert [(each.severity, each.code, each.where) for each in month.findings] == [
        (Severity.WARNING, "carried_forward", "acme")
    ]
    words = "acme is owed 3.5 USD before tax for 2018-10 and gets no document: the balance"
    assert month.findings[0].message.startswith(words)


def test_a_credit_larger_than_the_bill_is_no_invoice_either() -> None:
    credit = CustomLineItem(
        "x", ClientKey("acme"), CustomKind.CREDIT, "Goodwill", Flat(Decimal(500)), OCTOBER
    )
    month = bill(charges(*ROWS), inputs(*BOTH, custom=[credit]))

    assert month.parked == {"acme"}


@pytest.mark.parametrize(
    ("rate", "passed", "parked"), [("19", "100", {"acme"}), ("19", "0", set()), ("0", "100", set())]
)
def test_aws_s_own_tax_is_not_taxed_again(rate: str, passed: str, parked: set[str]) -> None:
    category = TaxCategory.STANDARD if Decimal(rate) else TaxCategory.OUTSIDE_SCOPE
    acme = client("acme", tax=Tax(category, Decimal(rate)))
    rows = [charge(ACME, "10"), charge(ACME, "2", Kind.TAX, tax_type="VAT")]
    passing = book(aws_tax_passed_percent=Decimal(passed))

    month = bill(charges(*rows), inputs(owns("acme", ACME), clients=[acme], books=[passing]))

    assert month.parked == parked
    assert [c for c in codes(month) if c == "tax_upon_tax"] == ["tax_upon_tax"] * len(parked)


def test_an_item_of_no_payer_in_particular_parks_where_there_are_several() -> None:
    item = CustomLineItem("x", ClientKey("acme"), CustomKind.FEE, "Fee", Flat(Decimal(1)), OCTOBER)
    month = inputs(*BOTH, custom=[item])

    assert bill(charges(*ROWS), month).parked == frozenset()
    several = bill(charges(*ROWS), replace(month, has_other_payers=True))
    assert several.parked == {"acme"}
    assert codes(several) == ["custom_line_item_of_any_payer"]


def test_selling_below_cost_is_a_warning() -> None:
    month = bill(charges(*ROWS), inputs(*BOTH, books=[book(markup("-10"))]))

    assert codes(month) == ["sold_below_cost", "sold_below_cost"]
    assert month.findings[0].message == "The charges of acme are priced 1 USD below their cost."


def test_shares_of_discounts_that_have_no_kind_are_worth_a_word() -> None:
    discounted = charge(ACME, "100", net_billed_cost="90")
    half = {Kind.DISCOUNT_EDP: Decimal(50)}
    gross = book(cost_basis=CostBasis.BILLED, discounts_passed_percent=half)
    net = book(cost_basis=CostBasis.NET_BILLED, discounts_passed_percent=half)

    def found(priced_by: PriceBook) -> list[str]:
        return codes(bill(charges(discounted), inputs(BOTH[0], books=[priced_by])))

    assert found(gross) == ["discounts_without_kind"]
    # It is the client's whole, and half of it was to be kept.
    assert found(net) == ["discounts_passed_whole"]
    assert found(replace(net, discounts_passed_percent={})) == found(book()) == []


def test_a_custom_item_of_nobody_is_a_warning() -> None:
    item = CustomLineItem("i", ClientKey("gone"), CustomKind.FEE, "Fee", Flat(Decimal(1)), OCTOBER)

    month = bill(charges(*ROWS), inputs(*BOTH, custom=[item]))

    assert codes(month) == ["custom_line_item_without_client"]


@pytest.mark.parametrize(
    ("services", "accounts", "told"),
    [
        (("AmazonECS",), (), ["percentage_of_nothing"]),
        ((), ("999999999999",), ["percentage_of_nothing"]),
        (("Amazon*",), (), []),
        ((), (), []),
    ],
)
def test_a_percentage_of_what_nobody_uses_is_told(
    services: tuple[str, ...], accounts: tuple[str, ...], told: list[str]
) -> None:
    own = tuple(AccountId(each) for each in accounts)
    share = Percentage(Decimal(3), PercentOf.PRICE, services=services, accounts=own)
    item = CustomLineItem("i", ClientKey("acme"), CustomKind.FEE, "Fee", share, OCTOBER)

    assert codes(bill(charges(*ROWS), inputs(*BOTH, custom=[item]))) == told


def test_findings_are_sorted_the_critical_first() -> None:
    month = bill(
        charges(*ROWS, charge("333333333333", "1")),
        replace(inputs(*BOTH), internal_accounts=frozenset()),
    )

    assert list(month.findings) == sorted(month.findings)


@pytest.mark.parametrize(
    ("basis", "told"),
    [
        (CostBasis.BILLED, True),
        (CostBasis.AMORTIZED, True),
        (CostBasis.BLENDED, True),
        (CostBasis.NET_BILLED, False),
        (CostBasis.NET_AMORTIZED, False),
        (CostBasis.LIST, False),
    ],
)
def test_only_a_gross_basis_can_lose_a_share_of_discounts(basis: CostBasis, told: bool) -> None:
    row = charge(ACME, "10", net_billed_cost="9")
    passing = book(cost_basis=basis, discounts_passed_percent={Kind.DISCOUNT_EDP: Decimal(50)})
    known = inputs(owns("acme", ACME), books=[passing])

    assert ("discounts_without_kind" in codes(bill(charges(row), known))) is (
        told and "discounts" in bill(charges(row), known).retained
    )


def test_what_is_retained_whole_is_on_no_line() -> None:
    rows = [charge(ACME, "10"), charge(ACME, "-3", Kind.CREDIT)]
    (statement,) = bill(charges(*rows), inputs(owns("acme", ACME))).statements

    assert [line.price for line in statement.lines] == [Decimal(10)]


@pytest.mark.parametrize(
    ("country", "currency", "said", "told"),
    [
        ("IE", "USD", "", "EUR"),
        ("PL", "EUR", "", "PLN"),
        ("JP", "USD", "", "JPY"),
        ("IE", "USD", "EUR", ""),  # Said: its rate is another check.
        ("IE", "EUR", "", ""),
        ("CH", "USD", "", ""),  # Nobody asks for it.
    ],
)
def test_a_seller_whose_country_wants_tax_in_its_own_currency_is_told(
    country: str, currency: str, said: str, told: str
) -> None:
    """20 % of 10 in another currency, to be stated in the national one, too (art. 230)."""
    taxed = client("acme", currency=currency, tax=Tax(TaxCategory.STANDARD, Decimal(20)))
    rates = [
        ExchangeRate(OCTOBER, *pair, Decimal("0.9"), "T")
        for pair in (("USD", "EUR"), ("USD", "PLN"), ("EUR", "PLN"))
    ]
    given = inputs(*BOTH, clients=[taxed, client("bell")], rates=rates)
    where = replace(given.seller.address, country=country)
    given = replace(given, seller=replace(given.seller, address=where), tax_currency=said)

    found = [f for f in bill(charges(*ROWS), given).findings if f.code == "tax_currency_unsaid"]

    assert [(each.severity, each.where, each.client) for each in found] == (
        [(Severity.WARNING, "example", "")] if told else []
    )
    for each in found:
        assert f"acme: tax is asked for in another currency than {told}" in each.message


def test_a_tax_without_a_rate_into_the_seller_s_currency_parks_and_says_which_is_missing() -> None:
    taxed = client("acme", tax=Tax(TaxCategory.STANDARD, Decimal(20)))
    given = replace(inputs(*BOTH, clients=[taxed, client("bell")]), tax_currency="EUR")

    found = [f for f in bill(charges(*ROWS), given).findings if f.code == "tax_rate_missing"]

    words = (
        "The tax of acme is to be stated in EUR, too, and 2018-10 has no rate from USD to EUR; "
        "add it to exchange_rates."
    )
    assert [(each.client, each.message) for each in found] == [("acme", words)]


def test_no_tax_needs_no_national_currency() -> None:
    month = bill(charges(*ROWS), inputs(*BOTH))

    assert "tax_currency_unsaid" not in codes(month)


@pytest.mark.parametrize("said", ["", "EUR"])
def test_a_month_that_becomes_no_invoice_needs_no_rate_for_its_tax(said: str) -> None:
    """-10 dollars and -2 of tax: what its invoices say in euros, they say when they take it off."""
    taxed = client("acme", tax=Tax(TaxCategory.STANDARD, Decimal(20)))
    given = inputs(
        owns("acme", ACME), clients=[taxed], books=[book(credits_passed_percent=Decimal(100))]
    )
    carried = MonthPolicies(negative=NegativeMonths.CARRY_FORWARD)
    given = replace(given, tax_currency=said, months=carried)

    month = bill(charges(charge(ACME, "-10", Kind.CREDIT)), given)

    assert codes(month) == ["carried_forward"]
    assert month.drafts[0].invoice.total_minor == -12_00
