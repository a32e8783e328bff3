"""Owns custom line items: flat or percentage fees and credits that AWS knows nothing of."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from invoices.clients import ClientKey
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
