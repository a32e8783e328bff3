"""Owns the ids of the invoices AWS sends the payer for a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from sandbox.bills.organization import Month

INC = "Amazon Web Services, Inc."
EMEA = "Amazon Web Services EMEA SARL"


@dataclass(frozen=True, slots=True)
class AwsInvoices:
    """One per seller of record, one for Marketplace, one per purchase, and a credit memo."""

    by_entity: Mapping[str, str]
    marketplace: str
    reservation_purchase: str
    savings_plan_purchase: str
    credit_memo: str


def invent_invoices(month: Month, *, seed: int) -> AwsInvoices:
    random = Random(f"invoices {seed} {month}")

    def number() -> str:
        return str(random.randint(10**9, 3 * 10**9))

    emea = f"EUINLU{month.year % 100:02}-{random.randint(10**6, 10**7 - 1)}"
    return AwsInvoices({INC: number(), EMEA: emea}, number(), number(), number(), number())
