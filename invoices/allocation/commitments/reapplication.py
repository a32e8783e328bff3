"""Owns the stage: charges of commitments as the clients' contracts have them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from invoices.allocation.commitments.benefit import (
    Pools,
    Use,
    assert_conserved,
    reapplied,
    uses_of,
)
from invoices.allocation.commitments.fees import UPFRONT_KINDS, spread_fees, with_fees
from invoices.allocation.commitments.owners import Owners
from invoices.allocation.commitments.policies import CommitmentPolicies
from invoices.allocation.commitments.shares import RetainedSums
from invoices.allocation.direct import ASSIGNED_SCHEMA
from invoices.clients import AccountId, ClientKey, Roster
from invoices.money import exact_sum
from invoices.periods import BillingPeriod


@dataclass(frozen=True, slots=True)
class UsedBenefit:
    """What a commitment saved a client, as AWS applied it."""

    commitment_id: str
    client: ClientKey
    benefit: Decimal
    """On-demand equivalent − effective cost."""
    is_answered: bool
    """Whether the on-demand equivalent of all of it is known."""
    owners: tuple[ClientKey, ...]
    """Those that had the commitment's account in the month; none where nobody knows."""
    lacks_owner: bool
    """Whether its policy asks for an owner that nobody knows."""

    @property
    def has_crossed(self) -> bool:
        return bool(self.owners) and self.client not in self.owners


@dataclass(frozen=True, slots=True)
class CommitmentMonth:
    """What checks look at."""

    used: tuple[UsedBenefit, ...]
    arns: frozenset[str]
    """All that occur."""
    upfront: Mapping[str, Decimal]
    """By commitment, what was billed upfront in the month."""
    untold: Mapping[str, Decimal]
    """By commitment, what identity 1 lacks: 0 where the export tells this month's part of the
    upfront fee. FOCUS does not."""
    owners: Mapping[str, tuple[ClientKey, ...]]
    """Of every commitment that occurs, as the month has them."""


def reapply(
    assigned: pl.DataFrame,
    policies: Mapping[ClientKey, CommitmentPolicies],
    roster: Roster,
    *,
    period: BillingPeriod,
    internal_accounts: Set[AccountId],
    spreads: bool = True,
) -> tuple[pl.DataFrame, Mapping[str, Decimal], CommitmentMonth]:
    """Assigned charges by policy, what of them the reseller keeps by reason, and what was found.

    What entered is what leaves or is kept, of every cost, and so is each commitment's benefit.
    `spreads`: whether upfront fees that are stated are billed here: in one currency of a month.
    """
    assert assigned.schema == ASSIGNED_SCHEMA
    owners = Owners(assigned, roster, period=period, internal_accounts=internal_accounts)
    uses = uses_of(assigned, policies, owners)
    month = _month(assigned, uses, owners)
    kept = RetainedSums()
    if all(each.says_nothing for each in policies.values()):
        return assigned, {}, month
    pools = Pools(uses)
    charges = with_fees(assigned, policies, pools, kept)
    if spreads:
        charges = spread_fees(charges, policies, owners, period=period, kept=kept)
    charges = reapplied(charges, uses, pools, kept)
    assert charges.schema == ASSIGNED_SCHEMA
    assert_conserved(uses, charges, kept)
    by_reason = {reason: amount for reason, amount in kept.by_reason.items() if amount}
    paid = exact_sum([_sum(charges, "net_billed_cost"), *by_reason.values()])
    assert paid == _sum(assigned, "net_billed_cost"), "commitments lost or invented money"
    return charges, by_reason, month


def _month(assigned: pl.DataFrame, uses: list[Use], owners: Owners) -> CommitmentMonth:
    paid = assigned.filter(pl.col("kind").is_in([str(kind) for kind in UPFRONT_KINDS]))
    upfront = paid.group_by("commitment_id").agg(pl.col("billed_cost").sum()).iter_rows()
    arns = frozenset(assigned["commitment_id"].unique()) - {""}
    identity = (
        pl.col("billed_cost").sum()
        - pl.col("amortized_cost").sum()
        - pl.col("trueup").sum()
        - pl.col("upfront").sum()
    )
    untold = assigned.group_by("commitment_id").agg(identity).iter_rows()
    return CommitmentMonth(
        used=tuple(
            UsedBenefit(
                commitment_id=use.arn,
                client=ClientKey(use.client),
                benefit=use.benefit,
                is_answered=use.is_answered,
                owners=tuple(ClientKey(each) for each in sorted(use.owning_clients) if each),
                lacks_owner=use.needs_owner,
            )
            for use in uses
        ),
        arns=arns,
        upfront=dict(upfront),
        untold={arn: amount for arn, amount in untold if arn in arns},
        owners={
            arn: tuple(ClientKey(each.client) for each in owners.of(arn) if each.client)
            for arn in sorted(arns)
        },
    )


def _sum(charges: pl.DataFrame, measure: str) -> Decimal:
    total = charges[measure].sum()
    assert isinstance(total, Decimal)
    return total


__all__ = ["CommitmentMonth", "UsedBenefit", "reapply"]
