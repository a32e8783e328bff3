"""Owns whose the benefit of a commitment is, and what its users pay in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from invoices.allocation.commitments.owners import Owners
from invoices.allocation.commitments.policies import (
    BY_OWNER,
    NO_COMMITMENT_POLICY,
    Benefit,
    CommitmentPolicies,
    CommitmentPolicy,
)
from invoices.allocation.commitments.shares import (
    BENEFIT,
    COSTS,
    LEG,
    RESELLER,
    Recipient,
    RetainedSums,
    Weights,
    as_charges,
    shared,
    with_words,
)
from invoices.allocation.direct import ASSIGNED_SCHEMA, BEARER
from invoices.charges import look_up
from invoices.clients import ClientKey
from invoices.kinds import COVERED, Kind
from invoices.money import EXACT, exact_sum

ON_DEMAND, WHOSE, POLICY = "on_demand", "whose", "policy"
USER = ("commitment_id", BEARER)
_IS_COVERED = pl.col("kind").is_in([str(kind) for kind in COVERED])


def on_demand() -> pl.Expr:
    """What a charge would have cost on demand; 0 where nobody knows, and of a negation."""
    # A reservation's usage is billed at 0 and has its public price beside it; a plan's is billed at
    # the on-demand price, and taken back by a negation (CUDOS framework, `summary_view.sql`). FOCUS
    # bills it at 0 and has no negation: `tests/unit/invoices/contracts/test_commitments.py`,
    # `test_a_plans_usage_that_focus_bills_at_nothing_has_its_list_cost`.
    billed = pl.when(pl.col("billed_cost") != 0).then("billed_cost").otherwise("list_cost")
    return (
        pl.when(pl.col("kind") == Kind.RI_USAGE.value)
        .then("list_cost")
        .when(pl.col("kind") == Kind.SP_USAGE.value)
        .then(billed)
        .otherwise(pl.lit(0).cast(ASSIGNED_SCHEMA["billed_cost"]))
    )


class Use(NamedTuple):
    """What one commitment covered for one client."""

    arn: str
    client: str
    by_account: Mapping[str, Decimal]
    """On-demand equivalent."""
    benefit: Decimal
    is_answered: bool
    policy: CommitmentPolicy
    owners: Weights

    @property
    def owning_clients(self) -> set[str]:
        return {each.client for each in self.owners}

    @property
    def needs_owner(self) -> bool:
        return self.policy.benefit in BY_OWNER and not self.owners


class Pools:
    """By commitment and pool: its clients' accounts with what was covered for them."""

    def __init__(self, uses: list[Use]) -> None:
        self._weights = defaultdict[tuple[str, str], dict[Recipient, Decimal]](dict)
        self._others = defaultdict[tuple[str, str], dict[Recipient, Decimal]](dict)
        for use in uses:
            if not use.policy.pool or not use.is_answered:
                continue
            is_first = use.policy.owner_first and use.client in use.owning_clients
            shares = use.policy.benefit is Benefit.PRO_RATA and not is_first
            into = self._weights if shares else self._others
            for account, covered in use.by_account.items():
                if covered:
                    into[use.arn, use.policy.pool][Recipient(use.client, account)] = covered

    def sharing(self, arn: str, pool: str) -> Weights:
        """Those that share a benefit: without an owner that comes first."""
        return self._weights.get((arn, pool), {})

    def all_of(self, arn: str, pool: str) -> Weights:
        """Those that share what nobody used, whoever has the benefit."""
        return {**self._weights.get((arn, pool), {}), **self._others.get((arn, pool), {})}


def uses_of(
    assigned: pl.DataFrame, policies_of: Mapping[ClientKey, CommitmentPolicies], owners: Owners
) -> list[Use]:
    """What every commitment covered for every client, in order."""
    equivalent, effective = pl.col(ON_DEMAND), pl.col("amortized_cost")
    unknown = (equivalent == 0) & (effective != 0) & (pl.col("kind") != Kind.SP_NEGATION.value)
    sums = (
        assigned.filter(_IS_COVERED & (pl.col(BEARER) != ""))
        .with_columns(on_demand().alias(ON_DEMAND))
        .group_by(*USER, "account_id")
        .agg(equivalent.sum(), effective.sum(), unknown.any().alias("unknown"))
        .sort(*USER, "account_id")
    )
    found = defaultdict[tuple[str, str], list[tuple[str, Decimal, Decimal, bool]]](list)
    for arn, client, *of_account in sums.iter_rows():
        found[arn, client].append((of_account[0], of_account[1], of_account[2], of_account[3]))
    uses = []
    for (arn, client), accounts in found.items():
        policies = policies_of.get(ClientKey(client), NO_COMMITMENT_POLICY)
        policy = policies.of(arn)
        equivalents = exact_sum(each[1] for each in accounts)
        uses.append(
            Use(
                arn=arn,
                client=client,
                by_account={each[0]: each[1] for each in accounts},
                benefit=EXACT.subtract(equivalents, exact_sum(each[2] for each in accounts)),
                is_answered=not any(each[3] or each[1] < 0 for each in accounts),
                policy=policy,
                owners=owners.of(arn, policy.owner),
            )
        )
    return uses


def reapplied(
    assigned: pl.DataFrame, uses: list[Use], pools: Pools, kept: RetainedSums
) -> pl.DataFrame:
    """Users pay the on-demand equivalent where their policy says so, and others have the benefit.

    What a user pays more is a charge in favour of whoever has the benefit: of every cost of what
    was covered, less its on-demand equivalent. So it is right on each basis: who is billed what AWS
    bills bears the commitment's fees whole, and gets the whole equivalent of what others used.
    """
    moving = {(use.arn, use.client): to for use in uses if (to := _recipients(use, pools))}
    if not moving:
        return assigned
    policy_of = {(use.arn, use.client): use.policy for use in uses}
    whose = [
        (*key, policy_of[key].sharing or key[1], policy_of[key].benefit.value) for key in moving
    ]
    columns = dict.fromkeys((*USER, WHOSE, POLICY), pl.String())
    found = look_up(assigned, pl.DataFrame(whose, columns, orient="row"), on=USER)
    found = found.with_columns(on_demand().alias(ON_DEMAND))
    moves = _IS_COVERED & pl.col(WHOSE).is_not_null()
    legs = (
        found.filter(moves)
        .group_by(*LEG, WHOSE, POLICY)
        .agg(
            *((pl.col(cost) - pl.col(ON_DEMAND)).sum().alias(cost) for cost in COSTS),
            pl.col("service_day").min(),
            pl.col(BEARER).min().alias("user"),
        )
        .sort(*LEG, WHOSE, POLICY)
    )
    shares = [
        part
        for leg in legs.to_dicts()
        for part in shared(
            leg,
            moving[leg["commitment_id"], leg["user"]],
            kind=Kind.COMMITMENT_SHARE.value,
            words=f"{leg[POLICY]}: benefit of what {leg[WHOSE]} used",
            kept=kept,
            reason=BENEFIT,
        )
    ]
    # Its negation takes back what the user pays now.
    users = found.filter(moves & (pl.col("kind") != Kind.SP_NEGATION.value)).with_columns(
        *(pl.col(ON_DEMAND).alias(cost) for cost in COSTS),
        with_words(pl.format("{}: on-demand equivalent, not the commitment's cost", POLICY)),
    )
    names = ASSIGNED_SCHEMA.names()
    return pl.concat([found.filter(~moves).select(names), users.select(names), as_charges(shares)])


def _recipients(use: Use, pools: Pools) -> Weights:
    """Who has the benefit in the user's place; nothing where it stays as AWS applied it."""
    if not use.is_answered:
        return {}
    own = use.client in use.owning_clients
    match use.policy.benefit:
        case Benefit.RETAINED:
            return {RESELLER: Decimal(1)}
        case Benefit.OWNER_CLIENT if not own:
            return use.owners
        case Benefit.CAPPED_ON_DEMAND if not own and use.benefit < 0:
            return use.owners
        case Benefit.PRO_RATA:
            shares = pools.sharing(use.arn, use.policy.pool)
            comes_first = own and use.policy.owner_first
            alone = len({each.client for each in shares}) < 2
            return {} if comes_first or alone else shares
    return {}


def assert_conserved(uses: list[Use], after: pl.DataFrame, kept: RetainedSums) -> None:
    """Of each commitment: Σ clients' benefit + retained = Σ benefit."""
    before = defaultdict[str, Decimal](Decimal)
    for use in uses:
        before[use.arn] = EXACT.add(before[use.arn], use.benefit)
    is_share = pl.col("kind") == Kind.COMMITMENT_SHARE.value
    saved = on_demand() - pl.col("amortized_cost")
    sums = (
        after.filter((_IS_COVERED | is_share) & (pl.col(BEARER) != ""))
        .group_by("commitment_id")
        .agg(saved.sum())
    )
    clients = dict(sums.iter_rows())
    for arn, benefit in before.items():
        found = EXACT.add(clients.get(arn, Decimal(0)), kept.benefits[arn])
        assert found == benefit, f"benefit of {arn} was lost or invented: {found}, not {benefit}"


__all__ = ["Pools", "Use", "assert_conserved", "reapplied", "uses_of"]
