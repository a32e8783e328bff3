"""Owns the correction: what is left of an invoice, and the document that makes it another sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from invoices.clients import Tax, TaxCategory
from invoices.documents.invoice import (
    AccountingTax,
    CorrectionReason,
    DocumentType,
    Exchange,
    Invoice,
    InvoiceLine,
    TaxLine,
)
from invoices.documents.tax import accounting_tax, tax_line
from invoices.money import EXACT, from_minor, minor_digits, plain
from kernel.errors import BadInput

TaxKind = tuple[TaxCategory, Decimal]


class CreditRefused(BadInput):
    code = "credit_refused"


@dataclass(frozen=True, slots=True)
class Sums:
    """What documents about one invoice come to together, credit notes taken off."""

    lines: Mapping[str, InvoiceLine] = field(default_factory=dict)
    """By key; a line of several documents has one quantity, and the sum for its price."""
    taxes: Mapping[TaxKind, TaxLine] = field(default_factory=dict)
    accounting: Mapping[TaxKind, TaxLine] = field(default_factory=dict)

    @property
    def subtotal_minor(self) -> int:
        return sum(each.amount_minor for each in self.lines.values())

    @property
    def total_minor(self) -> int:
        return self.subtotal_minor + sum(each.tax_minor for each in self.taxes.values())

    @property
    def kinds(self) -> frozenset[TaxKind]:
        """Of tax, on something."""
        return frozenset(kind for kind, tax in self.taxes.items() if tax.base_minor)

    @property
    def is_nothing(self) -> bool:
        taxes = (*self.taxes.values(), *self.accounting.values())
        return not any(each.amount_minor for each in self.lines.values()) and not any(
            each.base_minor or each.tax_minor for each in taxes
        )


NOTHING = Sums()


def sums_of(documents: Iterable[Invoice]) -> Sums:
    lines: dict[str, InvoiceLine] = {}
    taxes: dict[TaxKind, TaxLine] = {}
    accounting: dict[TaxKind, TaxLine] = {}
    for document in documents:
        sign = -1 if document.is_credit_note else 1
        for line in document.lines:
            there = lines.get(line.key)
            amount = sign * line.amount_minor + (there.amount_minor if there else 0)
            lines[line.key] = _with_amount(amount, document.currency, there or line)
        stated = document.accounting_tax.tax_lines if document.accounting_tax else ()
        for every, own in ((taxes, document.tax_lines), (accounting, stated)):
            for tax in own:
                kind = (tax.category, tax.rate_percent)
                every[kind] = _added(every.get(kind), tax, sign)
    return Sums(lines, taxes, accounting)


def _with_amount(amount_minor: int, currency: str, *like: InvoiceLine) -> InvoiceLine:
    """As the first of them that has that amount, else one of it."""
    for line in like:
        if line.amount_minor == amount_minor:
            return line
    price = from_minor(amount_minor, currency)
    return replace(
        like[0], quantity=Decimal(1), unit="", price=price, amount_minor=amount_minor, cause=""
    )


def _added(there: TaxLine | None, tax: TaxLine, sign: int) -> TaxLine:
    return replace(
        tax,
        base_minor=sign * tax.base_minor + (there.base_minor if there else 0),
        tax_minor=sign * tax.tax_minor + (there.tax_minor if there else 0),
    )


@dataclass(frozen=True, slots=True)
class Why:
    """What a correction is about, and why it is made."""

    corrects: tuple[str, ...]
    reason: CorrectionReason
    text: str = ""
    causes: Mapping[str, str] = field(default_factory=dict)
    """In words, by key of a line."""


def correction(like: Invoice, before: Sums, after: Sums, why: Why) -> Invoice | None:
    """The draft that makes `after` of `before`; None where both ask for the same.

    Parties, currency and rates are those of `like`. It is a credit note where less is asked for,
    in positive amounts, and a supplementary invoice else. Its tax is the difference of both taxes,
    which its base times the rate may miss by a rounding: Σ of all documents is what counts.
    """
    taxes = _tax_differences(before.taxes, after.taxes)
    subtotal = after.subtotal_minor - before.subtotal_minor
    if not subtotal and not any(each.base_minor or each.tax_minor for each in taxes):
        return None
    total = after.total_minor - before.total_minor
    sign = -1 if (total, subtotal) < (0, 0) else 1
    lines = _line_differences(before, after, sign=sign, currency=like.currency, why=why)
    taxes = _shown(taxes, lines, like, sign)
    kinds = [(each.category, each.rate_percent) for each in taxes]
    tax = sum(each.tax_minor for each in taxes)
    stated = like.accounting_tax
    if stated is not None:
        every = _tax_differences(before.accounting, after.accounting)
        accounted = {(e.category, e.rate_percent): _added(None, e, sign) for e in every}
        own = tuple(accounted[kind] for kind in kinds if kind in accounted)
        stated = AccountingTax(stated.exchange, own) if tax else None
    return replace(
        like,
        number="",
        issued_on=None,
        due_on=None,
        lines=tuple(lines),
        tax_lines=tuple(taxes),
        subtotal_minor=sign * subtotal,
        tax_minor=tax,
        total_minor=sign * total,
        accounting_tax=stated,
        notes=(),
        document_type=(
            DocumentType.CREDIT_NOTE if sign < 0 else DocumentType.SUPPLEMENTARY_INVOICE
        ),
        corrects=why.corrects,
        reason=why.reason,
        reason_text=why.text,
    )


def _shown(
    taxes: Iterable[TaxLine], lines: Iterable[InvoiceLine], like: Invoice, sign: int
) -> list[TaxLine]:
    """The client's own first, which says how lines are taxed that say nothing themselves."""
    first = like.tax_lines[0]
    has_own = any(line.tax is None and line.carried_from is None for line in lines)

    def is_own(tax: TaxLine) -> bool:
        return (tax.category, tax.rate_percent) == (first.category, first.rate_percent)

    shown = [e for e in taxes if e.base_minor or e.tax_minor or (has_own and is_own(e))]
    return [_added(None, each, sign) for each in sorted(shown, key=is_own, reverse=True)]


def _tax_differences(
    before: Mapping[TaxKind, TaxLine], after: Mapping[TaxKind, TaxLine]
) -> list[TaxLine]:
    found = []
    for kind in [*before, *(each for each in after if each not in before)]:
        was, is_now = before.get(kind), after.get(kind)
        nothing = replace(was or after[kind], base_minor=0, tax_minor=0)
        found.append(_added(_added(None, was or nothing, -1), is_now or nothing, 1))
    return found


def _line_differences(
    before: Sums, after: Sums, *, sign: int, currency: str, why: Why
) -> list[InvoiceLine]:
    lines = []
    for key in [*before.lines, *(each for each in after.lines if each not in before.lines)]:
        found = [sums.lines[key] for sums in (after, before) if key in sums.lines]
        was, is_now = (
            sums.lines[key].amount_minor if key in sums.lines else 0 for sums in (before, after)
        )
        if was != is_now:
            line = _with_amount(sign * (is_now - was), currency, *found)
            lines.append(replace(line, cause=why.causes.get(key, "")))
    return lines


def without(left: Sums, wanted: Mapping[str, int], invoice: Invoice) -> Sums:
    """What stays when these amounts are taken off lines of `invoice`; tax is rounded anew.

    So several parts take off together what the whole would. Raises CreditRefused.
    """
    lines = dict(left.lines)
    off: dict[TaxKind, int] = {}
    for key, minor in wanted.items():
        line = _fitting(left, key, minor, invoice)
        lines[key] = _with_amount(line.amount_minor - minor, invoice.currency, line)
        kind = kind_of(line, invoice)
        off[kind] = off.get(kind, 0) + minor
    rounding = invoice.tax_rounding or invoice.rounding
    taxes = {}
    for kind, tax in left.taxes.items():
        category, rate = kind
        base = tax.base_minor - off.get(kind, 0)
        stays = tax_line(
            Tax(category, rate, note=tax.note),
            base_minor=base,
            currency=invoice.currency,
            rounding=rounding,
        )
        taxes[kind] = stays if kind in off else tax
    exchange = invoice.accounting_tax.exchange if invoice.accounting_tax else None
    return Sums(lines, taxes, _accounted(taxes, left, off, exchange, invoice))


def _accounted(
    taxes: Mapping[TaxKind, TaxLine],
    left: Sums,
    off: Mapping[TaxKind, int],
    exchange: Exchange | None,
    invoice: Invoice,
) -> Mapping[TaxKind, TaxLine]:
    if exchange is None:
        return {}
    rounding = invoice.tax_rounding or invoice.rounding
    stated = accounting_tax(taxes.values(), exchange, rounding=rounding).tax_lines
    return {
        kind: line if kind in off else left.accounting.get(kind, line)
        for kind, line in zip(taxes, stated, strict=True)
    }


def _minor(wanted: Mapping[str, Decimal | None], left: Sums, invoice: Invoice) -> Mapping[str, int]:
    every = {}
    for key, amount in wanted.items():
        if amount is None:
            every[key] = left.lines[key].amount_minor if key in left.lines else 0
            continue
        minor = amount.scaleb(minor_digits(invoice.currency), EXACT)
        if minor != int(minor):
            raise CreditRefused(
                f"line {key!r}: {plain(amount)} is finer than the smallest unit of "
                f"{invoice.currency}"
            )
        every[key] = int(minor)
    return every


def _fitting(left: Sums, key: str, minor: int, invoice: Invoice) -> InvoiceLine:
    line = left.lines.get(key)
    if line is None:
        raise CreditRefused(
            f"{invoice.number} has no line {key!r}; `rebill explain {invoice.number} KEY` and its "
            "JSON have the keys"
        )
    rest = line.amount_minor
    if not minor or abs(minor) > abs(rest) or (minor < 0) != (rest < 0):
        wanted, stays = (plain(from_minor(each, invoice.currency)) for each in (minor, rest))
        raise CreditRefused(
            f"line {key!r} of {invoice.number}: {wanted} {invoice.currency} cannot be credited, "
            f"{stays} is left of it"
        )
    return line


def kind_of(line: InvoiceLine, invoice: Invoice) -> TaxKind:
    """A carried balance's is its month's, an item's as it says; else the client's, the first."""
    own = line.carried_from or line.tax
    if own is not None:
        rate = own.rate_percent if own.category is TaxCategory.STANDARD else Decimal(0)
        return own.category, rate
    first = invoice.tax_lines[0]
    return first.category, first.rate_percent


def credit_note(
    invoice: Invoice, left: Sums, why: Why, wanted: Mapping[str, Decimal | None] | None = None
) -> Invoice:
    """Of these amounts by line (None: all that is left of it), or of all. Raises CreditRefused."""
    if left.is_nothing or left.total_minor <= 0:
        raise CreditRefused(f"nothing is left of {invoice.number} that could be credited")
    after = NOTHING if wanted is None else without(left, _minor(wanted, left, invoice), invoice)
    note = correction(invoice, left, after, why)
    if note is None or not note.is_credit_note or note.total_minor > left.total_minor:
        rest = plain(from_minor(left.total_minor, invoice.currency))
        raise CreditRefused(
            f"these lines of {invoice.number} are no amount in the client's favour of at most "
            f"what is left of it ({rest} {invoice.currency})"
        )
    return note


def as_credit_note(invoice: Invoice) -> Invoice:
    """Of a month that came to less than nothing."""
    assert invoice.is_below_nothing
    return replace(
        _negated(invoice),
        document_type=DocumentType.CREDIT_NOTE,
        reason=CorrectionReason.NEGATIVE_MONTH,
    )


def as_asked(document: Invoice) -> Invoice:
    """What a document adds to what its client owes: of a credit note, less than nothing."""
    return _negated(document) if document.is_credit_note else document


def _negated(document: Invoice) -> Invoice:
    stated = document.accounting_tax
    if stated is not None:
        taxes = tuple(_added(None, each, -1) for each in stated.tax_lines)
        stated = AccountingTax(stated.exchange, taxes)
    return replace(
        document,
        lines=tuple(
            replace(line, price=line.price.copy_negate(), amount_minor=-line.amount_minor)
            for line in document.lines
        ),
        tax_lines=tuple(_added(None, each, -1) for each in document.tax_lines),
        subtotal_minor=-document.subtotal_minor,
        tax_minor=-document.tax_minor,
        total_minor=-document.total_minor,
        accounting_tax=stated,
    )


def together(invoice: Invoice, corrections: Iterable[Invoice]) -> Invoice:
    """What all of them ask for, as one; at the rates of the last."""
    every = [invoice, *corrections]
    if len(every) == 1:
        return as_asked(invoice)
    sums, last = sums_of(every), every[-1]
    accounting = invoice.accounting_tax
    if accounting is not None:
        accounting = AccountingTax(accounting.exchange, tuple(sums.accounting.values()))
    lines = [each for each in sums.lines.values() if each.amount_minor]
    return replace(
        invoice,
        lines=tuple(lines or sums.lines.values()),
        tax_lines=tuple(sums.taxes.values()),
        subtotal_minor=sums.subtotal_minor,
        tax_minor=sums.total_minor - sums.subtotal_minor,
        total_minor=sums.total_minor,
        exchange=last.exchange,
        other_exchanges=last.other_exchanges,
        accounting_tax=accounting,
    )


__all__ = [
    "NOTHING",
    "CreditRefused",
    "Sums",
    "TaxKind",
    "Why",
    "as_asked",
    "as_credit_note",
    "correction",
    "credit_note",
    "kind_of",
    "sums_of",
    "together",
    "without",
]
