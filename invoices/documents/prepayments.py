"""Owns what a client paid ahead, before tax: its invoices take it off until nothing is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from invoices.clients import ClientKey, Tax
from invoices.documents.invoice import Exchange, Invoice, LineTax, PrepaidLeft
from invoices.documents.taking import line_off, with_accounting_tax, with_line
from invoices.money import Rounding, from_minor, to_minor
from invoices.periods import BillingPeriod
from invoices.pricing.custom import CustomLineItem
from invoices.pricing.spend import Counts, Prepaid

CUSTOM = "custom/"
"""What keys of lines of custom line items begin with."""


@dataclass(frozen=True, slots=True, order=True)
class Drawn:
    """What the document of another month takes of what was paid ahead."""

    client: ClientKey
    key: str
    """Of the custom line item."""
    period: BillingPeriod
    """Of the document."""
    currency: str
    net_minor: int
    """Less than nothing where a credit note gives it back."""


@dataclass(frozen=True, slots=True)
class Pot:
    """What is left of one item for a document of its currency."""

    item: CustomLineItem
    paid: Prepaid
    left_minor: int
    """As far as no other month's document takes it."""
    shown_minor: int
    """As far as no earlier month's does: so what a document says is left stays so."""
    is_in_another: bool
    """Documents in another currency took of it: nobody can say what is left in this one."""


def pots_of(
    items: Iterable[CustomLineItem],
    drawn: Iterable[Drawn],
    *,
    currency: str,
    period: BillingPeriod,
) -> list[Pot]:
    """Of one client in `period`; whatever was paid first is taken off first."""
    taken = list(drawn)
    pots = []
    for item in sorted(items, key=lambda each: (each.start, each.key)):
        if not isinstance(item.charge, Prepaid):
            continue
        own = [each for each in taken if each.key == item.key and each.period >= item.start]
        paid = to_minor(item.charge.prepaid, currency, Rounding.DOWN)
        left = paid - sum(each.net_minor for each in own)
        shown = paid - sum(each.net_minor for each in own if each.period < period)
        is_in_another = any(each.currency != currency for each in own)
        pots.append(Pot(item, item.charge, max(left, 0), max(shown, 0), is_in_another))
    return pots


def with_prepayments(
    draft: Invoice, pots: Iterable[Pot], *, tax: Tax, tax_exchange: Exchange | None = None
) -> Invoice:
    """The draft less what its client paid ahead, never below nothing in any category of tax.

    `tax` is the client's. `tax_exchange` goes to the currency the seller accounts for its tax in.
    """
    before = draft
    for pot in pots:
        if not pot.is_in_another:
            draft = _less(draft, pot, pot.item.tax or tax)
    if draft is before:
        return draft
    return with_accounting_tax(draft, tax_exchange)


def _less(draft: Invoice, pot: Pot, tax: Tax) -> Invoice:
    # What earlier pots paid is paid, whichever lines they were of: no line is paid twice.
    payable = _payable(draft, pot.paid) + draft.prepaid_minor
    of_category = [
        line.base_minor
        for line in draft.tax_lines
        if (line.category, line.rate_percent) == (tax.category, tax.rate_percent)
    ]
    net = min(pot.left_minor, payable, draft.subtotal_minor, *(of_category or [0]))
    if net <= 0:
        return draft
    left = max(pot.shown_minor - net, 0)
    shown = f"{from_minor(left, draft.currency):,f} {draft.currency} left"
    line = replace(
        line_off(draft, f"{CUSTOM}{pot.item.key}", f"{pot.item.description} ({shown})", net),
        tax=LineTax(tax.category, tax.rate_percent) if pot.item.tax else None,
        prepaid=PrepaidLeft(pot.item.key, left),
    )
    return with_line(draft, line, tax)


def _payable(draft: Invoice, paid: Prepaid) -> int:
    own = [line for line in draft.lines if not line.is_of_other_months]
    if paid.counts is Counts.CHARGES:
        own = [
            line
            for line in own
            if not line.key.startswith(CUSTOM) and paid.is_of(line.account_id, line.service)
        ]
    return sum(line.amount_minor for line in own)
