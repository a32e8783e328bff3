"""The PDF: what it says, how it breaks, that it is an archive file."""

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

import pikepdf
import pytest

from invoices.clients import TaxCategory
from invoices.documents.invoice import CarriedFrom, Exchange, Invoice
from invoices.periods import BillingPeriod
from invoices.render import render
from tests.support.bills.sample_documents import SELLER, invoice, line, long_invoice, small_invoice
from tests.support.pdf_files import box_of, pages, picture


def has_draft_mark(document: Invoice, page: int = 0) -> bool:
    """Whether a page shows a broad stroke in the gray of the mark, which a copy in gray keeps."""
    return b"\xcc" * 40 in picture(render(document, "pdf"), scale=2, page=page)


def words(document: Invoice) -> str:
    """All text with single spaces, pages one after the other."""
    return " ".join(" ".join(pages(render(document, "pdf"))).split())


@cache
def long_pages() -> list[str]:
    return pages(render(long_invoice(2000, 60), "pdf"))


def test_a_finance_person_finds_everything() -> None:
    text = words(small_invoice())
    for expected in (
        "Example Cloud Ltd",
        "Acme Maschinenbau GmbH & Co. KG",
        "Industriestraße 12",
        "80331 München",
        "GERMANY",
        "Invoice number INV-000007",
        "Issue date 5 November 2026",
        "Due date 5 December 2026",
        "Payment terms 30 days net",
        "Billing period 1–31 October 2026",
        "Currency EUR",
        "Your tax number DE136695976",
        "Your reference PO 4500012345",
        "Invoice INV-000007 EUR 1,147.91",
        "Subtotal 1,147.91",
        "Tax (reverse charge) 0.00",
        "Total due EUR 1,147.91",
        "IBAN IE29 AIBK 9311 5212 3456 78",
        "BIC AIBKIE2D",
        "Reference INV-000007",
        "Reverse charge: the recipient accounts for the tax.",
        "Exchange rate: 1 USD = 0.8706 EUR (ECB 2026-10-30).",
        "Thank you for your business.",
        "730 Hrs 0.10 73.00",
        "−5.00",
        "Registered in Ireland no. 123456 · Tax number IE6388047V",
        "Page 1 of 1",
    ):
        assert expected in text


def test_every_rate_that_was_used_is_a_note() -> None:
    yen = Exchange("JPY", "EUR", Decimal("0.0061"), "")
    text = words(replace(small_invoice(), other_exchanges=(yen,)))
    assert "Exchange rate: 1 USD = 0.8706 EUR (ECB 2026-10-30)." in text
    assert "Exchange rate: 1 JPY = 0.0061 EUR." in text


def test_the_summaries_by_service_and_by_account_add_up() -> None:
    text = words(small_invoice())
    assert "Amazon EC2 124.91" in text  # 12.34 - 5.00 + 117.57
    assert "Fees and other charges 950.00" in text
    assert "000000000042 Müller & Söhne, 株式会社 112.57" in text
    assert "011254002932 production 85.34" in text


def test_what_is_carried_forward_is_no_fee_of_this_month() -> None:
    """100.00 of charges and a fee of 25.00 less 40.00 of August: no other charges of -15.00."""
    of_august = CarriedFrom(BillingPeriod(2026, 8), TaxCategory.STANDARD, Decimal(10))
    carried = replace(
        line(-40_00, key="carried/2026-08", account_id="", service_name=""),
        description="Carried forward from 2026-08",
        carried_from=of_august,
    )
    fee = line(25_00, key="custom/fee", account_id="", service_name="")

    text = words(invoice((line(100_00), fee, carried)))

    assert text.count("Fees and other charges 25.00") == 3  # By service, by account, lines.
    assert text.count("Carried forward −40.00") == 3
    assert "Carried forward from 2026-08" in text


def test_one_account_and_one_service_need_no_summary() -> None:
    text = words(invoice((line(100),)))
    assert "By service" not in text and "By account" not in text


def test_lines_of_zero_are_counted_not_printed() -> None:
    text = words(small_invoice())
    assert "1 further line of 0.00 in the CSV and XLSX files" in text
    assert "Requests" not in text


def test_accounts_without_charges_share_one_entry() -> None:
    silent = tuple(line(0, key=f"k{n}", account_id=f"{n:012}") for n in range(40))
    text = words(invoice((line(100, key="x"), *silent)))
    assert "40 accounts without charges 0.00" in text
    assert "40 further lines of 0.00 in the CSV and XLSX files" in text


def test_a_draft_says_so_and_asks_for_no_money_by_a_day() -> None:
    text = words(invoice((line(100),), number=""))
    assert "Draft invoice" in text and "not issued yet" in text
    assert "Due date" not in text and "IBAN" not in text


def test_only_a_draft_carries_a_mark_across_each_page() -> None:
    draft = replace(long_invoice(120, 4), number="", issued_on=None, due_on=None)
    said = pages(render(draft, "pdf"))
    assert len(said) > 2
    assert all(has_draft_mark(draft, page) for page in range(len(said)))
    assert all("DRAFT, not issued" in each for each in said)
    assert not has_draft_mark(small_invoice())
    assert "DRAFT" not in words(small_invoice())


def test_a_total_in_the_clients_favour_asks_for_no_payment() -> None:
    text = words(invoice((line(-100),)))
    assert "Total in your favour EUR −1.00" in text and "IBAN" not in text


@pytest.mark.parametrize(
    ("currency", "minor", "printed"),
    [
        ("JPY", 123456789, "JPY 123,456,789"),
        ("KWD", 123456789, "KWD 123,456.789"),
        ("USD", 123456789, "USD 1,234,567.89"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(currency: str, minor: int, printed: str) -> None:
    document = invoice((line(minor, currency=currency),), currency=currency)
    assert f"Total due {printed}" in words(document)


def test_a_converted_price_of_thirty_digits_is_shown_with_eight() -> None:
    dear = line(8706, quantity="1000", unit="Hrs", price="0.087060000012345678901234567890")
    assert "1,000 Hrs 0.08706 87.06" in words(invoice((dear,)))


def test_two_thousand_lines_repeat_their_head_and_number_their_pages() -> None:
    count = len(long_pages())
    assert 40 < count < 60
    for number, page in enumerate(long_pages(), start=1):
        assert re.search(rf"Page {number} of {count}$", page.strip(), re.MULTILINE)
    for page in long_pages()[3:]:
        assert re.search(r"^Service +Description +EUR$", page, re.MULTILINE)
        assert re.search(r"^0110000000\d\d shared network +(continued|[\d,]+\.00)$", page, re.M)


def test_the_sum_of_an_account_is_printed_once_and_continued_on_the_next_page() -> None:
    lines = "\n".join(long_pages()).split("\nLines\n")[1]
    heads = re.findall(r"^011000000007 shared network +(\S+)$", lines, re.MULTILINE)
    assert heads == ["8,283.00", "continued"]  # 235 + 236 + … + 267 = 33 x 251


def test_what_is_to_be_paid_stands_on_the_first_page_however_long_the_invoice() -> None:
    first = " ".join(long_pages()[0].split())
    assert "Total due EUR 2,001,000.00" in first and "IBAN" in first


def test_no_heading_stands_alone_at_the_foot_of_a_page() -> None:
    for number, page in enumerate(long_pages()):
        body = page.split("Example Cloud Ltd · Registered")[0].rstrip().splitlines()
        assert body[-1].strip() not in {"Lines", "By account", "By service"}
        if number > 3:
            assert "shared network" not in body[-1]


def test_no_row_is_split_between_pages() -> None:
    """Every other description takes two lines; its begin and its end share a page."""
    for page in long_pages():
        assert page.count("Begin: data") == page.count("; end.")
    assert "\f".join(long_pages()).count("Begin: data") == 1000


def test_every_line_is_printed_once() -> None:
    lines = "\n".join(long_pages()).split("\nLines\n")[1]
    amounts = re.findall(r"^(?:A(?:mazon|WS) .* )?([\d,]+)\.00$", lines, re.MULTILINE)
    assert sorted(int(each.replace(",", "")) for each in amounts) == list(range(1, 2001))


def test_the_address_stands_in_the_window_of_an_envelope() -> None:
    """DIN 5008 form B: 20 to 105 mm from the left, 45 to 90 mm down."""
    data = render(small_invoice(), "pdf")
    for word in ("Maschinenbau", "GERMANY"):
        left, top, right, bottom = box_of(data, word)
        assert left > 20 and right < 105
        assert top > 45 and bottom < 90


def test_it_is_an_archive_file_with_tags_a_title_and_the_documents_date() -> None:
    with pikepdf.open(io.BytesIO(render(small_invoice(), "pdf"))) as document:
        metadata = document.open_metadata()
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == "Invoice INV-000007, Example Cloud Ltd"
        assert metadata["xmp:CreateDate"] == "2026-11-05T00:00:00+00:00"
        assert bool(document.Root.MarkInfo.Marked)
        assert str(document.Root.Lang) == "en"


def test_every_font_is_embedded() -> None:
    """As a subset, with the characters that its glyphs stand for."""
    with pikepdf.open(io.BytesIO(render(small_invoice(), "pdf"))) as document:
        fonts = {
            str(font.BaseFont): font
            for page in document.pages
            for font in page.Resources.Font.values()
        }
        assert len(fonts) >= 3  # Inter in two weights, and one for 株式会社
        for name, font in fonts.items():
            described = font.DescendantFonts[0].FontDescriptor
            assert re.match(r"/[A-Z]{6}\+", name), name
            assert "/FontFile2" in described or "/FontFile3" in described, name
            assert "/ToUnicode" in font, name


def test_very_long_names_do_not_run_over_their_neighbours() -> None:
    seller = replace(SELLER, name="Cloud " * 60)
    text = words(invoice((line(100, description="x" * 10_000),), seller=seller))
    assert "…" in text
    assert 350 < text.count("x") < 450


def test_the_date_of_a_draft_is_the_end_of_its_period() -> None:
    draft = invoice((line(100),), number="")
    assert draft.issued_on is None and draft.period.end == date(2026, 11, 1)
    with pikepdf.open(io.BytesIO(render(draft, "pdf"))) as document:
        assert document.open_metadata()["xmp:CreateDate"] == "2026-11-01T00:00:00+00:00"
