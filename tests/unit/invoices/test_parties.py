"""Parties: who a client or seller is on a day, whose an account is, and what they are given."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from invoices.clients import (
    AccountId,
    Address,
    Assignment,
    Client,
    ClientFacts,
    ClientKey,
    MonthPolicies,
    NegativeMonths,
    OverlappingAssignments,
    Roster,
    Tax,
    TaxCategory,
    ZeroMonths,
    with_facts,
)
from invoices.documents.invoice import Seller, SellerFacts, seller_on
from invoices.documents.issuing import issue, missing_of_buyer
from invoices.documents.numbering import invoice_number, number_prefix, series_key
from invoices.inputs import Waiver
from invoices.periods import BillingPeriod, DaySpan
from kernel.findings import Finding, Severity
from tests.support.bills.sample_documents import SELLER, small_invoice
from tests.support.builders import OCTOBER, PAYER, client, inputs

ACME, BELL = ClientKey("acme"), ClientKey("bell")
MUNICH = Address("Platz 1", "München", "80331", "DE")
VIENNA = Address("Ring 2", "Wien", "1010", "AT")
GERMAN = Tax(TaxCategory.REVERSE_CHARGE, vat_id="DE136695976")
AUSTRIAN = Tax(TaxCategory.REVERSE_CHARGE, vat_id="ATU12345675")
BEFORE = client(
    "acme", name="Old", address=MUNICH, email="old@a.example", tax=GERMAN, buyer_reference="PO 1"
)
FIFTH = date(2026, 10, 5)
MOVED = ClientFacts(ACME, FIFTH, "New", VIENNA, "new@a.example", AUSTRIAN, "PO 2")


def known(*facts: ClientFacts, addressed_on: date = FIFTH, supplied_on: date = FIFTH) -> Client:
    return with_facts(BEFORE, facts, addressed_on=addressed_on, supplied_on=supplied_on)


def test_a_client_is_another_from_the_first_day_of_its_facts() -> None:
    eve = date(2026, 10, 4)
    new: dict[str, Any] = {"name": "New", "address": VIENNA, "email": "new@a.example"}
    supplied: dict[str, Any] = {"tax": AUSTRIAN, "buyer_reference": "PO 2"}

    assert known(MOVED) == replace(BEFORE, **new, **supplied)
    assert known(MOVED, supplied_on=eve) == replace(BEFORE, **new)
    assert known(MOVED, addressed_on=eve) == replace(BEFORE, **supplied)
    assert known(MOVED, addressed_on=eve, supplied_on=eve) == BEFORE


def test_what_a_client_s_facts_do_not_say_is_as_before() -> None:
    assert known(ClientFacts(ACME, FIFTH)) == BEFORE
    assert known(replace(MOVED, client=BELL)) == BEFORE
    # '' is said: there is no address for mail and no order any more.
    assert known(ClientFacts(ACME, FIFTH, name="", email="", buyer_reference="")) == replace(
        BEFORE, name="", email="", buyer_reference=""
    )


def test_later_facts_come_upon_earlier_ones_in_whatever_order_they_are_given() -> None:
    later = ClientFacts(ACME, date(2026, 10, 6), name="Newest")

    for facts in ([MOVED, later], [later, MOVED]):
        found = known(*facts, addressed_on=date(2026, 10, 6))
        assert (found.name, found.address) == ("Newest", VIENNA)


def test_a_seller_is_another_from_the_first_day_of_its_facts() -> None:
    said: dict[str, Any] = {
        "name": "New Ltd", "address": VIENNA, "tax_id": "ATU12345675", "email": "n@n.example",
        "phone": "+43 1", "website": "n.example", "registration": "FN 1",
        "payment_details": (("IBAN", "AT61"),), "footer": "",
    }  # fmt: skip
    facts = SellerFacts("example", FIFTH, **said)

    def on(day: int, *given: SellerFacts) -> Seller:
        return seller_on(SELLER, given, date(2026, 10, day))

    assert on(5, facts) == replace(SELLER, **said)
    assert on(4, facts) == on(5, replace(facts, seller="other")) == SELLER
    later = SellerFacts("example", date(2026, 10, 6), name="Newest Ltd")
    assert on(6, later, facts) == on(6, facts, later) == replace(
        SELLER, **{**said, "name": "Newest Ltd"}
    )  # fmt: skip


def test_a_client_s_policy_goes_before_its_seller_s() -> None:
    assert MonthPolicies.of("no_document", "carry_forward") == MonthPolicies(
        ZeroMonths.NO_DOCUMENT, NegativeMonths.CARRY_FORWARD
    )
    assert MonthPolicies.of(None, None) == MonthPolicies() == MonthPolicies.of("", "")
    assert MonthPolicies.of("invoice", "park") == MonthPolicies(
        ZeroMonths.INVOICE, NegativeMonths.PARK
    )
    carried = MonthPolicies.of("no_document", "carry_forward")
    kept = MonthPolicies.of("invoice", "park")
    silent, month = client("acme"), inputs()

    def policies(seller: MonthPolicies, of: MonthPolicies) -> tuple[ZeroMonths, NegativeMonths]:
        asked, buyer = replace(month, months=seller), replace(silent, months=of)
        return asked.zero_months(buyer), asked.negative_months(buyer)

    nobody = MonthPolicies()
    assert policies(nobody, nobody) == (ZeroMonths.INVOICE, NegativeMonths.PARK)
    assert policies(carried, nobody) == (ZeroMonths.NO_DOCUMENT, NegativeMonths.CARRY_FORWARD)
    assert policies(carried, kept) == (ZeroMonths.INVOICE, NegativeMonths.PARK)
    assert policies(kept, carried) == (ZeroMonths.NO_DOCUMENT, NegativeMonths.CARRY_FORWARD)


def test_an_account_is_whose_it_is_on_the_day() -> None:
    one, two = AccountId("111111111111"), AccountId("222222222222")
    roster = Roster.of(
        [
            Assignment(two, BELL, DaySpan(date(2026, 1, 1))),
            Assignment(one, BELL, DaySpan(date(2026, 10, 5))),
            Assignment(one, ACME, DaySpan(date(2026, 10, 1), date(2026, 10, 4))),
        ]
    )

    found = [roster.client_of(one, date(2026, 10, day)) for day in (1, 3, 4, 5, 31)]
    assert found == [ACME, ACME, None, BELL, BELL]
    assert roster.client_of(one, date(2026, 9, 30)) is None
    assert roster.client_of(two, date(2026, 9, 30)) == BELL
    assert roster.client_of(AccountId("333333333333"), FIFTH) is None


def test_an_account_has_one_client_on_a_day() -> None:
    one = AccountId("111111111111")
    first = Assignment(one, ACME, DaySpan(date(2026, 10, 1), date(2026, 10, 6)))

    with pytest.raises(OverlappingAssignments) as raised:
        Roster.of([Assignment(one, BELL, DaySpan(FIFTH)), first])
    assert str(raised.value) == (
        "account 111111111111 belongs to acme from 2026-10-01 and to bell from 2026-10-05: "
        "end the first before the second begins"
    )


def test_a_waiver_is_of_one_code_and_of_its_client_or_of_all() -> None:
    cut_off = Finding(Severity.CRITICAL, "cut_off", "file", "…", client="acme")

    def covers(code: str, whose: str) -> bool:
        return Waiver(PAYER, OCTOBER, code, whose, "known").covers(cut_off)

    assert covers("cut_off", "acme") and covers("cut_off", "")
    assert not covers("cut_off", "bell") and not covers("tax_upon_tax", "acme")
    assert not covers("tax_upon_tax", "")


def test_numbers_have_six_digits_and_the_year_that_their_prefix_asks_for() -> None:
    assert (invoice_number("INV-", 1), invoice_number("", 1_234_567)) == ("INV-000001", "1234567")
    assert number_prefix("R{year}-", date(2027, 1, 1)) == "R2027-"
    assert number_prefix("INV-", date(2027, 1, 1)) == "INV-"
    assert series_key("example", "R{year}-", date(2027, 1, 1)) == "example:2027"
    assert series_key("example", "INV-", date(2027, 1, 1)) == "example"
    with pytest.raises(AssertionError, match="numbers start at 1"):
        invoice_number("INV-", 0)


def test_an_invoice_is_due_after_its_terms_and_has_a_number() -> None:
    draft = replace(small_invoice(), number="", payment_terms_days=30)

    issued = issue(draft, number="INV-000001", issued_on=date(2026, 10, 5))
    assert (issued.number, issued.issued_on, issued.due_on) == (
        "INV-000001",
        date(2026, 10, 5),
        date(2026, 11, 4),
    )
    with pytest.raises(AssertionError, match="has a number"):
        issue(draft, number="", issued_on=date(2026, 10, 5))


ADDRESS_MISSING = "a name, street, city or country"


@pytest.mark.parametrize(
    ("category", "buyer", "missing"),
    [
        ("standard", {}, ""),
        ("standard", {"vat_id": ""}, ""),
        ("reverse_charge", {}, ""),
        ("reverse_charge", {"vat_id": ""}, "a VAT id"),
        ("standard", {"name": ""}, ADDRESS_MISSING),
        ("standard", {"address": replace(MUNICH, street="")}, ADDRESS_MISSING),
        ("standard", {"address": replace(MUNICH, city="")}, ADDRESS_MISSING),
        ("standard", {"address": replace(MUNICH, country="")}, ADDRESS_MISSING),
        ("standard", {"address": replace(MUNICH, postcode="")}, ""),
        ("outside_scope", {"name": "", "vat_id": ""}, ""),
    ],
)
def test_what_an_invoice_has_to_say_of_its_buyer(
    category: str, buyer: dict[str, Any], missing: str
) -> None:
    invoice = small_invoice()
    (tax,) = invoice.tax_lines
    invoice = replace(
        invoice,
        buyer=replace(invoice.buyer, **buyer),
        tax_lines=(replace(tax, category=TaxCategory(category)),),
    )

    assert missing_of_buyer(invoice) == missing


def test_days_are_in_a_span_from_its_first_to_the_one_before_its_end() -> None:
    first, last, end = date(2026, 10, 1), date(2026, 10, 9), date(2026, 10, 10)
    span = DaySpan(first, end)

    assert first in span and last in span and end in DaySpan(first)
    assert end not in span and date(2026, 9, 30) not in span
    assert date(2026, 9, 30) not in DaySpan(first)
    assert BillingPeriod.of(last) == BillingPeriod(2026, 10)
