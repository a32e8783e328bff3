"""What a printed invoice says, every word and figure of it, before the template draws it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from invoices.clients import Address, TaxCategory
from invoices.documents.invoice import AccountingTax, Exchange, TaxLine
from invoices.render.page import page_of
from invoices.render.wording import (
    address_lines,
    breakable,
    letterhead_lines,
    name,
    spelled_day,
    spelled_price,
    spelled_terms,
)
from tests.support.bills.sample_documents import BUYER, SELLER, invoice, line, small_invoice

DETAILS = [("IBAN", "IE29 AIBK 9311 5212 3456 78"), ("BIC", "AIBKIE2D")]


MUELLER = "Müller & Söhne, 株式会社"
USAGE = "eu-west-1, BoxUsage:m5.large"
SMALL_PAGE = {
    "draft": False,
    "title": "Invoice INV-000007",
    "document_title": "Invoice INV-000007, Example Cloud Ltd",
    "subtitle": "AWS services, October 2026",
    "currency": "EUR",
    "han": None,
    "seller": {
        "name": "Example Cloud Ltd",
        "lines": ["1 Quay", "Cork T12 X2Y3", "Ireland", "billing@example.com"],
        "return_address": "Example Cloud Ltd · 1 Quay · Cork T12 X2Y3",
    },
    "buyer": {
        "name": "Acme Maschinenbau GmbH & Co. KG",
        "lines": ["Industriestraße 12", "80331 München", "GERMANY"],
    },
    "facts": [
        ("Invoice number", "INV-000007"),
        ("Issue date", "5 November 2026"),
        ("Due date", "5 December 2026"),
        ("Payment terms", "30 days net"),
        ("Billing period", "1–31 October 2026"),
        ("Currency", "EUR"),
        ("Your tax number", "DE136695976"),
        ("Your reference", "PO 4500012345"),
    ],
    "summaries": [
        {
            "title": "By service",
            "head": "Service",
            "rows": [
                ("Amazon EC2", "", "124.91"),
                ("Amazon S3", "", "73.00"),
                ("Fees and other charges", "", "950.00"),
            ],
        },
        {
            "title": "By account",
            "head": "Account",
            "rows": [
                ("000000000042", MUELLER, "112.57"),
                ("011254002932", "production", "85.34"),
                ("Fees and other charges", "", "950.00"),
            ],
        },
    ],
    "summaries_short": True,
    "totals": [("Subtotal", "1,147.91"), ("Tax (reverse charge)", "0.00")],
    "total": ("Total due", "EUR 1,147.91"),
    "total_on": "due 5 December 2026",
    "payment": [
        ("Amount", "EUR 1,147.91"),
        ("Pay by", "5 December 2026"),
        *DETAILS,
        ("Reference", "INV-000007"),
    ],
    "notes": [
        "Reverse charge: the recipient accounts for the tax.",
        "Exchange rate: 1 USD = 0.8706 EUR (ECB 2026-10-30).",
        "Thank you for your business.",
    ],
    "priced": True,
    "groups": [
        {
            "name": "011254002932",
            "detail": "production",
            "rows": [
                ["Amazon EC2", USAGE, "", "", "12.34"],
                ["Amazon S3", USAGE, "730 Hrs", "0.10", "73.00"],
            ],
            "folded": "1 further line of 0.00 in the CSV and XLSX files",
            "subtotal": "85.34",
        },
        {
            "name": "000000000042",
            "detail": MUELLER,
            "rows": [
                ["Amazon EC2", USAGE, "", "", "−5.00"],
                ["Amazon EC2", USAGE, "", "", "117.57"],
            ],
            "folded": "",
            "subtotal": "112.57",
        },
        {
            "name": "Fees and other charges",
            "detail": "",
            "rows": [["Fee", "", "", "", "950.00"]],
            "folded": "",
            "subtotal": "950.00",
        },
    ],
    "footer": [
        "Example Cloud Ltd · Registered in Ireland no. 123456 · Tax number IE6388047V",
        "Directors: A. Byrne, C. Doyle",
    ],
}
"""Of the sample: all it says."""


def test_a_page_has_every_word_and_figure_of_its_invoice() -> None:
    """12.34 - 5.00 + 117.57 of EC2 are 124.91; 12.34 + 73.00 of production, 85.34."""
    assert page_of(small_invoice()) == SMALL_PAGE


def test_a_draft_in_yen_asks_for_no_payment_and_shows_nothing_it_has_not() -> None:
    seller = replace(
        SELLER, registration="", footer="", tax_id="", email="", phone="+353 1", website="rebill.eu"
    )
    buyer = replace(BUYER, address=replace(BUYER.address, country="JP"), vat_id="")
    silent = tuple(line(0, key=f"s{n}", account_id=f"{n:012}", currency="JPY") for n in (1, 2))
    page = page_of(
        invoice(
            (line(1_234, currency="JPY"), *silent),
            number="", currency="JPY", seller=seller, buyer=replace(buyer, buyer_reference=""),
        )
    )  # fmt: skip

    assert (page["draft"], page["title"], page["payment"]) == (True, "Draft invoice", [])
    assert page["document_title"] == "Draft invoice, Example Cloud Ltd"
    assert (page["han"], page["total_on"]) == ({"lang": "ja", "region": "JP"}, "")
    assert page["facts"] == [
        ("Invoice number", "not issued yet"),
        ("Payment terms", "30 days net"),
        ("Billing period", "1–31 October 2026"),
        ("Currency", "JPY"),
    ]
    assert page["seller"]["lines"][-2:] == ["+353 1", "rebill.eu"]
    assert (page["summaries"], page["footer"]) == ([], ["Example Cloud Ltd"])
    assert (page["totals"][0], page["total"]) == (("Subtotal", "1,234"), ("Total due", "JPY 1,234"))
    assert not page["priced"]
    assert page["groups"][1:] == [
        {
            "name": "2 accounts without charges",
            "detail": "",
            "rows": [],
            "folded": "2 further lines of 0 in the CSV and XLSX files",
            "subtotal": "0",
        }
    ]
    one = page_of(invoice((line(5), silent[0]), currency="EUR"))
    assert one["groups"][1]["name"] == "1 account without charges"
    assert one["groups"][1]["folded"] == "1 further line of 0.00 in the CSV and XLSX files"


def test_tax_is_told_with_its_rate_its_base_and_in_the_seller_s_own_currency() -> None:
    taxes = (TaxLine(TaxCategory.STANDARD, Decimal("19.0"), 1_234_00, 234_46, ""),)
    own = (TaxLine(TaxCategory.STANDARD, Decimal("19.0"), 1_000_00, 190_00, ""),)
    taxed = replace(
        invoice((line(1_234_00),)),
        tax_lines=taxes,
        tax_minor=234_46,
        total_minor=1_468_46,
        accounting_tax=AccountingTax(Exchange("EUR", "KWD", Decimal("0.350"), "ECB"), own),
    )
    page = page_of(taxed)

    assert page["totals"] == [("Subtotal", "1,234.00"), ("Tax 19 % of 1,234.00", "234.46")]
    assert page["total"] == ("Total due", "EUR 1,468.46")
    assert page["notes"] == ["Tax in KWD: 19.000 (19 % of 100.000), at 1 EUR = 0.35 KWD (ECB)."]


@pytest.mark.parametrize(
    ("category", "label"),
    [
        (TaxCategory.STANDARD, "Tax"),
        (TaxCategory.ZERO, "Tax (zero-rated)"),
        (TaxCategory.EXEMPT, "Tax (exempt)"),
        (TaxCategory.OUTSIDE_SCOPE, "Not subject to tax"),
        (TaxCategory.EXPORT, "Tax (export)"),
    ],
)
def test_a_tax_of_nothing_says_why(category: TaxCategory, label: str) -> None:
    document = invoice((line(5_00),))
    page = page_of(replace(document, tax_lines=(TaxLine(category, Decimal(0), 5_00, 0, "A"),) * 2))

    assert page["totals"][1:] == [(label, "0.00"), (label, "0.00")]
    assert page["notes"] == ["A"]


def test_what_is_in_the_client_s_favour_asks_for_no_payment() -> None:
    page = page_of(invoice((line(-5_00),)))

    assert page["total"] == ("Total in your favour", "EUR −5.00")
    assert page["payment"] == []


def test_only_what_has_a_unit_or_several_of_it_has_a_price() -> None:
    rows = [
        line(2_00, quantity="2", price="1"),
        line(3_00, quantity="1", unit="Hrs", price="3.123456789"),
        line(4_00, quantity="1", price="4"),
    ]
    page = page_of(invoice(tuple(rows)))

    assert [row[2:] for row in page["groups"][0]["rows"]] == [
        ["2", "1.00", "2.00"],
        ["1 Hrs", "3.12345679", "3.00"],
        ["", "", "4.00"],
    ]


@pytest.mark.parametrize(("rows", "short"), [(14, True), (15, False)])
def test_summaries_stand_beside_each_other_up_to_fourteen_rows(rows: int, short: bool) -> None:
    lines = tuple(line(100 + n, key=str(n), service_name=f"Service {n:02}") for n in range(rows))

    page = page_of(invoice(lines))
    assert page["summaries_short"] is short
    assert page["summaries"][0]["rows"][0] == (f"Service {rows - 1:02}", "", f"1.{rows - 1:02}")


@pytest.mark.parametrize(
    ("address", "posted", "head"),
    [
        (
            Address(street="1 Main", city="Reno", postcode="89501", country="US", region="NV"),
            ["1 Main", "Reno NV 89501", "UNITED STATES"],
            ["1 Main", "Reno NV 89501", "United States"],
        ),
        (
            Address(street="1 Main", city="Reno", postcode="89501", country="US"),
            ["1 Main", "Reno 89501", "UNITED STATES"],
            ["1 Main", "Reno 89501", "United States"],
        ),
        (
            Address(street="2 Row", city="Leeds", postcode="LS1", country="GB", region="Yorks"),
            ["2 Row", "Leeds", "Yorks", "LS1", "UNITED KINGDOM"],
            ["2 Row", "Leeds Yorks LS1", "United Kingdom"],
        ),
        (
            Address(street="", city="Bern", postcode="3000", country="CH", region="BE"),
            ["3000 Bern", "BE", "SWITZERLAND"],
            ["3000 Bern BE", "Switzerland"],
        ),
        (
            Address(street="3 Via", city="Nowhere", postcode="", country="xx"),
            ["3 Via", "Nowhere", "XX"],
            ["3 Via", "Nowhere", "xx"],
        ),
    ],
)
def test_an_address_stands_as_the_post_of_its_country_wants_it(
    address: Address, posted: list[str], head: list[str]
) -> None:
    assert address_lines(address) == posted
    assert address_lines(address, home_country=address.country) == posted[:-1]
    assert letterhead_lines(address) == head


def test_words_are_cut_and_broken_where_they_would_not_fit() -> None:
    assert name("x" * 32) == "x" * 32
    assert name(f"a {'x' * 33}") == f"a {'x' * 12}\u200b{'x' * 12}\u200b{'x' * 9}"
    assert breakable("語" * 33) == "語" * 33
    assert name("ab cd", 4) == "ab…" and name("abcd", 4) == "abcd" and name(" ab ", 2) == "ab"
    assert name("word " * 24) == ("word " * 24).strip()
    assert name("word " * 25) == f"{('word ' * 24)[:-1]}…"
    assert name("w " * 60 + "x") == f"{('w ' * 60)[:-2].rstrip()} w…"
    assert (spelled_terms(0), spelled_terms(1)) == ("Due on receipt", "1 day net")
    assert spelled_day(date(2026, 12, 31)) == "31 December 2026"


def test_a_unit_s_price_has_the_places_of_money_at_least() -> None:
    assert spelled_price(Decimal("-1234.123456785"), "USD") == "−1,234.12345678"
    assert spelled_price(Decimal("35.5"), "USD") == "35.50"
    assert spelled_price(Decimal("0.0116"), "USD") == "0.0116"
    assert spelled_price(Decimal(1_200), "JPY") == "1,200"
    assert spelled_price(Decimal("0.5"), "KWD") == "0.500"


def test_a_letter_within_a_country_names_none_and_long_names_are_cut_where_they_stand() -> None:
    home = replace(BUYER, address=replace(BUYER.address, country="IE"), buyer_reference="R" * 20)
    page = page_of(invoice((line(1),), buyer=home))
    assert page["buyer"]["lines"] == ["Industriestraße 12", "München", "80331"]

    words = "ab " * 40
    long = replace(
        SELLER,
        name=words,
        address=replace(SELLER.address, street=words, city=words),
        payment_details=((words, words),),
        footer=words * 3,
    )
    buyer = replace(BUYER, vat_id=words, buyer_reference=words)
    page = page_of(invoice((line(1),), seller=long, buyer=buyer))
    facts, payment = dict(page["facts"]), page["payment"]
    forty = f"{('ab ' * 13)}…".replace(" …", "…")
    assert page["seller"]["return_address"] == f"{forty} · {forty} · {forty}"
    assert facts["Your tax number"] == forty
    assert facts["Your reference"] == f"{('ab ' * 20)}…".replace(" …", "…")
    assert payment[2] == (forty, words.strip())
    assert page["footer"][1] == f"{('ab ' * 100)}…".replace(" …", "…")


def test_a_control_is_printed_nowhere() -> None:
    assert name("a\x00b") == "ab" and name("é\u200b") == "é"
