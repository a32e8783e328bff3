"""Documents: an invoice survives JSON, and issuing adds a number and dates, nothing else."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from invoices.clients import Address, Tax, TaxCategory
from invoices.documents.document import canonical_bytes, content_id, from_document, to_document
from invoices.documents.invoice import Buyer, Exchange, Invoice, InvoiceLine, Seller
from invoices.documents.issuing import issue
from invoices.documents.tax import tax_line
from invoices.money import Rounding
from invoices.periods import BillingPeriod

SELLER = Seller(
    key="example",
    name="Example Cloud Ltd",
    address=Address(street="1 Quay", city="Cork", postcode="T12", country="IE"),
    tax_id="IE6388047V",
    payment_details=(("IBAN", "IE29 AIBK 9311 5212 3456 78"),),
)
EC2 = InvoiceLine(
    key="011254002932/AmazonEC2/usage",
    account_id="011254002932",
    account_name="Müller & Söhne",
    service="AmazonEC2",
    service_name="Amazon Elastic Compute Cloud",
    description="Usage",
    quantity=Decimal(1),
    unit="",
    price=Decimal("100.0049999999"),
    amount_minor=100_00,
)
DRAFT = Invoice(
    number="",
    seller=SELLER,
    buyer=Buyer(key="acme", name="Acme GmbH", address=SELLER.address, vat_id="DE136695976"),
    period=BillingPeriod(2018, 10),
    currency="EUR",
    issued_on=None,
    due_on=None,
    payment_terms_days=30,
    lines=(EC2,),
    tax_lines=(
        tax_line(
            Tax(TaxCategory.STANDARD, rate_percent=Decimal("23")),
            base_minor=100_00,
            currency="EUR",
            rounding=Rounding.HALF_UP,
        ),
    ),
    subtotal_minor=100_00,
    tax_minor=23_00,
    total_minor=123_00,
    exchange=Exchange("USD", "EUR", Decimal("0.8706"), "ECB 2018-10-31"),
    notes=("Thank you.",),
)


def test_an_invoice_comes_back_from_json_as_it_was() -> None:
    document = json.loads(json.dumps(to_document(DRAFT)))

    assert from_document(document) == DRAFT
    assert to_document(from_document(document)) == document


def test_ids_in_other_systems_are_in_a_document_only_where_there_are_some() -> None:
    """Those of documents without keep their bytes: `tests/golden` has one of an earlier version."""
    buyer = replace(DRAFT.buyer, external_refs=(("halopsa", "4711"), ("ninja", "N-7")))
    document = json.loads(json.dumps(to_document(replace(DRAFT, buyer=buyer))))

    assert document["client"]["external_refs"] == {"halopsa": "4711", "ninja": "N-7"}
    assert from_document(document) == replace(DRAFT, buyer=buyer)
    assert "external_refs" not in to_document(DRAFT)["client"]


def test_an_issued_invoice_comes_back_with_its_dates() -> None:
    issued = issue(DRAFT, number="INV-000007", issued_on=date(2018, 11, 5))

    assert from_document(to_document(issued)) == issued


def test_a_document_has_the_published_names_and_amounts_as_text() -> None:
    document = to_document(DRAFT)

    assert document["number"] == ""
    assert document["client"]["key"] == "acme"
    assert document["period"] == "2018-10"
    assert (document["subtotal"], document["tax"], document["total"]) == (
        "100.00",
        "23.00",
        "123.00",
    )
    assert document["lines"][0] == {
        "key": "011254002932/AmazonEC2/usage",
        "account_id": "011254002932",
        "account_name": "Müller & Söhne",
        "service": "AmazonEC2",
        "service_name": "Amazon Elastic Compute Cloud",
        "description": "Usage",
        "quantity": "1",
        "unit": "",
        "price": "100.0049999999",
        "amount": "100.00",
    }


def test_equal_content_has_an_equal_id() -> None:
    document = to_document(DRAFT)
    shuffled = dict(reversed(document.items()))

    assert canonical_bytes(document) == canonical_bytes(shuffled)
    assert content_id(document) == content_id(shuffled)
    assert content_id(document) != content_id({**document, "number": "INV-000001"})


@pytest.mark.parametrize(
    ("currency", "minor", "text"),
    [("USD", -5, "-0.05"), ("JPY", 1234, "1234"), ("KWD", 1_234, "1.234"), ("USD", 0, "0.00")],
)
def test_amounts_carry_their_currencys_places(currency: str, minor: int, text: str) -> None:
    line = replace(EC2, amount_minor=minor)
    tax = tax_line(Tax(), base_minor=minor, currency=currency, rounding=Rounding.HALF_UP)
    invoice = replace(
        DRAFT,
        currency=currency,
        lines=(line,),
        tax_lines=(tax,),
        subtotal_minor=minor,
        tax_minor=0,
        total_minor=minor,
    )

    document = to_document(invoice)

    assert document["total"] == text
    assert from_document(document) == invoice


def test_an_amount_finer_than_the_currency_is_refused() -> None:
    document = to_document(DRAFT)

    with pytest.raises(ValueError, match=r"1\.005 EUR is finer"):
        from_document({**document, "total": "1.005"})


def test_issuing_sets_the_number_and_the_dates_and_nothing_else() -> None:
    issued = issue(DRAFT, number="INV-000007", issued_on=date(2018, 11, 5))

    assert (issued.number, issued.issued_on, issued.due_on) == (
        "INV-000007",
        date(2018, 11, 5),
        date(2018, 12, 5),
    )
    assert replace(issued, number="", issued_on=None, due_on=None) == DRAFT


def test_an_issued_invoice_cannot_be_issued_again() -> None:
    issued = issue(DRAFT, number="INV-000007", issued_on=date(2018, 11, 5))

    with pytest.raises(AssertionError, match="credit note"):
        issue(issued, number="INV-000008", issued_on=date(2018, 11, 6))


def test_tax_is_rounded_once_on_the_subtotal() -> None:
    tax = tax_line(
        Tax(TaxCategory.STANDARD, rate_percent=Decimal("8.875")),
        base_minor=99_99,
        currency="USD",
        rounding=Rounding.HALF_UP,
    )

    assert tax.tax_minor == 8_87  # 99.99 x 8.875 % = 8.8741125


def test_reverse_charge_asks_for_nothing_and_says_why() -> None:
    reverse = Tax(TaxCategory.REVERSE_CHARGE, rate_percent=Decimal(19), vat_id="DE136695976")

    tax = tax_line(reverse, base_minor=100_00, currency="EUR", rounding=Rounding.HALF_UP)

    assert (tax.rate_percent, tax.tax_minor) == (Decimal(0), 0)
    assert tax.note == "Reverse charge: the recipient accounts for the tax."
