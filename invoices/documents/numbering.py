"""Owns what an invoice number looks like; the store alone says which one is next."""

from datetime import date

YEAR = "{year}"
"""In a prefix: numbers begin anew with each year."""


def number_prefix(prefix: str, issued_on: date) -> str:
    """`{year}` is that of the day of issue, whatever month the document is about."""
    # An invoice number is unique in a financial year, where the law counts by years (India's CGST
    # rules, 46(b)): `tests/scenarios/invoicing/test_numbers_by_year.py`.
    return prefix.replace(YEAR, f"{issued_on.year:04}")


def series_key(seller_key: str, prefix: str, issued_on: date) -> str:
    """The series that a number is taken of: the seller's, or its year's. No key has a colon."""
    return f"{seller_key}:{issued_on.year:04}" if YEAR in prefix else seller_key


def invoice_number(prefix: str, ordinal: int) -> str:
    """`INV-` and 7 give `INV-000007`: six digits keep text order equal to order of issue."""
    assert ordinal > 0, "numbers start at 1"
    # Sequential and unique in its series is what the VAT Directive asks for (2006/112/EC, art. 226
    # no. 2).
    return f"{prefix}{ordinal:06}"
