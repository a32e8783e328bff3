"""Owns who the clients are, and which account belonged to whom on which day."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

from invoices.money import Rounding
from invoices.periods import DaySpan

ADDED_LATER: Mapping[str, bool] = MappingProxyType({"added_later": True})
"""The metadata of a field that content of earlier versions had not: at its default it is left out
of what is hashed, so that the same content keeps its id."""

AccountId = NewType("AccountId", str)
ClientKey = NewType("ClientKey", str)


class TaxCategory(StrEnum):
    """How the seller taxes a client's invoice (EN 16931 codes S, AE, Z, E, O, G)."""

    STANDARD = "standard"
    REVERSE_CHARGE = "reverse_charge"
    ZERO = "zero"
    EXEMPT = "exempt"
    OUTSIDE_SCOPE = "outside_scope"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Address:
    street: str
    city: str
    postcode: str
    country: str
    """ISO 3166 two letters."""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Tax:
    category: TaxCategory = TaxCategory.OUTSIDE_SCOPE
    rate_percent: Decimal = Decimal(0)
    vat_id: str = ""
    note: str = ""
    """Printed words, such as the reason of an exemption."""
    rounding: Rounding | None = field(default=None, metadata=ADDED_LATER)
    """None: as the seller rounds tax."""


class ZeroMonths(StrEnum):
    """What a client gets whose month comes to nothing."""

    INVOICE = "invoice"
    NO_DOCUMENT = "no_document"


class NegativeMonths(StrEnum):
    """What becomes of a month that comes to less than nothing."""

    PARK = "park"
    CREDIT_NOTE = "credit_note"
    CARRY_FORWARD = "carry_forward"


@dataclass(frozen=True, slots=True)
class MonthPolicies:
    """What becomes of months that ask for nothing. Of a client, None is as its seller says."""

    zero: ZeroMonths | None = None
    negative: NegativeMonths | None = None

    @classmethod
    def of(cls, zero: str | None, negative: str | None) -> MonthPolicies:
        return cls(
            ZeroMonths(zero) if zero else None, NegativeMonths(negative) if negative else None
        )


UNSAID = MonthPolicies()


@dataclass(frozen=True, slots=True)
class Client:
    """The legal person we invoice, as known on the day of a billing run."""

    key: ClientKey
    name: str
    currency: str
    address: Address
    tax: Tax
    price_book: str
    payment_terms_days: int = 30
    email: str = ""
    buyer_reference: str = ""
    external_refs: tuple[tuple[str, str], ...] = field(default=())
    rounding: Rounding | None = field(default=None, metadata=ADDED_LATER)
    """Of the subtotal and its lines; None: as the seller's."""
    months: MonthPolicies = field(default=UNSAID, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """What is another about a client from a day on; None is as it was before."""

    client: ClientKey
    start: date
    name: str | None = None
    address: Address | None = None
    email: str | None = None
    tax: Tax | None = None
    buyer_reference: str | None = None


def with_facts(
    client: Client, facts: Iterable[ClientFacts], *, addressed_on: date, supplied_on: date
) -> Client:
    """The client as a document has it.

    To whom it is addressed is so on the day of issue. How the supply is taxed, under which VAT id
    the client received it (VAT Directive, art. 226 no. 4) and under which order is so on the day
    of the supply: the last one of its month.
    """
    for each in sorted(facts, key=lambda each: each.start):
        if each.client == client.key and each.start <= addressed_on:
            client = replace(
                client,
                name=client.name if each.name is None else each.name,
                address=each.address or client.address,
                email=client.email if each.email is None else each.email,
            )
        if each.client == client.key and each.start <= supplied_on:
            reference = each.buyer_reference
            client = replace(
                client,
                tax=each.tax or client.tax,
                buyer_reference=client.buyer_reference if reference is None else reference,
            )
    return client


@dataclass(frozen=True, slots=True, order=True)
class Assignment:
    """That an account belongs to a client for a span of days."""

    account_id: AccountId
    client: ClientKey
    span: DaySpan


class OverlappingAssignments(ValueError):
    """An account has two clients on one day."""

    def __init__(self, first: Assignment, second: Assignment) -> None:
        super().__init__(
            f"account {first.account_id} belongs to {first.client} from {first.span.start} and to "
            f"{second.client} from {second.span.start}: end the first before the second begins"
        )


@dataclass(frozen=True, slots=True)
class Roster:
    """All assignments at a moment, sorted; an account has at most one client on a day."""

    assignments: tuple[Assignment, ...]

    @classmethod
    def of(cls, assignments: Iterable[Assignment]) -> Roster:
        """Raises OverlappingAssignments."""
        ordered = tuple(sorted(assignments, key=lambda a: (a.account_id, a.span.start)))
        for first, second in itertools.pairwise(ordered):
            if first.account_id == second.account_id and first.span.overlaps(second.span):
                raise OverlappingAssignments(first, second)
        return cls(ordered)

    def changes_hands(self, account_id: AccountId, days: DaySpan) -> tuple[Assignment, ...]:
        """Its assignments within these days, where they are of several clients."""
        within = tuple(
            each
            for each in self.assignments
            if each.account_id == account_id and each.span.overlaps(days)
        )
        return within if len({each.client for each in within}) > 1 else ()

    def client_of(self, account_id: AccountId, day: date) -> ClientKey | None:
        for assignment in self.assignments:
            if assignment.account_id == account_id and day in assignment.span:
                return assignment.client
        return None
