"""Owns the CSV: one row per invoice line, as accounting systems and spreadsheets import it."""

import csv
import io

from invoices.documents.invoice import CORRECTING, Invoice, InvoiceLine
from invoices.money import from_minor, plain
from invoices.render.text import formula_safe

COLUMNS = (
    "invoice_number",
    "client",
    "period",
    "account_id",
    "account_name",
    "service",
    "description",
    "quantity",
    "unit",
    "price",
    "amount",
    "currency",
)
DRAFT = "DRAFT"
"""In place of a number: who imports the file anyway sees on each row that it is no invoice."""


def render_csv(invoice: Invoice) -> bytes:
    """UTF-8 with a byte order mark, without which Excel garbles names; CRLF; no total rows.

    Text is escaped so that no spreadsheet runs it as a formula; numbers are plain numbers.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    more = _columns_of_some(invoice)
    has_causes = any(line.cause for line in invoice.lines)
    writer.writerow((*COLUMNS, *more, *(["cause"] if has_causes else [])))
    writer.writerows(
        (
            *_row(invoice, line),
            *more.values(),
            *([formula_safe(line.cause)] if has_causes else []),
        )
        for line in invoice.lines
    )
    # Excel takes a file without the mark for the local code page:
    # `tests/unit/render/test_csv.py::test_excel_recognises_the_encoding_by_the_byte_order_mark`.
    return text.getvalue().encode("utf-8-sig")


def _columns_of_some(invoice: Invoice) -> dict[str, str]:
    """At the end, and only where there is one: files of all other invoices stay as they are."""
    tax = invoice.accounting_tax
    more = {"tax_currency": tax.currency, "tax_rate": plain(tax.exchange.rate)} if tax else {}
    if invoice.document_type in CORRECTING:
        more |= {
            "document_type": invoice.document_type or "",
            "corrects": formula_safe(" ".join(invoice.corrects)),
            "reason": invoice.reason or "",
            "reason_text": formula_safe(invoice.reason_text),
        }
    refs = {f"client_ref_{system}": ref for system, ref in invoice.buyer.external_refs}
    return more | {formula_safe(name): formula_safe(ref) for name, ref in refs.items()}


def _row(invoice: Invoice, line: InvoiceLine) -> tuple[str, ...]:
    return (
        formula_safe(invoice.number) or DRAFT,
        formula_safe(invoice.buyer.key),
        str(invoice.period),
        formula_safe(line.account_id),
        formula_safe(line.account_name),
        formula_safe(line.service_name or line.service),
        formula_safe(line.description),
        plain(line.quantity),
        formula_safe(line.unit),
        plain(line.price),
        format(from_minor(line.amount_minor, invoice.currency), "f"),
        formula_safe(invoice.currency),
    )
