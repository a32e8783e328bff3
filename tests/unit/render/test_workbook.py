"""The workbook cell by cell: what stands where, how wide, and how it is drawn."""

import io
import re
import zipfile
from dataclasses import replace
from decimal import Decimal
from functools import cache

import fastexcel
import pytest

from invoices.clients import TaxCategory
from invoices.documents.invoice import AccountingTax, Exchange, Invoice, TaxLine
from invoices.render import render
from tests.support.bills.sample_documents import invoice, line, small_invoice


def rows(document: Invoice, sheet: str) -> list[tuple[str | None, ...]]:
    book = fastexcel.read_excel(render(document, "xlsx"))
    found: list[tuple[str | None, ...]] = (
        book.load_sheet(sheet, header_row=None, dtypes="string").to_polars().rows()
    )
    return found


def headers(document: Invoice) -> list[str]:
    """Of each sheet that has one: what is printed above each page."""
    with zipfile.ZipFile(io.BytesIO(render(document, "xlsx"))) as package:
        sheets = [name for name in package.namelist() if name.startswith("xl/worksheets/sheet")]
        said = [package.read(name).decode() for name in sheets]
    return [found for each in said for found in re.findall("<oddHeader>(.*)</oddHeader>", each)]


@cache
def part(name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(render(small_invoice(), "xlsx"))) as package:
        return package.read(name).decode()


def test_the_first_sheet_is_the_invoice_from_its_number_to_its_notes() -> None:
    assert rows(small_invoice(), "Invoice") == [
        ("Invoice", None),
        (None, None),
        ("Number", "INV-000007"),
        ("Issued on", "2026-11-05"),
        ("Due on", "2026-12-05"),
        ("Billing period", "2026-10"),
        ("Currency", "EUR"),
        ("Seller", "Example Cloud Ltd"),
        ("Seller's tax number", "IE6388047V"),
        ("Client", "Acme Maschinenbau GmbH & Co. KG"),
        ("Client key", "acme"),
        ("Client's tax number", "DE136695976"),
        ("Client's reference", "PO 4500012345"),
        ("IBAN", "IE29 AIBK 9311 5212 3456 78"),
        ("BIC", "AIBKIE2D"),
        ("Exchange rate, USD to EUR", "0.8706 (ECB 2026-10-30)"),
        (None, None),
        ("Subtotal", "1147.91"),
        ("Tax, reverse charge, 0 %", "0"),
        ("Total", "1147.91"),
        (None, None),
        ("Reverse charge: the recipient accounts for the tax.", None),
        ("Thank you for your business.", None),
    ]


def test_sums_and_lines_have_a_row_each() -> None:
    mueller = "Müller & Söhne, 株式会社"

    assert rows(small_invoice(), "By service") == [
        ("Service", "Service name", "Amount", "Currency"),
        ("", "", "950", "EUR"),
        ("AWSLambda", "AWS Lambda", "0", "EUR"),
        ("AmazonEC2", "Amazon EC2", "124.91", "EUR"),
        ("AmazonS3", "Amazon S3", "73", "EUR"),
    ]
    assert rows(small_invoice(), "By account") == [
        ("Account", "Account name", "Amount", "Currency"),
        ("", "", "950", "EUR"),
        ("000000000042", mueller, "112.57", "EUR"),
        ("011254002932", "production", "85.34", "EUR"),
    ]
    head, *lines = rows(small_invoice(), "Lines")
    assert head == (
        *("Account", "Account name", "Service", "Description", "Quantity", "Unit", "Price"),
        *("Amount", "Currency", "Line key"),
    )
    usage = "eu-west-1, BoxUsage:m5.large"
    assert [lines[0][:6], lines[1]] == [
        ("011254002932", "production", "Amazon EC2", usage, "1", ""),
        (
            *("011254002932", "production", "Amazon S3", usage, "730", "Hrs", "0.1", "73"),
            *("EUR", "k2"),
        ),
    ]
    unnamed = invoice((replace(line(1), service="AmazonX", service_name=""),))
    assert rows(unnamed, "Lines")[1][2] == "AmazonX"


def test_a_draft_of_taxed_yen_says_so_and_shows_the_seller_s_own_tax() -> None:
    taxes = (TaxLine(TaxCategory.STANDARD, Decimal("10.0"), 1_000, 100, ""),)
    own = (TaxLine(TaxCategory.STANDARD, Decimal("10.0"), 6_10, 61, ""),)
    draft = replace(
        invoice((line(1_000, currency="JPY"),), number="", currency="JPY"),
        tax_lines=taxes,
        tax_minor=100,
        total_minor=1_100,
        accounting_tax=AccountingTax(Exchange("JPY", "EUR", Decimal("0.0061"), "ECB"), own),
    )
    shown = rows(draft, "Invoice")

    assert shown[0] == ("Draft invoice", None)
    assert shown[2] == ("State", "DRAFT, not issued")
    labels = [label for label, _ in shown[3:7]]
    assert labels == ["Billing period", "Currency", "Seller", "Seller's tax number"]
    assert headers(draft) == ['&amp;C&amp;"Calibri,Bold"&amp;24DRAFT'] * 4
    assert headers(small_invoice()) == []
    assert shown[-7:] == [
        ("BIC", "AIBKIE2D"),
        ("Rate of tax, JPY to EUR", "0.0061 (ECB)"),
        ("Tax in EUR, 10.0 %", "0.61 of 6.10"),
        (None, None),
        ("Subtotal", "1000"),
        ("Tax, standard, 10.0 %", "100"),
        ("Total", "1100"),
    ]


@pytest.mark.parametrize(
    ("sheet", "widths"),
    [
        (1, [30, 44]),
        (2, [24, 40, 16, 10]),
        (3, [24, 40, 16, 10]),
        (4, [15, 28, 30, 60, 14, 10, 16, 16, 10, 24]),
    ],
)
def test_each_column_is_as_wide_as_what_it_holds(sheet: int, widths: list[int]) -> None:
    found = re.findall(
        r'<col min="(\d+)" max="(\d+)" width="(\d+)', part(f"xl/worksheets/sheet{sheet}.xml")
    )
    assert [int(w) for first, last, w in found for _ in range(int(first), int(last) + 1)] == widths


def drawn(sheet: int, cell: str) -> tuple[str, str, str]:
    """A cell's font, number format and border."""
    styles = part("xl/styles.xml")
    (style,) = re.findall(rf'<c r="{cell}" s="(\d+)"', part(f"xl/worksheets/sheet{sheet}.xml"))
    formats = re.findall(r"<xf [^>]*>", styles.partition("<cellXfs")[2])
    number, font, border = (
        int(found)
        for name in ("numFmtId", "fontId", "borderId")
        for found in re.findall(rf'{name}="(\d+)"', formats[int(style)])
    )
    spelled = re.findall(r"<font>(.*?)</font>", styles)[font]
    size, colour = re.findall(r'sz val="(\d+)"/><color [a-z]+="(\w+)"', spelled)[0]
    code = dict(re.findall(r'numFmtId="(\d+)" formatCode="([^"]*)"', styles))
    line = re.findall(r"<border>(.*?)</border>", styles)[border]
    sides = ",".join(re.findall(r'<(\w+) style="thin"', line))
    bold = "bold " if "<b/>" in spelled else ""
    return f"{bold}{size} {colour}", code.get(str(number), ""), sides


@pytest.mark.parametrize(
    ("sheet", "cell", "font", "number_format", "border"),
    [
        (1, "A1", "bold 16 FF0F4C5C", "", ""),
        (1, "A3", "11 FF5B6675", "", ""),
        (1, "B3", "11 1", "@", ""),
        (1, "A18", "11 FF5B6675", "", ""),
        (1, "B18", "11 1", "#,##0.00", ""),
        (1, "A20", "bold 11 1", "#,##0.00", "top"),
        (1, "B20", "bold 11 1", "#,##0.00", "top"),
        (1, "A22", "11 1", "@", ""),
        (2, "A1", "bold 11 FF0F4C5C", "", "bottom"),
        (2, "C2", "11 1", "#,##0.00", ""),
        (4, "A2", "11 1", "@", ""),
        (4, "E2", "11 1", "", ""),
        (4, "F2", "11 1", "@", ""),
        (4, "G2", "11 1", "", ""),
        (4, "H2", "11 1", "#,##0.00", ""),
    ],
)
def test_text_is_text_numbers_are_numbers_and_money_has_its_digits(
    sheet: int, cell: str, font: str, number_format: str, border: str
) -> None:
    assert drawn(sheet, cell) == (font, number_format, border)


def test_the_file_names_its_document_and_a_draft_is_of_the_day_after_its_month() -> None:
    assert "<dc:title>Invoice INV-000007</dc:title>" in part("docProps/core.xml")
    draft = replace(small_invoice(), number="", issued_on=None)
    with zipfile.ZipFile(io.BytesIO(render(draft, "xlsx"))) as package:
        core = package.read("docProps/core.xml").decode()
    assert "<dc:title>Draft invoice</dc:title>" in core
    assert "2026-11-01T00:00:00Z" in core


def test_a_text_longer_than_excel_s_cells_is_cut_at_their_end() -> None:
    longest = invoice((line(1, description="x" * 32_768),))

    assert rows(longest, "Lines")[1][3] == "x" * 32_767
