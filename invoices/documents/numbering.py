"""Owns what an invoice number looks like; the store alone says which one is next."""

from datetime import date

from invoices.documents.invoice import DocumentType

YEAR = "{year}"
"""In a prefix: numbers begin anew with each year."""


def number_prefix(prefix: str, issued_on: date) -> str:
    """`{year}` is that of the day of issue, whatever month the document is about."""
    # An invoice number is unique in a financial year, where the law counts by years (India's CGST
    # rules, 46(b)): `tests/scenarios/invoicing/test_numbers_by_year.py`.
    return prefix.replace(YEAR, f"{issued_on.year:04}")


def series_key(family: str, prefix: str, issued_on: date) -> str:
    """The series that a number is taken of: the family's, or its year's."""
    return f"{family}:{issued_on.year:04}" if YEAR in prefix else family


def family_key(seller_key: str, document_type: DocumentType | None) -> str:
    """Of all series of a seller's documents of a type. No key has a colon."""
    if document_type in {None, DocumentType.INVOICE}:
        return seller_key
    return f"{seller_key}:{document_type}"


def own_prefix(document_type: DocumentType, invoice_prefix: str) -> str:
    """Where a seller has not said one: `INV-2026-` is `CN-2026-`, and `A` is `CN-A`."""
    return f"{_WORDS[document_type]}-{invoice_prefix.removeprefix('INV-')}"


_WORDS = {DocumentType.CREDIT_NOTE: "CN", DocumentType.SUPPLEMENTARY_INVOICE: "SI"}


def invoice_number(prefix: str, ordinal: int) -> str:
    """`INV-` and 7 give `INV-000007`: six digits keep text order equal to order of issue."""
    assert ordinal > 0, "numbers start at 1"
    # Sequential and unique in its series is what the VAT Directive asks for (2006/112/EC, art. 226
    # no. 2).
    return f"{prefix}{ordinal:06}"
