"""The CSV: what accounting systems import, and what spreadsheets must not run."""

import csv
import io
from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from invoices.documents.invoice import Invoice
from invoices.render import render
from invoices.render.text import formula_safe
from tests.support.bills.sample_documents import invoice, line, long_invoice, small_invoice


def rows(document: Invoice) -> list[dict[str, str]]:
    text = render(document, "csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_says_what_the_line_says() -> None:
    assert rows(small_invoice())[1] == {
        "invoice_number": "INV-000007",
        "client": "acme",
        "period": "2026-10",
        "account_id": "011254002932",
        "account_name": "production",
        "service": "Amazon S3",
        "description": "eu-west-1, BoxUsage:m5.large",
        "quantity": "730",
        "unit": "Hrs",
        "price": "0.1",
        "amount": "73.00",
        "currency": "EUR",
    }


def test_the_amounts_add_up_to_the_subtotal_and_zero_lines_are_there() -> None:
    amounts = [row["amount"] for row in rows(small_invoice())]
    assert amounts == ["12.34", "73.00", "0.00", "-5.00", "117.57", "950.00"]
    assert sum(map(Decimal, amounts)) == Decimal("1147.91")


def test_the_client_s_ids_elsewhere_are_columns_of_every_row_and_never_a_formula() -> None:
    buyer = replace(small_invoice().buyer, external_refs=(("=x", "=1+1"), ("halopsa", "4711")))
    found = rows(replace(small_invoice(), buyer=buyer))

    assert {(row["client_ref_=x"], row["client_ref_halopsa"]) for row in found} == {
        ("'=1+1", "4711")
    }


def test_two_thousand_lines_are_two_thousand_rows() -> None:
    amounts = [Decimal(row["amount"]) for row in rows(long_invoice(2000, 60))]
    assert len(amounts) == 2000
    assert sum(amounts) == Decimal("2001000.00")


def test_excel_recognises_the_encoding_by_the_byte_order_mark() -> None:
    data = render(small_invoice(), "csv")
    assert data.startswith(b"\xef\xbb\xbfinvoice_number,client,period,")
    assert data.count(b"\r\n") == data.count(b"\n") == 7


def test_polars_reads_accounts_with_their_leading_zeros() -> None:
    frame = pl.read_csv(render(small_invoice(), "csv"), infer_schema=False)
    assert frame["account_id"].to_list()[2:] == ["011254002932", *["000000000042"] * 2, None]


@pytest.mark.parametrize(
    ("currency", "minor", "printed"),
    [("JPY", 1234, "1234"), ("KWD", 1234, "1.234"), ("USD", 1234, "12.34"), ("USD", -5, "-0.05")],
)
def test_amounts_have_the_digits_of_their_currency(currency: str, minor: int, printed: str) -> None:
    assert rows(invoice((line(minor, currency=currency),), currency=currency))[0]["amount"] == (
        printed
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("=1+1", "'=1+1"),
        ("+49 89 1234", "'+49 89 1234"),
        ("-12.50", "'-12.50"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1+1", "'  =1+1"),
        ("\u00a0=1+1", "'\u00a0=1+1"),
        ("\t=1+1", "' =1+1"),
        ("\r=1+1", "' =1+1"),
        ("\0=1+1", "'=1+1"),
        ("\u202e=1+1", "'=1+1"),
        ("\ufeff=1+1", "'=1+1"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        ("'=1", "'=1"),
        ("a=1", "a=1"),
        ("", ""),
        ("   ", "   "),
        ("Müller & Söhne", "Müller & Söhne"),
    ],
)
def test_text_that_would_be_a_formula_is_escaped_and_other_text_is_not(
    text: str, escaped: str
) -> None:
    assert formula_safe(text) == escaped


def test_each_row_of_a_draft_says_that_it_is_one() -> None:
    """An importer that takes it anyway has a number that nobody takes for one."""
    assert {row["invoice_number"] for row in rows(replace(small_invoice(), number=""))} == {"DRAFT"}
