"""Owns the XLSX: the invoice as a workbook to sort, filter and add up; no cell is a formula."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from invoices.documents.invoice import Invoice, InvoiceLine
from invoices.money import from_minor, minor_digits
from invoices.render.page import REASONS, title_of
from invoices.render.text import legible

# Excel's own limit; a longer text makes the workbook one that has to be repaired.
_LONGEST_CELL = 32_767
_OPTIONS = {
    "in_memory": True,
    # A name such as `=1+1` is text, and an account id keeps its zeros:
    # `tests/unit/render/test_hostile.py`,
    # `test_the_workbook_has_no_formula_no_link_and_is_well_formed`.
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}

Cell = str | Decimal
"""Text is written as text, whatever it looks like; numbers become Excel's doubles."""


@dataclass(frozen=True, slots=True)
class _Column:
    head: str
    width: int
    style: str = "text"


_LINE_COLUMNS = (
    _Column("Account", 15),
    _Column("Account name", 28),
    _Column("Service", 30),
    _Column("Description", 60),
    _Column("Quantity", 14, "number"),
    _Column("Unit", 10),
    _Column("Price", 16, "number"),
    _Column("Amount", 16, "money"),
    _Column("Currency", 10),
    _Column("Line key", 24),
)


def render_xlsx(invoice: Invoice) -> bytes:
    """Sheets Invoice, By service, By account and Lines; dated by the document, never by a clock."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, _OPTIONS) as book:
        made_on = invoice.issued_on or invoice.period.end
        title = legible(f"{title_of(invoice)} {invoice.number}".strip())
        # Without it the workbook has the clock's time in it:
        # `tests/unit/render/test_xlsx.py::test_the_workbook_is_dated_by_the_document`.
        book.set_properties({"title": title, "created": datetime.combine(made_on, time())})
        styles = _styles(book, invoice.currency)
        _write_invoice(book, styles, invoice)
        _write_sums(book, styles, invoice, "By service", _service_cells)
        _write_sums(book, styles, invoice, "By account", _account_cells)
        rows: list[tuple[Cell, ...]] = [
            _line_cells(line, invoice.currency) for line in invoice.lines
        ]
        columns: tuple[_Column, ...] = _LINE_COLUMNS
        if any(line.cause for line in invoice.lines):
            columns = (*columns, _Column("Cause", 40))
            rows = [(*row, line.cause) for row, line in zip(rows, invoice.lines, strict=True)]
        _write_table(book.add_worksheet("Lines"), styles, columns, rows)
        if not invoice.number:
            for sheet in book.worksheets():
                # On each printed page, as a workbook has no watermark that survives a copy.
                sheet.set_header('&C&"Calibri,Bold"&24DRAFT')
    return data.getvalue()


def _styles(book: Workbook, currency: str) -> dict[str, Format]:
    digits = minor_digits(currency)
    money = "#,##0" + ("." + "0" * digits if digits else "")
    return {
        "head": book.add_format({"bold": True, "bottom": 1, "font_color": "#0F4C5C"}),
        "title": book.add_format({"bold": True, "font_size": 16, "font_color": "#0F4C5C"}),
        "label": book.add_format({"font_color": "#5B6675"}),
        "text": book.add_format({"num_format": "@"}),
        "number": book.add_format({"num_format": "General"}),
        "money": book.add_format({"num_format": money}),
        "total": book.add_format({"num_format": money, "bold": True, "top": 1}),
    }


def _write_invoice(book: Workbook, styles: dict[str, Format], invoice: Invoice) -> None:
    sheet = book.add_worksheet("Invoice")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 44)
    _write(sheet, 0, 0, title_of(invoice), styles["title"])
    row = 2
    for label, fact in _facts(invoice):
        _write(sheet, row, 0, label, styles["label"])
        _write(sheet, row, 1, fact, styles["text"])
        row += 1
    row += 1
    for label, minor, style in _totals(invoice):
        _write(sheet, row, 0, label, styles["total" if style == "total" else "label"])
        _write(sheet, row, 1, from_minor(minor, invoice.currency), styles[style])
        row += 1
    for note in [*(line.note for line in invoice.tax_lines), *invoice.notes]:
        if note:
            row += 1
            _write(sheet, row, 0, note, styles["text"])


def _facts(invoice: Invoice) -> list[tuple[str, str]]:
    seller, buyer = invoice.seller, invoice.buyer
    facts = [
        ("Number", invoice.number),
        ("State", "" if invoice.number else "DRAFT, not issued"),
        ("Corrects", ", ".join(invoice.corrects)),
        ("Reason", REASONS[invoice.reason] if invoice.reason else ""),
        ("Reason in words", invoice.reason_text),
        ("Issued on", invoice.issued_on.isoformat() if invoice.issued_on else ""),
        ("Due on", invoice.due_on.isoformat() if invoice.due_on else ""),
        ("Billing period", str(invoice.period)),
        ("Currency", invoice.currency),
        ("Seller", seller.name),
        ("Seller's tax number", seller.tax_id),
        ("Client", buyer.name),
        ("Client key", buyer.key),
        ("Client's tax number", buyer.vat_id),
        ("Client's reference", buyer.buyer_reference),
        *seller.payment_details,
    ]
    for exchange in invoice.exchanges.values():
        pair = f"{exchange.from_currency} to {exchange.to_currency}"
        facts.append((f"Exchange rate, {pair}", f"{exchange.rate:f} ({exchange.source})"))
    return [(label, text) for label, text in (*facts, *_accounting_tax(invoice)) if text]


def _accounting_tax(invoice: Invoice) -> list[tuple[str, str]]:
    tax = invoice.accounting_tax
    if tax is None:
        return []
    pair = f"{tax.exchange.from_currency} to {tax.currency}"
    facts = [(f"Rate of tax, {pair}", f"{tax.exchange.rate:f} ({tax.exchange.source})")]
    for line in tax.tax_lines:
        base, amount = (
            from_minor(minor, tax.currency) for minor in (line.base_minor, line.tax_minor)
        )
        label = f"Tax in {tax.currency}, {line.rate_percent:f} %"
        facts.append((label, f"{amount:f} of {base:f}"))
    return facts


def _totals(invoice: Invoice) -> list[tuple[str, int, str]]:
    taxes = [
        (
            f"Tax, {line.category.replace('_', ' ')}, {line.rate_percent:f} %",
            line.tax_minor,
            "money",
        )
        for line in invoice.tax_lines
    ]
    return [
        ("Subtotal", invoice.subtotal_minor, "money"),
        *taxes,
        ("Total", invoice.total_minor, "total"),
    ]


def _service_cells(line: InvoiceLine) -> tuple[str, str]:
    return (line.service, line.service_name)


def _account_cells(line: InvoiceLine) -> tuple[str, str]:
    return (line.account_id, line.account_name)


def _write_sums(
    book: Workbook,
    styles: dict[str, Format],
    invoice: Invoice,
    title: str,
    cells_of: Callable[[InvoiceLine], tuple[str, str]],
) -> None:
    sums: dict[tuple[str, str], int] = {}
    for line in invoice.lines:
        sums[cells_of(line)] = sums.get(cells_of(line), 0) + line.amount_minor
    key = title.removeprefix("By ").capitalize()
    columns = (
        _Column(key, 24),
        _Column(f"{key} name", 40),
        _Column("Amount", 16, "money"),
        _Column("Currency", 10),
    )
    rows: list[tuple[Cell, ...]] = [
        (*cells, from_minor(minor, invoice.currency), invoice.currency)
        for cells, minor in sorted(sums.items())
    ]
    _write_table(book.add_worksheet(title), styles, columns, rows)


def _line_cells(line: InvoiceLine, currency: str) -> tuple[Cell, ...]:
    return (
        line.account_id,
        line.account_name,
        line.service_name or line.service,
        line.description,
        line.quantity,
        line.unit,
        line.price,
        from_minor(line.amount_minor, currency),
        currency,
        line.key,
    )


def _write_table(
    sheet: Worksheet,
    styles: dict[str, Format],
    columns: tuple[_Column, ...],
    rows: list[tuple[Cell, ...]],
) -> None:
    for index, column in enumerate(columns):
        sheet.set_column(index, index, column.width)
        _write(sheet, 0, index, column.head, styles["head"])
    for number, row in enumerate(rows, start=1):
        for index, cell in enumerate(row):
            _write(sheet, number, index, cell, styles[columns[index].style])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(rows), len(columns) - 1)


def _write(sheet: Worksheet, row: int, column: int, cell: Cell, style: Format) -> None:
    if isinstance(cell, str):
        sheet.write_string(row, column, legible(cell)[:_LONGEST_CELL], style)
    else:
        sheet.write_number(row, column, cell, style)
