"""Owns what is agreed of shared charges: which they are, who bears them, and by what."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from invoices.clients import ADDED_LATER, AccountId, ClientKey
from invoices.kinds import CostBasis
from invoices.matching import EVERYTHING, Match, is_any, is_like, specificity
from invoices.periods import BillingPeriod

WITHOUT_ACCOUNT = AccountId("")
"""The account of charges that AWS puts on none."""


class By(StrEnum):
    """What the parts of a shared charge are in proportion to."""

    SPEND = "spend"
    """What each client was charged before any shared charge was added, so no split hangs on
    another."""
    USAGE = "usage"
    """How much each used of something."""
    EVEN = "even"
    PERCENT = "percent"
    TAGGED = "tagged"
    """What of the accounts is each one's by the tag."""


@dataclass(frozen=True, slots=True)
class Basis:
    by: By
    of: Match = EVERYTHING
    """Of spend and usage: of these charges only."""
    cost: CostBasis = CostBasis.NET_BILLED
    """Of spend: which cost."""
    percents: Mapping[ClientKey, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        total = sum(self.percents.values())
        if self.by is By.PERCENT and total != 100:
            raise ValueError(f"the percentages add up to {total}, not to 100")
        if self.cost is CostBasis.LIST:
            raise ValueError("what a client spends has no list: write another cost")


@dataclass(frozen=True, slots=True)
class SharedCost:
    """Charges of our own accounts, or of none, that clients bear together for a while."""

    key: str
    accounts: tuple[AccountId, ...]
    basis: Basis
    start: BillingPeriod
    end: BillingPeriod | None = None
    """Exclusive; open-ended when None."""
    description: str = ""
    """What the clients' lines call it."""
    match: Match = EVERYTHING
    """Of these accounts, these charges only."""
    to: tuple[ClientKey, ...] = ()
    """Who bears them. Empty: whoever bears a charge of the payer's month."""
    exempt: tuple[ClientKey, ...] = ()
    tag: str = field(default="", metadata=ADDED_LATER)
    """Of these charges, what has a client's value of this tag is its own; the rest is shared."""
    values: Mapping[ClientKey, tuple[str, ...]] = field(default_factory=dict, metadata=ADDED_LATER)
    """By client, globs of the tag's values."""

    def __post_init__(self) -> None:
        if bool(self.tag) != bool(self.values):
            raise ValueError("tag and values go together")
        if self.basis.by is By.TAGGED and not self.tag:
            raise ValueError("basis: tagged goes with a tag")
        globs = [glob for each in self.values.values() for glob in each]
        for glob in sorted(globs):
            if globs.count(glob) > 1:
                raise ValueError(f"the value {glob} is of two clients")
        if not self.accounts:
            raise ValueError("say whose charges are shared: accounts, or without_account: true")
        if self.end is not None and self.end <= self.start:
            raise ValueError("`until` (exclusive) must be later than `from`")
        if self.exempt and self.named:
            raise ValueError("whoever is not named bears nothing: leave exempt out")
        if self.to and self.basis.percents:
            raise ValueError("percent says who bears how much: leave `to` out, or write all")

    @property
    def words(self) -> str:
        return self.description or self.key

    @property
    def named(self) -> tuple[ClientKey, ...]:
        """The clients that bear it whether or not they are charged anything else."""
        return self.to or tuple(sorted(self.basis.percents))

    @property
    def passes_whole(self) -> bool:
        """Whether price books keep nothing of it: as a rule prices tax, credits and discounts only
        where it names their kind (DECISIONS 13), a group passes them on where it names it."""
        return not is_any(self.match.kind)

    def client_of(self, value: str) -> str:
        """Whose a value of the tag is: by the glob that says most; '' is nobody's."""
        found = [
            (glob.count("*") + glob.count("?"), -len(glob), client)
            for client, globs in self.values.items()
            for glob in globs
            if value and is_like(value, glob)
        ]
        return min(found)[2] if found else ""

    def applies_in(self, period: BillingPeriod) -> bool:
        return self.start <= period and (self.end is None or period < self.end)


def taking(charge: Mapping[str, str], groups: Iterable[SharedCost]) -> str:
    """The key of the group that shares a charge (`account_id` and MATCHED), '' where none does.

    The most specific match, then the first by key.
    """
    ordered = sorted(groups, key=lambda each: (*(-n for n in specificity(each.match)), each.key))
    account = charge["account_id"]
    takers = (each for each in ordered if account in each.accounts and each.match.takes(charge))
    return next((each.key for each in takers), "")


def in_effect(versions: Iterable[SharedCost], period: BillingPeriod) -> tuple[SharedCost, ...]:
    """By key, the version that began last, where it has not ended."""
    begun = sorted((each for each in versions if each.start <= period), key=lambda e: e.start)
    last = {each.key: each for each in begun}
    return tuple(last[key] for key in sorted(last) if last[key].applies_in(period))


def taken_twice(versions: Iterable[SharedCost]) -> Iterator[tuple[SharedCost, SharedCost, str]]:
    """Groups that would share the same charges of an account at one time, and the account."""
    every = sorted(versions, key=lambda each: (each.key, each.start))
    for one, other in itertools.combinations(every, 2):
        shared = sorted({*one.accounts} & {*other.accounts})
        if one.key == other.key or one.match != other.match or not shared:
            continue
        together = in_effect(every, max(one.start, other.start))
        if one in together and other in together:
            yield one, other, shared[0]


__all__ = [
    "WITHOUT_ACCOUNT",
    "Basis",
    "By",
    "SharedCost",
    "in_effect",
    "taken_twice",
    "taking",
]
