"""The XLSX: four sheets that add up, no formulas, no clock."""

import io
import zipfile
from dataclasses import replace
from decimal import Decimal

import fastexcel
import pytest

from invoices.documents.invoice import Exchange, Invoice
from invoices.render import render
from tests.support.bills.sample_documents import invoice, line, long_invoice, small_invoice


def sheet(document: Invoice, name: str) -> list[dict[str, str | None]]:
    book = fastexcel.read_excel(render(document, "xlsx"))
    return book.load_sheet(name, dtypes="string").to_polars().to_dicts()


def test_the_sheets() -> None:
    assert fastexcel.read_excel(render(small_invoice(), "xlsx")).sheet_names == [
        "Invoice",
        "By service",
        "By account",
        "Lines",
    ]


def test_a_line_keeps_its_account_id_its_price_and_its_digits() -> None:
    assert sheet(small_invoice(), "Lines")[1] == {
        "Account": "011254002932",
        "Account name": "production",
        "Service": "Amazon S3",
        "Description": "eu-west-1, BoxUsage:m5.large",
        "Quantity": "730",
        "Unit": "Hrs",
        "Price": "0.1",
        "Amount": "73",
        "Currency": "EUR",
        "Line key": "k2",
    }


@pytest.mark.parametrize("name", ["By service", "By account", "Lines"])
def test_every_sheet_adds_up_to_the_subtotal(name: str) -> None:
    amounts = [Decimal(row["Amount"] or "") for row in sheet(small_invoice(), name)]
    assert sum(amounts) == Decimal("1147.91")


def test_two_thousand_lines_are_two_thousand_rows() -> None:
    amounts = [Decimal(row["Amount"] or "") for row in sheet(long_invoice(2000, 60), "Lines")]
    assert len(amounts) == 2000
    assert sum(amounts) == Decimal(2_001_000)


def test_the_first_sheet_carries_number_parties_tax_and_total() -> None:
    yen = Exchange("JPY", "EUR", Decimal("0.0061"), "ECB")
    shown = replace(small_invoice(), other_exchanges=(yen,))
    book = fastexcel.read_excel(render(shown, "xlsx"))
    first = book.load_sheet("Invoice", header_row=None, dtypes="string").to_polars().rows()
    facts = {row[0]: row[1] for row in first}
    assert facts["Exchange rate, JPY to EUR"] == "0.0061 (ECB)"
    assert facts["Number"] == "INV-000007"
    assert facts["Client"] == "Acme Maschinenbau GmbH & Co. KG"
    assert facts["Exchange rate, USD to EUR"] == "0.8706 (ECB 2026-10-30)"
    assert facts["Subtotal"] == "1147.91"
    assert facts["Tax, reverse charge, 0 %"] == "0"
    assert facts["Total"] == "1147.91"
    assert "Reverse charge: the recipient accounts for the tax." in facts


@pytest.mark.parametrize(
    ("currency", "number_format"),
    [
        ("JPY", 'formatCode="#,##0"'),
        ("KWD", 'formatCode="#,##0.000"'),
        ("EUR", 'formatCode="#,##0.00"'),
    ],
)
def test_amounts_are_shown_with_the_digits_of_their_currency(
    currency: str, number_format: str
) -> None:
    document = invoice((line(1234, currency=currency),), currency=currency)
    assert number_format in part(document, "xl/styles.xml")


def test_tables_are_frozen_and_can_be_filtered() -> None:
    lines = part(small_invoice(), "xl/worksheets/sheet4.xml")
    assert '<pane ySplit="1"' in lines and 'state="frozen"' in lines
    assert '<autoFilter ref="A1:J7"/>' in lines


def test_the_workbook_is_dated_by_the_document() -> None:
    assert "2026-11-05T00:00:00Z" in part(small_invoice(), "docProps/core.xml")


def part(document: Invoice, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(render(document, "xlsx"))) as package:
        return package.read(name).decode()
