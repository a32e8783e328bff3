"""Owns the moment a draft becomes an invoice: its number and its dates, and nothing else."""

from dataclasses import replace
from datetime import date, timedelta

from invoices.clients import TaxCategory
from invoices.documents.invoice import Invoice


def issue(invoice: Invoice, *, number: str, issued_on: date) -> Invoice:
    """The draft with its number; due after the payment terms it already carries."""
    # An issued invoice is amended by a document that refers to it (VAT Directive, art. 219), never
    # in place:
    # `tests/unit/invoices/test_documents.py::test_an_issued_invoice_cannot_be_issued_again`.
    assert invoice.number == "", f"{invoice.number} is issued; correct it with a credit note"
    assert number, "an issued invoice has a number"
    # A credit note asks for nothing, so that nothing is ever due.
    terms = timedelta(days=invoice.payment_terms_days)
    due_on = None if invoice.is_credit_note else issued_on + terms
    return replace(invoice, number=number, issued_on=issued_on, due_on=due_on)


def missing_of_buyer(invoice: Invoice) -> str:
    """What an invoice has to say of its client and cannot; '' where it can."""
    categories = {line.category for line in invoice.tax_lines}
    buyer = invoice.buyer
    address = buyer.address
    named = buyer.name and address.street and address.city and address.country
    if categories != {TaxCategory.OUTSIDE_SCOPE} and not named:
        return "a name, street, city or country"
    if TaxCategory.REVERSE_CHARGE in categories and not buyer.vat_id:
        return "a VAT id"
    return ""
