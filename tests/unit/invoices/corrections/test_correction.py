"""Corrections: what is left of an invoice, and documents that add up to what they should."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from invoices.clients import Tax, TaxCategory
from invoices.documents.correction import (
    NOTHING,
    CreditRefused,
    Why,
    correction,
    credit_note,
    sums_of,
    together,
)
from invoices.documents.document import from_document, to_document
from invoices.documents.invoice import (
    CarriedFrom,
    CorrectionReason,
    DocumentType,
    Exchange,
    Invoice,
    InvoiceLine,
    LineTax,
)
from invoices.documents.tax import accounting_tax, tax_line
from invoices.money import Rounding, from_minor
from invoices.periods import BillingPeriod
from tests.unit.invoices.test_documents import DRAFT, EC2

WHY = Why(("INV-7",), CorrectionReason.GOODWILL, "With thanks")
STANDARD = Tax(TaxCategory.STANDARD, rate_percent=Decimal("23"))
TO_ZLOTY = Exchange("EUR", "PLN", Decimal("4.3"), "NBP")


def of_lines(tax: Tax = STANDARD, **amounts: int) -> Invoice:
    lines = tuple(
        replace(EC2, key=key, amount_minor=minor, price=from_minor(minor, "EUR"))
        for key, minor in amounts.items()
    )
    taxed = (
        tax_line(
            tax,
            base_minor=sum(amounts.values()),
            currency="EUR",
            rounding=Rounding.HALF_UP,
        ),
    )
    subtotal, owed = sum(amounts.values()), sum(each.tax_minor for each in taxed)
    return replace(
        DRAFT,
        number="INV-7",
        lines=lines,
        tax_lines=taxed,
        subtotal_minor=subtotal,
        tax_minor=owed,
        total_minor=subtotal + owed,
        document_type=DocumentType.INVOICE,
    )


def test_a_whole_credit_note_has_the_lines_of_its_invoice() -> None:
    invoice = replace(DRAFT, number="INV-7")
    note = credit_note(invoice, sums_of([invoice]), WHY)

    assert note.is_credit_note and note.lines == invoice.lines
    assert (note.tax_lines, note.total_minor) == (invoice.tax_lines, 123_00)
    assert sums_of([invoice, note]).is_nothing
    assert (note.corrects, note.reason_text, note.notes) == (("INV-7",), "With thanks", ())
    assert from_document(to_document(note)) == note


def test_a_part_of_a_line_is_one_amount_of_it() -> None:
    invoice = of_lines(a=100_00, b=1_00)
    note = credit_note(invoice, sums_of([invoice]), WHY, {"a": Decimal("40")})

    (line,) = note.lines
    assert (line.quantity, line.unit, line.price) == (Decimal(1), "", Decimal("40.00"))
    # 23 % of 101.00 is 23.23, of 61.00 it is 14.03.
    assert (note.subtotal_minor, note.tax_minor) == (40_00, 9_20)


def test_tax_stated_in_another_currency_is_taken_back_in_it() -> None:
    invoice = of_lines(a=33_33, b=66_67)
    stated = accounting_tax(invoice.tax_lines, TO_ZLOTY, rounding=Rounding.HALF_UP)
    invoice = replace(invoice, accounting_tax=stated)
    first = credit_note(invoice, sums_of([invoice]), WHY, {"a": None})
    rest = credit_note(invoice, sums_of([invoice, first]), WHY)

    # 23.00 x 4.3 = 98.90; on 66.67 it is 15.33, which are 65.919.
    taxes = [each.accounting_tax.tax_minor for each in (first, rest) if each.accounting_tax]
    assert taxes == [98_90 - 65_92, 65_92]
    assert sums_of([invoice, first, rest]).is_nothing


def test_a_balance_that_was_taken_off_is_given_back_with_the_whole() -> None:
    """100.00 at 23 %, less 40.00 of a month that was exempt: 60.00 and 23.00 of tax."""
    carried: InvoiceLine = replace(
        EC2,
        key="carried/2018-09",
        price=Decimal("-40.00"),
        amount_minor=-40_00,
        carried_from=CarriedFrom(BillingPeriod(2018, 9), TaxCategory.EXEMPT, Decimal(0)),
    )
    invoice = of_lines(a=100_00)
    exempt = replace(invoice.tax_lines[0], category=TaxCategory.EXEMPT, rate_percent=Decimal(0))
    invoice = replace(
        invoice,
        lines=(*invoice.lines, carried),
        tax_lines=(*invoice.tax_lines, replace(exempt, base_minor=-40_00, tax_minor=0)),
        subtotal_minor=60_00,
        total_minor=83_00,
    )

    note = credit_note(invoice, sums_of([invoice]), WHY)

    assert [each.amount_minor for each in note.lines] == [100_00, -40_00]
    assert (note.tax_minor, note.total_minor) == (23_00, 83_00)
    with pytest.raises(CreditRefused, match="at most what is left"):
        credit_note(invoice, sums_of([invoice]), WHY, {"a": None})  # 123.00 of 83.00.
    with pytest.raises(CreditRefused, match="no amount in the client's favour"):
        credit_note(invoice, sums_of([invoice]), WHY, {"carried/2018-09": None})


def test_less_is_a_credit_note_more_is_a_supplementary_invoice_and_neither_is_nothing() -> None:
    issued, now = of_lines(a=100_00, b=50_00), of_lines(a=70_00, c=50_00)
    note = correction(issued, sums_of([issued]), sums_of([now]), WHY)

    assert note is not None and note.is_credit_note
    assert [(each.key, each.amount_minor) for each in note.lines] == [
        ("a", 30_00),
        ("b", 50_00),
        ("c", -50_00),
    ]
    # 23 % of 150.00 is 34.50, of 120.00 it is 27.60.
    assert (note.subtotal_minor, note.tax_minor, note.total_minor) == (30_00, 6_90, 36_90)
    assert together(issued, [note]).figures == now.figures
    assert correction(issued, sums_of([issued, note]), sums_of([now]), WHY) is None

    back = correction(issued, sums_of([issued, note]), sums_of([issued]), WHY)
    assert back is not None and back.document_type is DocumentType.SUPPLEMENTARY_INVOICE
    assert back.total_minor == 36_90
    assert together(issued, [note, back]).figures == issued.figures


def test_its_tax_is_the_difference_of_both_taxes() -> None:
    """0.03 at 23 % is 0.01, 0.02 is 0.00: the cent between has all of the tax."""
    issued, now = of_lines(a=3), of_lines(a=2)
    note = correction(issued, sums_of([issued]), sums_of([now]), WHY)

    assert note is not None
    assert (note.subtotal_minor, note.tax_minor) == (1, 1)


def test_a_line_with_a_tax_of_its_own_takes_back_that_one() -> None:
    """100.00 at 23 % and an item of 10.00 at 13.5 %: 23.00 and 1.35."""
    invoice = of_lines(a=100_00)
    item = replace(
        EC2,
        key="custom/item",
        amount_minor=10_00,
        tax=LineTax(TaxCategory.STANDARD, Decimal("13.5")),
    )
    reduced = tax_line(
        Tax(TaxCategory.STANDARD, rate_percent=Decimal("13.5")),
        base_minor=10_00,
        currency="EUR",
        rounding=Rounding.HALF_UP,
    )
    invoice = replace(
        invoice,
        lines=(*invoice.lines, item),
        tax_lines=(*invoice.tax_lines, reduced),
        subtotal_minor=110_00,
        tax_minor=24_35,
        total_minor=134_35,
    )
    note = credit_note(invoice, sums_of([invoice]), WHY, {"custom/item": Decimal("4")})

    # Of 6.00, 13.5 % are 0.81.
    assert note.tax_lines == (replace(reduced, base_minor=4_00, tax_minor=54),)


def test_nothing_is_left_of_what_is_credited() -> None:
    invoice = of_lines(a=100_00)
    whole = credit_note(invoice, sums_of([invoice]), WHY)

    with pytest.raises(CreditRefused, match="nothing is left of INV-7"):
        credit_note(invoice, sums_of([invoice, whole]), WHY)
    assert correction(invoice, NOTHING, NOTHING, WHY) is None
