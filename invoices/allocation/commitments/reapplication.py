"""Owns the stage: charges of commitments as the clients' contracts have them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from invoices.allocation.commitments.benefit import (
    Pools,
    Use,
    assert_conserved,
    reapplied,
    uses_of,
)
from invoices.allocation.commitments.fees import UPFRONT_KINDS, spread_fees, with_fees
from invoices.allocation.commitments.owners import FEES, Owners
from invoices.allocation.commitments.policies import CommitmentPolicies, Spread
from invoices.allocation.commitments.shares import RetainedSums
from invoices.allocation.direct import ASSIGNED_SCHEMA
from invoices.clients import AccountId, ClientKey, Roster
from invoices.kinds import COVERED
from invoices.money import exact_sum
from invoices.periods import BillingPeriod

RECURRING = {*COVERED, *FEES} - {*UPFRONT_KINDS}


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


class PaidUpfront(NamedTuple):
    billed: Decimal
    net: Decimal
    """After discounts."""


@dataclass(frozen=True, slots=True)
class CommitmentMonth:
    """What checks look at."""

    used: tuple[UsedBenefit, ...]
    arns: frozenset[str]
    """All that occur."""
    accounts: frozenset[str]
    """All that are charged."""
    upfront: Mapping[str, PaidUpfront]
    """By commitment, what was billed upfront in the month."""
    untold: Mapping[str, PaidUpfront]
    """By commitment, what identity 1 lacks: 0 where the charges tell this month's part of the
    upfront fee. FOCUS does not, and of CUR only the part before discounts is kept."""
    owners: Mapping[str, tuple[ClientKey, ...]]
    """Of every commitment that occurs, as the month has them, and of those whose upfront fee is
    spread and whose account is charged."""


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
    month = _month(assigned, uses, owners, spread=_spread(policies))
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


def _spread(policies: Mapping[ClientKey, CommitmentPolicies]) -> set[str]:
    return {
        arn
        for of_client in policies.values()
        for arn, policy in of_client.by_arn.items()
        if isinstance(policy.upfront, Spread)
    }


def _month(
    assigned: pl.DataFrame, uses: list[Use], owners: Owners, *, spread: Set[str]
) -> CommitmentMonth:
    paid = assigned.filter(pl.col("kind").is_in([str(kind) for kind in UPFRONT_KINDS]))
    upfront = paid.group_by("commitment_id").agg(pl.col("billed_cost", "net_billed_cost").sum())
    arns = frozenset(assigned["commitment_id"].unique()) - {""}
    accounts = frozenset(assigned["account_id"].unique())
    owned = arns | {arn for arn in spread if owners.account_of(arn) in accounts}
    identity = (
        pl.col("billed_cost").sum()
        - pl.col("amortized_cost").sum()
        - pl.col("trueup").sum()
        - pl.col("upfront").sum()
    )
    # The same after discounts, of what is not upfront: their part of `upfront` is not kept.
    net = pl.col("net_billed_cost") - pl.col("net_amortized_cost")
    recurs = pl.col("kind").is_in(sorted(RECURRING))
    net_identity = net.filter(recurs).sum() - pl.col("trueup").sum()
    untold = assigned.group_by("commitment_id").agg(identity, net_identity.alias("net"))
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
        accounts=accounts,
        upfront={arn: PaidUpfront(*amounts) for arn, *amounts in upfront.iter_rows()},
        untold={arn: PaidUpfront(*amounts) for arn, *amounts in untold.iter_rows() if arn in arns},
        owners={
            arn: tuple(ClientKey(each.client) for each in owners.of(arn) if each.client)
            for arn in sorted(owned)
        },
    )


def _sum(charges: pl.DataFrame, measure: str) -> Decimal:
    total = charges[measure].sum()
    assert isinstance(total, Decimal)
    return total


__all__ = ["CommitmentMonth", "PaidUpfront", "UsedBenefit", "reapply"]
