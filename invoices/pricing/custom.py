"""Owns custom line items: flat or percentage fees and credits that AWS knows nothing of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from invoices.clients import ADDED_LATER, AccountId, ClientKey
from invoices.money import EXACT
from invoices.periods import BillingPeriod


class CustomKind(StrEnum):
    FEE = "fee"
    CREDIT = "credit"


class PercentOf(StrEnum):
    """What a percentage is taken of: the client's cost, or price before custom line items."""

    COST = "cost"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Flat:
    """A fixed amount a month, in the client's invoice currency; positive on a fee and a credit."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class Percentage:
    """A percentage with an optional floor in the client's invoice currency."""

    percent: Decimal
    of: PercentOf
    minimum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CustomLineItem:
    key: str
    client: ClientKey
    kind: CustomKind
    description: str
    charge: Flat | Percentage
    start: BillingPeriod
    end: BillingPeriod | None = None
    """Exclusive; open-ended when None."""
    payer_account_id: AccountId | None = None
    """On whose invoice it goes; None where there is one payer."""

    def applies_in(self, period: BillingPeriod) -> bool:
        return self.start <= period and (self.end is None or period < self.end)


@dataclass(frozen=True, slots=True)
class CustomCharge:
    """What a custom line item comes to in a period: exact, in the invoice's currency."""

    key: str
    description: str
    price: Decimal
    """Negative on a credit."""
    base: Decimal | None = field(default=None, metadata=ADDED_LATER)
    """What a percentage was taken of."""


def custom_charges(
    items: Iterable[CustomLineItem], *, period: BillingPeriod, cost: Decimal | None, price: Decimal
) -> tuple[CustomCharge, ...]:
    """The items of one client that apply in `period`, by key.

    `cost` may be None where no item is a percentage of it.

    `cost` and `price` are the client's before custom line items, in the invoice's currency, so
    that no percentage is taken of another custom line item and their order does not matter.
    """
    charged = [item for item in items if item.applies_in(period)]
    bases = {PercentOf.COST: cost, PercentOf.PRICE: price}
    return tuple(_charge(item, bases) for item in sorted(charged, key=lambda item: item.key))


def _charge(item: CustomLineItem, bases: Mapping[PercentOf, Decimal | None]) -> CustomCharge:
    base = None
    match item.charge:
        case Flat(amount):
            charged = amount
        case Percentage(percent, of, minimum):
            base = bases[of]
            assert base is not None, f"{item.key} is a percentage of a cost that nobody can say"
            charged = EXACT.multiply(base, percent.scaleb(-2, EXACT))
            charged = charged if minimum is None else max(charged, minimum)
    price = charged if item.kind is CustomKind.FEE else EXACT.minus(charged)
    return CustomCharge(item.key, item.description, price, base)
