"""Owns taking something off a draft: a line below nothing, and the tax that it lowers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from invoices.clients import Tax, TaxCategory
from invoices.documents.invoice import Exchange, Invoice, InvoiceLine, TaxLine
from invoices.documents.tax import accounting_tax, tax_line
from invoices.money import from_minor


def line_off(draft: Invoice, key: str, description: str, net_minor: int) -> InvoiceLine:
    """That much less, of no account and no service."""
    return InvoiceLine(
        key=key,
        account_id="",
        account_name="",
        service="",
        service_name="",
        description=description,
        quantity=Decimal(1),
        unit="",
        price=from_minor(-net_minor, draft.currency),
        amount_minor=-net_minor,
    )


def with_line(draft: Invoice, line: InvoiceLine, tax: Tax) -> Invoice:
    """`line` lowers the base of its own category and rate, whichever others the draft has."""
    taxes = _tax_lines(draft, line.amount_minor, tax)
    subtotal = draft.subtotal_minor + line.amount_minor
    tax_minor = sum(each.tax_minor for each in taxes)
    return replace(
        draft,
        lines=(*draft.lines, line),
        tax_lines=taxes,
        subtotal_minor=subtotal,
        tax_minor=tax_minor,
        total_minor=subtotal + tax_minor,
    )


def with_accounting_tax(draft: Invoice, exchange: Exchange | None) -> Invoice:
    """With its tax stated anew in the currency that `exchange` goes to, if there is any tax."""
    if exchange is None:
        return draft
    rounding = draft.tax_rounding or draft.rounding
    has_tax = any(line.tax_minor for line in draft.tax_lines)
    stated = accounting_tax(draft.tax_lines, exchange, rounding=rounding) if has_tax else None
    return replace(draft, accounting_tax=stated)


def _tax_lines(draft: Invoice, amount_minor: int, tax: Tax) -> tuple[TaxLine, ...]:
    """One line for each category and rate, each rounded once (EN 16931, BR-CO-17)."""
    bases: dict[tuple[TaxCategory, Decimal], tuple[int, str]] = {
        (each.category, each.rate_percent): (each.base_minor, each.note) for each in draft.tax_lines
    }
    kind = (tax.category, tax.rate_percent)
    base, note = bases.get(kind, (0, tax.note))
    bases[kind] = (base + amount_minor, note)
    return tuple(
        tax_line(
            Tax(category, rate, note=note),
            base_minor=base,
            currency=draft.currency,
            rounding=draft.tax_rounding or draft.rounding,
        )
        for (category, rate), (base, note) in bases.items()
    )
