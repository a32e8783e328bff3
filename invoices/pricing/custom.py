"""Owns custom line items: fees and credits that AWS knows nothing of, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from invoices.clients import ADDED_LATER, AccountId, ClientKey, Tax
from invoices.money import EXACT, exact_sum
from invoices.periods import BillingPeriod, DaySpan
from invoices.pricing.spend import (
    CountedMonth,
    Counts,
    MaximumSpend,
    MinimumSpend,
    Prepaid,
    Scoped,
    months_before,
    spend_of,
)
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
class Percentage(Scoped):
    """A percentage with an optional floor and cap in the client's invoice currency.

    Steps are several items: 5 % `above` 10,000 and 3 % more `above` 50,000.
    """

    percent: Decimal
    of: PercentOf
    minimum: Decimal | None = None
    maximum: Decimal | None = field(default=None, metadata=ADDED_LATER)
    services: tuple[str, ...] = field(default=(), metadata=ADDED_LATER)
    accounts: tuple[AccountId, ...] = field(default=(), metadata=ADDED_LATER)
    above: Decimal | None = field(default=None, metadata=ADDED_LATER)
    """Only of what is above it."""
    reached: Decimal | None = field(default=None, metadata=ADDED_LATER)
    """Of all, once that is as much; of nothing before."""

    def part_of(self, base: Decimal) -> Decimal:
        """What of it the percentage is taken of."""
        nothing = Decimal(0)
        if self.reached is not None and base < self.reached:
            return nothing
        return base if self.above is None else max(EXACT.subtract(base, self.above), nothing)


@dataclass(frozen=True, slots=True)
class CustomLineItem:
    """One version of an item: those of one key follow each other, and no two are of one day."""

    key: str
    client: ClientKey
    kind: CustomKind
    description: str
    charge: Flat | Percentage | MinimumSpend | MaximumSpend | Prepaid
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

    def applies_in(self, period: BillingPeriod) -> bool:
        """Whether a document of this month has to know it; spend counts in every month."""
        if isinstance(self.charge, MinimumSpend):
            return self.is_in_effect(period)
        return self.is_in_effect(period) and self.term_of(period).start == period

    def asks_in(self, period: BillingPeriod) -> bool:
        """Whether it may ask for something of a client that has no charges."""
        match self.charge:
            case MinimumSpend():
                return self.is_last_of_term(period)
            case MaximumSpend() | Prepaid():
                return False
        return self.applies_in(period)

    def is_last_of_term(self, period: BillingPeriod) -> bool:
        ends = {self.term_of(period).end, self.end}
        return self.is_in_effect(period) and period.next in ends

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
    """What a percentage was taken of; what of a term, or a month, is below or above its limit."""
    quantity: Decimal = field(default=Decimal(1), metadata=ADDED_LATER)
    unit_price: Decimal | None = field(default=None, metadata=ADDED_LATER)
    """Negative on a credit; None: the price."""
    tax: Tax | None = field(default=None, metadata=ADDED_LATER)
    """None: as the client's other lines."""
    counted: Decimal | None = field(default=None, metadata=ADDED_LATER)
    """What of this month counts towards a minimum spend."""
    carried_over: Decimal = field(default=Decimal(0), metadata=ADDED_LATER)
    """In the last month of its term: what was spent above the minimum, and counts on."""


Base = Callable[[Percentage | MinimumSpend | MaximumSpend], Decimal | None]
"""What it is of, in the invoice's currency, before custom line items; None: nobody can say."""


def custom_charges(
    items: Iterable[CustomLineItem],
    *,
    period: BillingPeriod,
    base: Base,
    months: Iterable[CountedMonth] = (),
) -> tuple[CustomCharge, ...]:
    """The items of one client that apply in `period`, by key.

    `base` is of the client's charges before custom line items, so that no percentage is taken of
    another custom line item and their order does not matter. After these come maxima, and minima
    last: each may count what came before. `months` are what earlier ones count.
    """
    charged, history = charged_items(items, period), tuple(months)
    found: dict[str, CustomCharge] = {}
    for kinds in ((Flat, Percentage), (MaximumSpend,), (MinimumSpend,)):
        others = exact_sum(each.price for each in found.values())
        found |= {
            key: _charge(key, item, period, base, others, history)
            for key, item in charged.items()
            if isinstance(item.charge, kinds)
        }
    return tuple(found[key] for key in charged if key in found)


def counted_months_of(item: CustomLineItem, period: BillingPeriod) -> list[BillingPeriod]:
    """Earlier months without which nobody knows where a minimum spend stands in `period`."""
    if not isinstance(item.charge, MinimumSpend):
        return []
    term, opening = item.term_of(period), item.charge.opening
    months = months_before(item.charge, term, period)
    is_first = term.start == item.start or (opening is not None and opening.until > term.start)
    return [term.start.previous, *months] if item.charge.carries_over and not is_first else months


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


def _charge(
    key: str,
    item: CustomLineItem,
    period: BillingPeriod,
    base: Base,
    others: Decimal,
    months: Iterable[CountedMonth],
) -> CustomCharge:
    assert not isinstance(item.charge, Prepaid), "what is paid ahead is taken off a document"
    term = item.term_of(period)
    days = f" ({term.days_charged} of {term.days_in_all} days)" if term.is_part else ""
    made = CustomCharge(key, f"{item.description}{days}", Decimal(0), tax=item.tax)
    match item.charge:
        case Flat(amount, quantity):
            unit_price = _signed(item.kind, term.part_of(amount))
            price = EXACT.multiply(unit_price, quantity)
            return replace(made, price=price, quantity=quantity, unit_price=unit_price)
        case Percentage() as percentage:
            of = base(percentage)
            assert of is not None, f"{key} is a percentage of a cost that nobody can say"
            price = _signed(item.kind, _share(percentage, percentage.part_of(of), term))
            return replace(made, price=price, base=of)
        case MaximumSpend() as maximum:
            spent = _spent(maximum, base, others)
            above = EXACT.subtract(spent, term.part_of(maximum.maximum_spend))
            price = EXACT.minus(max(above, Decimal(0)))
            return replace(made, price=price, base=spent)
        case MinimumSpend() as minimum:
            counted = _spent(minimum, base, others)
            spend = spend_of(
                minimum,
                term,
                period=period,
                is_last=item.is_last_of_term(period),
                counted=counted,
                months=[each for each in months if each.key == item.key],
            )
            return replace(
                made,
                price=spend.missing,
                base=spend.total,
                counted=counted,
                carried_over=spend.carried_over,
            )


def _spent(limit: MinimumSpend | MaximumSpend, base: Base, others: Decimal) -> Decimal:
    charges = base(limit)
    assert charges is not None, "an invoice converts every price"
    return EXACT.add(charges, others) if limit.counts is Counts.ALL else charges


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
