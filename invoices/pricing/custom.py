"""Owns custom line items: flat or percentage fees and credits that AWS knows nothing of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from invoices.clients import ADDED_LATER, AccountId, ClientKey
from invoices.matching import is_like
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
    """Of one unit."""
    quantity: Decimal = field(default=Decimal(1), metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True)
class Percentage:
    """A percentage with an optional floor and cap in the client's invoice currency."""

    percent: Decimal
    of: PercentOf
    minimum: Decimal | None = None
    maximum: Decimal | None = field(default=None, metadata=ADDED_LATER)
    services: tuple[str, ...] = field(default=(), metadata=ADDED_LATER)
    """Globs of AWS's codes; of these only. Empty: of all."""
    accounts: tuple[AccountId, ...] = field(default=(), metadata=ADDED_LATER)
    """Of these only. Empty: of all."""

    def is_of(self, account_id: str, service: str) -> bool:
        is_of_service = any(is_like(service, glob) for glob in self.services)
        is_of_account = AccountId(account_id) in self.accounts
        return (not self.services or is_of_service) and (not self.accounts or is_of_account)


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
    quantity: Decimal = field(default=Decimal(1), metadata=ADDED_LATER)
    unit_price: Decimal | None = field(default=None, metadata=ADDED_LATER)
    """Negative on a credit; None: the price."""


Base = Callable[[Percentage], Decimal | None]
"""What a percentage is taken of, in the invoice's currency; None where nobody can say."""


def custom_charges(
    items: Iterable[CustomLineItem], *, period: BillingPeriod, base: Base
) -> tuple[CustomCharge, ...]:
    """The items of one client that apply in `period`, by key.

    `base` is of the client's charges before custom line items, so that no percentage is taken of
    another custom line item and their order does not matter.
    """
    charged = [item for item in items if item.applies_in(period)]
    return tuple(_charge(item, base) for item in sorted(charged, key=lambda item: item.key))


def _charge(item: CustomLineItem, base: Base) -> CustomCharge:
    match item.charge:
        case Flat(amount, quantity):
            unit_price = _signed(item.kind, amount)
            return CustomCharge(
                item.key,
                item.description,
                EXACT.multiply(unit_price, quantity),
                quantity=quantity,
                unit_price=unit_price,
            )
        case Percentage() as percentage:
            of = base(percentage)
            assert of is not None, f"{item.key} is a percentage of a cost that nobody can say"
            price = _signed(item.kind, _share(percentage, of))
            return CustomCharge(item.key, item.description, price, of)


def _signed(kind: CustomKind, amount: Decimal) -> Decimal:
    return amount if kind is CustomKind.FEE else EXACT.minus(amount)


def _share(percentage: Percentage, base: Decimal) -> Decimal:
    share = EXACT.multiply(base, percentage.percent.scaleb(-2, EXACT))
    if percentage.minimum is not None:
        share = max(share, percentage.minimum)
    if percentage.maximum is not None:
        share = min(share, percentage.maximum)
    return share
