"""Owns custom line items: fees and credits that AWS knows nothing of, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from invoices.clients import ADDED_LATER, AccountId, ClientKey, Tax
from invoices.matching import is_like
from invoices.money import EXACT
from invoices.periods import BillingPeriod, DaySpan
from invoices.pricing.terms import Term


class CustomKind(StrEnum):
    FEE = "fee"
    CREDIT = "credit"


class PercentOf(StrEnum):
    """What a percentage is taken of: the client's cost, or price before custom line items."""

    COST = "cost"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Flat:
    """A fixed amount a term, in the client's invoice currency; positive on a fee and a credit."""

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
    """One version of an item: those of one key follow each other, and no two are of one day."""

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
    every_months: int = field(default=1, metadata=ADDED_LATER)
    """Months in a term, the first of which begins with `start`: it is charged in its first."""
    days: DaySpan | None = field(default=None, metadata=ADDED_LATER)
    """Of its first and last term only these days are charged; None: terms are charged whole."""
    tax: Tax | None = field(default=None, metadata=ADDED_LATER)
    """Where it is taxed otherwise than the client's other lines."""

    def applies_in(self, period: BillingPeriod) -> bool:
        return self.is_in_effect(period) and self.term_of(period).start == period

    @property
    def name(self) -> str:
        """Its key, and where it says so the day from which on this version is in effect."""
        return self.key if self.starts_on == date.min else f"{self.key} from {self.starts_on}"

    @property
    def starts_on(self) -> date:
        return self.days.start if self.days else self.start.start

    @property
    def ends_on(self) -> date | None:
        """Exclusive."""
        if self.days:
            return self.days.end
        return self.end.start if self.end else None

    def is_in_effect(self, period: BillingPeriod) -> bool:
        return self.start <= period and (self.end is None or period < self.end)

    def term_of(self, period: BillingPeriod) -> Term:
        into = period.months_since(self.start) % self.every_months
        start = period.after(-into)
        return Term(start, start.after(self.every_months), self.days)


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
    tax: Tax | None = field(default=None, metadata=ADDED_LATER)
    """None: as the client's other lines."""


Base = Callable[[Percentage], Decimal | None]
"""What a percentage is taken of, in the invoice's currency; None where nobody can say."""


def custom_charges(
    items: Iterable[CustomLineItem], *, period: BillingPeriod, base: Base
) -> tuple[CustomCharge, ...]:
    """The items of one client that apply in `period`, by key.

    `base` is of the client's charges before custom line items, so that no percentage is taken of
    another custom line item and their order does not matter.
    """
    charged = charged_items(items, period)
    return tuple(_charge(key, item, item.term_of(period), base) for key, item in charged.items())


def charged_items(
    items: Iterable[CustomLineItem], period: BillingPeriod
) -> dict[str, CustomLineItem]:
    """Those that apply in `period`, by the key of their charge, in order.

    That is their own; the later of two versions of one month has the day it begins on in it.
    """
    found: dict[str, CustomLineItem] = {}
    for item in sorted(items, key=lambda each: (each.key, each.starts_on)):
        if item.applies_in(period):
            found[f"{item.key}/{item.starts_on}" if item.key in found else item.key] = item
    return found


def _charge(key: str, item: CustomLineItem, term: Term, base: Base) -> CustomCharge:
    days = f" ({term.days_charged} of {term.days_in_all} days)" if term.is_part else ""
    description = f"{item.description}{days}"
    match item.charge:
        case Flat(amount, quantity):
            unit_price = _signed(item.kind, term.part_of(amount))
            return CustomCharge(
                key,
                description,
                EXACT.multiply(unit_price, quantity),
                quantity=quantity,
                unit_price=unit_price,
                tax=item.tax,
            )
        case Percentage() as percentage:
            of = base(percentage)
            assert of is not None, f"{key} is a percentage of a cost that nobody can say"
            price = _signed(item.kind, _share(percentage, of, term))
            return CustomCharge(key, description, price, of, tax=item.tax)


def _signed(kind: CustomKind, amount: Decimal) -> Decimal:
    return amount if kind is CustomKind.FEE else EXACT.minus(amount)


def _share(percentage: Percentage, base: Decimal, term: Term) -> Decimal:
    """What was used has days of its own; only the floor and the cap are for a month."""
    share = EXACT.multiply(base, percentage.percent.scaleb(-2, EXACT))
    if percentage.minimum is not None:
        share = max(share, term.part_of(percentage.minimum))
    if percentage.maximum is not None:
        share = min(share, term.part_of(percentage.maximum))
    return share
