"""Owns what a check may look at, and what its findings stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from invoices.allocation.commitments.reapplication import CommitmentMonth
from invoices.allocation.credits import OwnerlessCredit
from invoices.allocation.direct import NearestOwner
from invoices.allocation.leftover import Allocation
from invoices.allocation.proration import Crossing
from invoices.allocation.shared_costs.bases import Weights
from invoices.allocation.shared_costs.splitting import SharedSum
from invoices.allocation.shared_costs.tags import TaggedSum
from invoices.allocation.support.reallocation import SupportMonth
from invoices.clients import Client, ClientKey
from invoices.documents.invoice import Invoice
from invoices.inputs import BillingInputs
from invoices.money import plain
from invoices.statements import Statement
from kernel.findings import Finding, Severity


@dataclass(frozen=True, slots=True, eq=False)
class CurrencyMonth:
    """What a payer is charged for a month in one currency."""

    allocation: Allocation
    nearest: tuple[NearestOwner, ...]
    """Charges of days on which their account was nobody's."""
    returned_unbought: Mapping[str, Decimal]
    """By account, refunds of commitments less what was paid upfront for any this month."""
    crossings: tuple[Crossing, ...]
    """Charges that last over a change of hands."""
    commitments: CommitmentMonth
    support: SupportMonth
    ownerless_credits: tuple[OwnerlessCredit, ...]
    shared_weights: Mapping[str, Weights]
    """By group of shared costs, who bears how much; of the payer's currency."""
    shared_sums: tuple[SharedSum, ...]
    tagged: tuple[TaggedSum, ...]
    column_discounts: Decimal
    """What columns of discounts take off charges that are no discounts themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class CheckedMonth:
    """What a check may look at."""

    inputs: BillingInputs
    currency: str
    """The payer's."""
    kinds: frozenset[str]
    """All kinds among the charges."""
    by_currency: Mapping[str, CurrencyMonth]
    """The payer's first."""
    statements: Mapping[ClientKey, Statement]
    """By client that bears charges or has a custom line item."""
    drafts: Mapping[ClientKey, Invoice] = field(default_factory=dict)

    @property
    def billed_clients(self) -> list[Client]:
        return [client for client in self.inputs.clients if client.key in self.statements]


Check = Callable[[CheckedMonth], Iterable[Finding]]


def check(facts: CheckedMonth, checks: Iterable[Check]) -> tuple[Finding, ...]:
    """All findings, sorted; a critical one with a client parks that client."""
    return tuple(sorted({finding for each in checks for finding in each(facts)}))


def parked(findings: Iterable[Finding]) -> frozenset[ClientKey]:
    return frozenset(
        ClientKey(finding.client)
        for finding in findings
        if finding.client and finding.severity is Severity.CRITICAL
    )


def parks(client: str, code: str, message: str) -> Finding:
    return Finding(Severity.CRITICAL, code, client, message, client)


def in_words(amounts: Mapping[str, Decimal]) -> str:
    """By currency: `5 USD and 2 EUR`; what is nothing is left out where there is something."""
    told = {each: amount for each, amount in amounts.items() if amount} or dict(
        [*amounts.items()][:1]
    )
    return " and ".join(f"{plain(amount)} {each}" for each, amount in told.items())
