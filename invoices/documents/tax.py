"""Owns the seller's tax on an invoice: one category and rate per client, and its wording."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from invoices.clients import Tax, TaxCategory
from invoices.documents.invoice import AccountingTax, Exchange, TaxLine
from invoices.money import EXACT, Rounding, from_minor, to_minor

WORDING: dict[TaxCategory, str] = {
    TaxCategory.STANDARD: "",
    TaxCategory.REVERSE_CHARGE: "Reverse charge: the recipient accounts for the tax.",
    TaxCategory.ZERO: "Zero-rated supply.",
    TaxCategory.EXEMPT: "Exempt from tax.",
    TaxCategory.OUTSIDE_SCOPE: "",
    TaxCategory.EXPORT: "Export, free of tax.",
}
"""What the law wants said where no tax is asked for; a client's own note takes its place."""

NATIONAL_TAX_CURRENCY: Mapping[str, str] = {
    **dict.fromkeys(
        "AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK".split(), "EUR"
    ),
    "CZ": "CZK",
    "DK": "DKK",
    "HU": "HUF",
    "PL": "PLN",
    "RO": "RON",
    "SE": "SEK",
    "GB": "GBP",
    "NO": "NOK",
    "JP": "JPY",
    "SG": "SGD",
}
"""By country of a seller, where an invoice in another currency has to state its tax in that one.

VAT Directive, art. 230; HMRC, VAT Notice 700, 7.7; Norway, bokføringsforskriften § 5-1-1; National
Tax Agency of Japan, Q&A on the invoice system; IRAS of Singapore, invoicing. Elsewhere it is not
asked for (Switzerland), or another way will do (Australia: the rate).
"""


def tax_line(tax: Tax, *, base_minor: int, currency: str, rounding: Rounding) -> TaxLine:
    """Tax on the whole subtotal, rounded once. Only the standard category has a rate."""
    rate = tax.rate_percent if tax.category is TaxCategory.STANDARD else Decimal(0)
    # Of the rounded base, not of each line: an e-invoice is checked so (EN 16931, BR-CO-17), and a
    # Japanese qualified invoice rounds once per rate, in the direction that the seller chose
    # (National Tax Agency, Q&A on the invoice system, "rounding of fractions"):
    # `tests/unit/invoices/test_documents.py::test_tax_is_rounded_once_on_the_subtotal`.
    exact = EXACT.multiply(from_minor(base_minor, currency), rate.scaleb(-2, EXACT))
    return TaxLine(
        category=tax.category,
        rate_percent=rate,
        base_minor=base_minor,
        tax_minor=to_minor(exact, currency, rounding),
        note=tax.note or WORDING[tax.category],
    )


def accounting_tax(
    lines: Iterable[TaxLine], exchange: Exchange, *, rounding: Rounding
) -> AccountingTax:
    """Whatever an invoice is in, the tax to be paid is stated in the national currency.

    VAT Directive, art. 230 (the rate: art. 91); in Poland ustawa o VAT, art. 106e ust. 11.
    """

    def converted(minor: int) -> int:
        exact = EXACT.multiply(from_minor(minor, exchange.from_currency), exchange.rate)
        return to_minor(exact, exchange.to_currency, rounding)

    return AccountingTax(
        exchange,
        tuple(
            replace(
                line, base_minor=converted(line.base_minor), tax_minor=converted(line.tax_minor)
            )
            for line in lines
        ),
    )
