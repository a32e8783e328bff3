"""Owns what a contract says about reservations and savings plans: whose their benefit is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from invoices.clients import ClientKey
from invoices.periods import BillingPeriod

NOBODY = ClientKey("")


class Benefit(StrEnum):
    """Whose the benefit is of what a commitment covered for a client."""

    PASS_THROUGH = "pass_through"  # noqa: S105 - no password
    """Its user's, as AWS applied it."""
    OWNER_CLIENT = "owner_client"
    """The owner's; every other client pays the on-demand equivalent."""
    PRO_RATA = "pro_rata"
    """Shared in a pool of clients, by the on-demand equivalent of what was covered."""
    RETAINED = "retained"
    """The reseller's; all pay the on-demand equivalent."""
    CAPPED_ON_DEMAND = "capped_on_demand"
    """Its user's, and where it is a loss, the owner's: never dearer than on demand."""


BY_OWNER = (Benefit.OWNER_CLIENT, Benefit.CAPPED_ON_DEMAND)
"""Policies that ask who owns the commitment."""


class Unused(StrEnum):
    """Who bears the part of a commitment that nobody used."""

    OWNER = "owner"
    RESELLER = "reseller"
    POOL = "pool"


class Upfront(StrEnum):
    """When an upfront fee is billed; a book on an amortized cost has it in its usage already."""

    AT_ONCE = "at_once"
    AMORTIZED = "amortized"
    """Each month the part that AWS's columns give it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """An upfront fee in equal invoices. The amount is stated: later months do not show it."""

    amount: Decimal
    start: BillingPeriod
    months: int

    def __post_init__(self) -> None:
        if self.amount <= 0 or self.amount != round(self.amount, 2):
            raise ValueError(f"an upfront fee of {self.amount}: write its amount, such as 1200.00")
        if self.months not in (12, 36):
            raise ValueError(f"an upfront fee is spread over 12 or 36 months, not {self.months}")

    def number_in(self, period: BillingPeriod) -> int | None:
        """Which of its invoices a period's is, from 1; None before and after."""
        since = (period.year - self.start.year) * 12 + period.month - self.start.month
        return since + 1 if 0 <= since < self.months else None


@dataclass(frozen=True, slots=True)
class CommitmentPolicy:
    """What one contract says of one commitment."""

    benefit: Benefit = Benefit.PASS_THROUGH
    pool: str = ""
    """Its clients are those whose contracts name it for this commitment."""
    owner_first: bool = True
    """In a pool: the owner keeps what its own usage was covered, as AWS applies it first."""
    unused: Unused | None = None
    """None: the reseller's where it retains the benefit, else the owner's."""
    upfront: Upfront | Spread | None = None
    """None: as the cost basis has it."""
    owner: ClientKey = NOBODY
    """Where the month does not show whose it is."""

    def __post_init__(self) -> None:
        pooled = self.benefit is Benefit.PRO_RATA or self.unused is Unused.POOL
        if pooled and not self.pool:
            raise ValueError("a pool has a name: write pool")
        if self.pool and not pooled:
            raise ValueError("pool goes with pro_rata, or with unused: pool")

    @property
    def sharing(self) -> str:
        """The pool whose clients share the benefit; '' where they share at most what is unused."""
        return self.pool if self.benefit is Benefit.PRO_RATA else ""

    @property
    def bears_unused(self) -> Unused:
        if self.unused is not None:
            return self.unused
        return Unused.RESELLER if self.benefit is Benefit.RETAINED else Unused.OWNER

    @property
    def bears_fees_whole(self) -> bool:
        """Whether the owner bears its fees, and when AWS bills them."""
        is_owners = self.bears_unused is Unused.OWNER and self.benefit is not Benefit.RETAINED
        return is_owners and self.upfront in (None, Upfront.AT_ONCE)

    @property
    def says_nothing(self) -> bool:
        """Whether all is as AWS applied it."""
        return self.benefit is Benefit.PASS_THROUGH and self.bears_fees_whole


PASS_THROUGH = CommitmentPolicy()


@dataclass(frozen=True, slots=True)
class CommitmentPolicies:
    """Of a price book, and so effective-dated as it is."""

    default: CommitmentPolicy = PASS_THROUGH
    by_arn: Mapping[str, CommitmentPolicy] = field(default_factory=dict)
    blocks_crossing: bool = False
    """Whether a client of the book is parked where a benefit crossed to or from another one."""

    def of(self, arn: str) -> CommitmentPolicy:
        return self.by_arn.get(arn, self.default)

    def __post_init__(self) -> None:
        if isinstance(self.default.upfront, Spread):
            raise ValueError("an upfront fee is spread by commitment: name its ARN")
        if self.default.owner:
            raise ValueError("an owner is of a commitment: name its ARN")

    @property
    def policies(self) -> list[CommitmentPolicy]:
        return [self.default, *self.by_arn.values()]

    @property
    def says_nothing(self) -> bool:
        """Whether all is as AWS applied it."""
        return all(each.says_nothing for each in self.policies)


NO_COMMITMENT_POLICY = CommitmentPolicies()

__all__ = [
    "BY_OWNER",
    "NO_COMMITMENT_POLICY",
    "PASS_THROUGH",
    "Benefit",
    "CommitmentPolicies",
    "CommitmentPolicy",
    "Spread",
    "Unused",
    "Upfront",
]
