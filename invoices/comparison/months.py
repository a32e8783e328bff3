"""Owns the comparison of two ways to bill a month: who would pay what, and by which rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from invoices.clients import ClientKey
from invoices.comparison.totals import DocumentTotal, difference
from invoices.money import EXACT, CostAndPrice
from invoices.month import BilledMonth, Draft

NOTHING = CostAndPrice(Decimal(0), Decimal(0))

_Part = tuple[str, str]
"""A rule and why the charge is the client's, or a custom line item, in words; and the currency."""


@dataclass(frozen=True, slots=True)
class PartChange:
    """What a rule, or a custom line item, charges before and after: exact, before tax."""

    part: str
    currency: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class MarginChange:
    """In one currency what a client costs and brings before and after: exact, before tax."""

    currency: str
    before: CostAndPrice
    after: CostAndPrice


@dataclass(frozen=True, slots=True)
class ClientChange:
    """`before` or `after` is None where the client is parked, or bears nothing of the month."""

    client: ClientKey
    before: DocumentTotal | None
    after: DocumentTotal | None
    parts: tuple[PartChange, ...]
    """Only those that differ."""
    margins: tuple[MarginChange, ...]
    """By currency; a custom line item is in the invoice's, and costs nothing."""

    @property
    def difference(self) -> Decimal | None:
        """None where there is nothing to take a difference of, or it would mix two currencies."""
        return difference(self.before, self.after)

    @property
    def is_none(self) -> bool:
        return self.before == self.after and not self.parts


def compare(before: BilledMonth, after: BilledMonth) -> tuple[ClientChange, ...]:
    """Every client of either, by key. Both are of one month's charges, or of two deliveries."""
    assert before.inputs.period == after.inputs.period, "these are two months"
    old = {each.client: each for each in before.drafts}
    new = {each.client: each for each in after.drafts}
    return tuple(
        ClientChange(
            client,
            _asked(old.get(client)),
            _asked(new.get(client)),
            _changed(_parts(old.get(client)), _parts(new.get(client))),
            _margins(_amounts(old.get(client)), _amounts(new.get(client))),
        )
        for client in sorted({*old, *new, *before.parked, *after.parked})
    )


def _asked(draft: Draft | None) -> DocumentTotal | None:
    return None if draft is None else DocumentTotal.of(draft.invoice)


def _parts(draft: Draft | None) -> Mapping[_Part, Decimal]:
    parts: defaultdict[_Part, Decimal] = defaultdict(Decimal)
    if draft is None:
        return parts
    for line in draft.statement.lines:
        for working in line.workings:
            said = f"; {working.attribution}" if working.attribution else ""
            part = f"{working.rule}{said}", line.currency
            parts[part] = EXACT.add(parts[part], working.price)
    for item in draft.custom:
        parts[f"custom line item {item.key}", draft.invoice.currency] = item.price
    for taken in draft.invoice.lines:
        if taken.is_of_other_months:
            words = f"prepaid {taken.prepaid.key}" if taken.prepaid else taken.description
            parts[words, draft.invoice.currency] = taken.price
    return parts


def _amounts(draft: Draft | None) -> Mapping[str, CostAndPrice]:
    if draft is None:
        return {}
    amounts = {**draft.statement.amounts}
    for item in draft.custom:
        so_far = amounts.get(draft.invoice.currency, NOTHING)
        price = EXACT.add(so_far.price, item.price)
        amounts[draft.invoice.currency] = CostAndPrice(so_far.cost, price)
    return amounts


def _margins(
    before: Mapping[str, CostAndPrice], after: Mapping[str, CostAndPrice]
) -> tuple[MarginChange, ...]:
    return tuple(
        MarginChange(each, before.get(each, NOTHING), after.get(each, NOTHING))
        for each in sorted({*before, *after})
        if before.get(each, NOTHING) != NOTHING or after.get(each, NOTHING) != NOTHING
    )


def _changed(
    before: Mapping[_Part, Decimal], after: Mapping[_Part, Decimal]
) -> tuple[PartChange, ...]:
    nothing = Decimal(0)
    every = [
        PartChange(*part, before.get(part, nothing), after.get(part, nothing))
        for part in sorted({*before, *after})
    ]
    return tuple(each for each in every if each.before != each.after)


__all__ = ["ClientChange", "MarginChange", "PartChange", "compare"]
