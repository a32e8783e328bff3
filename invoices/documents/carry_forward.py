"""Owns the balance: a negative month that is no document, taken off its client's next invoices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from invoices.clients import ADDED_LATER, ClientKey, Tax, TaxCategory
from invoices.documents.invoice import CarriedFrom, Exchange, Invoice, Seller
from invoices.documents.taking import line_off, with_accounting_tax, with_line
from invoices.money import EXACT, from_minor
from invoices.periods import BillingPeriod


@dataclass(frozen=True, slots=True, order=True)
class CarryForward:
    """What a client is owed for a month, before tax, and no invoice has taken off yet.

    It keeps the tax category and rate of its own month: a price that is lowered later lowers the
    taxable amount of the supply it belongs to (VAT Directive, art. 90).
    """

    client: ClientKey
    period: BillingPeriod
    currency: str
    net_minor: int
    """Positive."""
    category: TaxCategory
    rate_percent: Decimal
    note: str
    seller_key: str = field(default="", metadata=ADDED_LATER)
    """Whose month it was, and who owes it; '' in inputs of an earlier version."""
    seller_tax_id: str = field(default="", metadata=ADDED_LATER)

    def is_owed_by(self, seller: Seller) -> bool:
        """A seller under another key is the same one if the tax office knows it as the same.

        Less tax is less of what its own seller owes: another cannot take it off.
        """
        is_same_number = bool(seller.tax_id) and self.seller_tax_id == seller.tax_id
        return self.seller_key in ("", seller.key) or is_same_number

    def can_be_on(self, invoice: Invoice) -> bool:
        return self.currency == invoice.currency and self.is_owed_by(invoice.seller)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one document takes of a balance."""

    period: BillingPeriod
    number: str
    """'' while it is a draft."""
    net_minor: int


@dataclass(frozen=True, slots=True)
class CarriedBalance:
    """What the month leaves in a client's favour, before tax, and where it went."""

    client: ClientKey
    currency: str
    net_minor: int
    taken: tuple[Taken, ...]

    @property
    def open_minor(self) -> int:
        return self.net_minor - sum(each.net_minor for each in self.taken)

    def to_json(self) -> dict[str, Any]:
        return {
            "client": self.client,
            "currency": self.currency,
            "net": _shown(self.net_minor, self.currency),
            "open": _shown(self.open_minor, self.currency),
            "taken": [
                {
                    "period": str(each.period),
                    "number": each.number,
                    "net": _shown(each.net_minor, self.currency),
                }
                for each in self.taken
            ],
        }


def balance_of(client: ClientKey, draft: Invoice) -> CarryForward:
    """Of a negative month's draft."""
    assert draft.subtotal_minor < 0
    tax = draft.tax_lines[0]
    return CarryForward(
        client=client,
        period=draft.period,
        currency=draft.currency,
        net_minor=-draft.subtotal_minor,
        category=tax.category,
        rate_percent=tax.rate_percent,
        note=tax.note,
        seller_key=draft.seller.key,
        seller_tax_id=draft.seller.tax_id,
    )


def with_balances(
    draft: Invoice, balances: Iterable[CarryForward], *, tax_exchange: Exchange | None = None
) -> Invoice:
    """The draft less what its client is owed, the oldest month first, and never below nothing.

    What it cannot hold stays a balance. One of another currency, or of another seller, waits.
    `tax_exchange` goes to the currency that the seller accounts for its tax in.
    """
    for balance in sorted(balances, key=lambda each: each.period):
        if balance.can_be_on(draft) and draft.total_minor > 0:
            draft = _less(draft, balance)
    return with_accounting_tax(draft, tax_exchange) if draft.carried_minor else draft


def _less(draft: Invoice, balance: CarryForward) -> Invoice:
    """Less as much of the balance as leaves neither a subtotal nor a total below nothing."""
    rate = balance.rate_percent.scaleb(-2, EXACT)
    gross = int(EXACT.divide(Decimal(draft.total_minor), EXACT.add(Decimal(1), rate)))
    # Tax is rounded on the document, so the quotient may miss by a unit or two.
    most = min(balance.net_minor, draft.subtotal_minor, gross + 2)
    candidates = (_carried(draft, balance, net) for net in range(most, 0, -1))
    return next((each for each in candidates if each.total_minor >= 0), draft)


def _carried(draft: Invoice, balance: CarryForward, net_minor: int) -> Invoice:
    line = replace(
        line_off(
            draft, f"carried/{balance.period}", f"Carried forward from {balance.period}", net_minor
        ),
        carried_from=CarriedFrom(balance.period, balance.category, balance.rate_percent),
    )
    return with_line(draft, line, Tax(balance.category, balance.rate_percent, note=balance.note))


def gets_document(draft: Invoice, *, zero_gets_one: bool) -> bool:
    """A total of nothing because of other months is always told: its own was supplied and taxed."""
    if draft.total_minor or draft.subtotal_minor:
        return draft.total_minor >= 0
    return zero_gets_one or any(line.is_of_other_months for line in draft.lines)


def _shown(minor: int, currency: str) -> str:
    return format(from_minor(minor, currency), "f")
