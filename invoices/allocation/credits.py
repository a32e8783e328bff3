"""Owns whose a credit is by contract: returned to its owner, or shared by spend."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from invoices.allocation.commitments.policies import NOBODY
from invoices.allocation.commitments.shares import (
    COSTS,
    LEG,
    Recipient,
    RetainedSums,
    Weights,
    as_charges,
    shared,
)
from invoices.allocation.direct import ASSIGNED_SCHEMA, BEARER
from invoices.charges import look_up
from invoices.clients import AccountId, ClientKey, Roster
from invoices.kinds import NO_SPEND, Kind
from invoices.periods import BillingPeriod

OWNER = "owner"
WHOSE = (BEARER, "description_key", "service_day")
"""What an owner is known by."""


@dataclass(frozen=True, slots=True)
class CreditOwner:
    """That credits whose description has this id are a client's, from a day until, but without,
    another."""

    credit: str
    client: ClientKey
    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"owner of credit {self.credit}: `to` must be later than `from`")

    def owns_on(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """Of a price book: what becomes of credits that AWS applied to its clients' accounts."""

    is_shared: bool = False
    """By spend, among the clients of all books that say so."""
    returns: bool = False
    """To the owners."""
    owners: tuple[CreditOwner, ...] = ()

    def __post_init__(self) -> None:
        ordered = sorted(self.owners, key=lambda each: (each.credit, each.start))
        for first, second in itertools.pairwise(ordered):
            overlaps = first.end is None or second.start < first.end
            if first.credit == second.credit and overlaps:
                raise ValueError(
                    f"credit {first.credit} has two owners on {second.start}: end the first before "
                    "the second begins"
                )

    def owner_of(self, description: str, day: date) -> ClientKey:
        """'' is nobody. The longest id wins: one may be the beginning of another."""
        found = [each for each in self.owners if each.credit in description and each.owns_on(day)]
        if not found:
            return NOBODY
        return max(found, key=lambda each: (len(each.credit), each.credit)).client


AS_APPLIED = CreditPolicy()


@dataclass(frozen=True, slots=True, order=True)
class OwnerlessCredit:
    """A credit that would be returned, and nobody knows to whom."""

    client: ClientKey
    """To whose account AWS applied it."""
    description: str
    net_billed_cost: Decimal


def redistribute(
    assigned: pl.DataFrame,
    policies: Mapping[ClientKey, CreditPolicy],
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: frozenset[AccountId],
) -> tuple[pl.DataFrame, tuple[OwnerlessCredit, ...]]:
    """Credits as the policy of the client that AWS gave them to has them; the rest as it is.

    A credit may be moved to another owner within a month, so the day of its row decides: the day of
    what AWS applied it to. Of a row that lasts longer that is the first.
    """
    if all(policy == AS_APPLIED for policy in policies.values()):
        return assigned, ()
    moving = [key for key, policy in policies.items() if policy.is_shared or policy.returns]
    is_credit = (pl.col("kind") == Kind.CREDIT.value) & pl.col(BEARER).is_in(sorted(moving))
    given = _with_owners(assigned.filter(is_credit), policies)
    of_leg = (*LEG, "description_key", "billing_entity", BEARER, OWNER)
    legs = given.group_by(of_leg).agg(pl.col(COSTS).sum(), pl.col("service_day").min()).sort(of_leg)
    spend = _spend(assigned, [key for key in moving if policies[key].is_shared])
    ownerless: list[OwnerlessCredit] = []
    unmoved: list[tuple[str, str, str]] = []
    moved: list[dict[str, Any]] = []
    for leg in legs.to_dicts():
        client, said = ClientKey(leg[BEARER]), leg["description_key"]
        to, words = spend, "share: a part of a credit by spend"
        if policies[client].returns:
            owner = ClientKey(leg[OWNER])
            to = _account_of(owner, roster, period, internal_accounts) if owner else {}
            words = f"owner: a credit that AWS applied to {client}"
            if not to:
                ownerless.append(OwnerlessCredit(client, said, leg["net_billed_cost"]))
            if owner == client:
                to = {}
        if not to:
            unmoved.append((client, said, leg[OWNER]))
            continue
        moved += shared(
            leg, to, kind=Kind.CREDIT.value, words=words, kept=RetainedSums(), reason="credits"
        )
    of_stays = (BEARER, "description_key", OWNER)
    stays = pl.DataFrame(unmoved, dict.fromkeys(of_stays, pl.String()), orient="row")
    staying = given.join(stays.unique(), on=of_stays, how="semi")
    names = ASSIGNED_SCHEMA.names()
    after = pl.concat([assigned.filter(~is_credit), staying.select(names), as_charges(moved)])
    for cost in COSTS:
        assert after[cost].sum() == assigned[cost].sum(), f"credits lost or invented {cost}"
    return after, tuple(sorted(ownerless))


def _with_owners(given: pl.DataFrame, policies: Mapping[ClientKey, CreditPolicy]) -> pl.DataFrame:
    """Credits with OWNER: the client that owned each on its day, '' where nobody is said to."""
    owners = [
        (client, said, day, policies[ClientKey(client)].owner_of(said, day))
        for client, said, day in given.select(WHOSE).unique().iter_rows()
    ]
    names = {name: ASSIGNED_SCHEMA[name] for name in WHOSE} | {OWNER: pl.String()}
    return look_up(given, pl.DataFrame(owners, names, orient="row"), on=WHOSE)


def _spend(assigned: pl.DataFrame, clients: list[ClientKey]) -> Weights:
    """By account of these clients, what they were charged; nothing where they were not."""
    own = assigned.filter(
        ~pl.col("kind").is_in(sorted(NO_SPEND)) & pl.col(BEARER).is_in(sorted(clients))
    )
    sums = own.group_by(BEARER, "account_id").agg(pl.col("net_billed_cost").sum())
    charged = {Recipient(*whose): cost for *whose, cost in sums.sort(pl.all()).iter_rows()}
    return {each: cost for each, cost in charged.items() if cost > 0}


def _account_of(
    owner: ClientKey, roster: Roster, period: BillingPeriod, internal: frozenset[AccountId]
) -> Weights:
    held = {
        each.account_id
        for each in roster.assignments
        if each.client == owner and each.span.overlaps(period.days)
    } - internal
    return {Recipient(owner, min(held)): Decimal(1)} if held else {}


__all__ = ["AS_APPLIED", "CreditOwner", "CreditPolicy", "OwnerlessCredit", "redistribute"]
