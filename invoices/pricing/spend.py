"""Owns spend: what a client's months count towards a minimum, and what is above a maximum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from invoices.clients import ADDED_LATER, AccountId, ClientKey
from invoices.matching import is_like
from invoices.money import EXACT, exact_sum
from invoices.periods import BillingPeriod
from invoices.pricing.terms import Term


class Scoped:
    """Of named services and accounts only; where neither is named, of all."""

    __slots__ = ()
    services: tuple[str, ...]
    """Globs of AWS's codes."""
    accounts: tuple[AccountId, ...]

    def is_of(self, account_id: str, service: str) -> bool:
        is_of_service = any(is_like(service, glob) for glob in self.services)
        is_of_account = AccountId(account_id) in self.accounts
        return (not self.services or is_of_service) and (not self.accounts or is_of_account)


class Counts(StrEnum):
    CHARGES = "charges"
    """The price of AWS's charges, before custom line items."""
    ALL = "all"
    """Custom line items, too: all that is asked for before tax."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What the months before `until` came to, which were billed elsewhere."""

    amount: Decimal
    until: BillingPeriod
    """Exclusive."""


@dataclass(frozen=True, slots=True)
class MinimumSpend(Scoped):
    """A client pays at least this in a term; what is missing is charged in its last month."""

    minimum_spend: Decimal
    counts: Counts = Counts.CHARGES
    services: tuple[str, ...] = ()
    accounts: tuple[AccountId, ...] = ()
    carries_over: bool = False
    """What is spent above it counts in the next term, and what is still above then in the next."""
    opening: Opening | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True)
class MaximumSpend(Scoped):
    """A client pays at most this a month; what is above is a credit."""

    maximum_spend: Decimal
    counts: Counts = Counts.CHARGES
    services: tuple[str, ...] = ()
    accounts: tuple[AccountId, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepaid(Scoped):
    """What a client paid ahead, before tax: invoices take it off until it runs out."""

    prepaid: Decimal
    counts: Counts = Counts.CHARGES
    """What it pays."""
    services: tuple[str, ...] = ()
    accounts: tuple[AccountId, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class CountedMonth:
    """What an earlier month, as it was billed, counts towards a minimum spend."""

    client: ClientKey
    key: str
    """Of the custom line item."""
    period: BillingPeriod
    currency: str
    counted: Decimal
    carried_over: Decimal = Decimal(0)
    """Where it was the last of its term: what was above the minimum."""


@dataclass(frozen=True, slots=True)
class Spend:
    """A minimum spend as it stands at the end of a month of its term."""

    total: Decimal
    """Of the term so far, with what was carried into it."""
    missing: Decimal
    """Nothing before the last month of the term."""
    carried_over: Decimal


def months_before(minimum: MinimumSpend, term: Term, period: BillingPeriod) -> list[BillingPeriod]:
    """Of the term, those that have to have been billed here."""
    start = max(term.start, minimum.opening.until) if minimum.opening else term.start
    return [start.after(each) for each in range(period.months_since(start))]


def spend_of(
    minimum: MinimumSpend,
    term: Term,
    *,
    period: BillingPeriod,
    is_last: bool,
    counted: Decimal,
    months: Iterable[CountedMonth],
) -> Spend:
    """`months` are those of the item, of this term and before; `counted` is this month's."""
    by_period = {each.period: each for each in months}
    needed = months_before(minimum, term, period)
    assert not is_last or by_period.keys() >= {*needed}, "a check parks whose spend is unknown"
    before = [by_period[each].counted for each in needed if each in by_period]
    opening = minimum.opening
    if opening and term.start < opening.until:
        before.append(opening.amount)
    last = by_period.get(term.start.previous)
    if minimum.carries_over and last:
        before.append(last.carried_over)
    total = exact_sum([counted, *before])
    if not is_last:
        return Spend(total, Decimal(0), Decimal(0))
    short = EXACT.subtract(term.part_of(minimum.minimum_spend), total)
    above = EXACT.minus(min(short, Decimal(0))) if minimum.carries_over else Decimal(0)
    return Spend(total, max(short, Decimal(0)), above)
