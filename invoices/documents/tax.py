"""Owns the seller's tax on an invoice: each category and rate summed and rounded once, in words."""

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
    _, rate = _kind(tax)
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


def tax_lines(
    own: Tax, bases: Mapping[Tax | None, int], *, currency: str, rounding: Rounding
) -> tuple[TaxLine, ...]:
    """One line for each category and rate, the client's own first.

    `bases` are whole minor units by how an item is taxed; None is as the client is. Two notes of
    one category and rate are both told: there is one line of them (EN 16931, BR-S-01 to BR-S-08).
    """
    sums: dict[tuple[bool, TaxCategory, Decimal], tuple[int, set[str]]] = {}
    for said, base_minor in bases.items() or [(None, 0)]:
        tax = said or own
        kind = (_kind(tax) != _kind(own), *_kind(tax))
        base, notes = sums.get(kind, (0, set()))
        sums[kind] = (base + base_minor, notes | {tax.note})
    return tuple(
        tax_line(
            Tax(category, rate, note=" ".join(sorted(notes - {""}))),
            base_minor=base,
            currency=currency,
            rounding=rounding,
        )
        for (_, category, rate), (base, notes) in sorted(sums.items(), key=lambda each: each[0])
    )


def _kind(tax: Tax) -> tuple[TaxCategory, Decimal]:
    return tax.category, tax.rate_percent if tax.category is TaxCategory.STANDARD else Decimal(0)


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
