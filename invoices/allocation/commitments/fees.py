"""Owns who bears the fees of a commitment: what nobody used, and when the upfront fee is billed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from invoices.allocation.commitments.benefit import Pools
from invoices.allocation.commitments.owners import FEES, Owners
from invoices.allocation.commitments.policies import (
    NO_COMMITMENT_POLICY,
    Benefit,
    CommitmentPolicies,
    CommitmentPolicy,
    Spread,
    Unused,
    Upfront,
)
from invoices.allocation.commitments.shares import (
    COSTS,
    RESELLER,
    TIMING,
    UNUSED,
    Recipient,
    RetainedSums,
    as_charges,
    charge_of,
    shared,
)
from invoices.allocation.direct import ASSIGNED_SCHEMA, BEARER
from invoices.clients import ClientKey
from invoices.kinds import Kind
from invoices.money import COST_DIGITS, EXACT, plain, split_exact
from invoices.periods import BillingPeriod

ROW = "row"
UPFRONT_KINDS = (Kind.RI_UPFRONT, Kind.SP_UPFRONT)
ZERO = Decimal(0)


def with_fees(
    assigned: pl.DataFrame,
    policies: Mapping[ClientKey, CommitmentPolicies],
    pools: Pools,
    kept: RetainedSums,
) -> pl.DataFrame:
    """Fees as the policy of their bearer has them. They are few: a row for each of a commitment's.

    Of a fee, its amortized cost is what nobody used; the rest is what the covered usage has.
    """
    numbered = assigned.with_row_index(ROW)
    fees = numbered.filter(
        pl.col("kind").is_in([str(kind) for kind in FEES]) & (pl.col(BEARER) != "")
    )
    changed: list[dict[str, Any]] = []
    rows: list[int] = []
    for row in fees.to_dicts():
        of_client = policies.get(row[BEARER], NO_COMMITMENT_POLICY)
        policy = of_client.of(row["commitment_id"])
        if policy.bears_fees_whole:
            continue
        rows.append(row[ROW])
        changed += _fee(row, policy, pools, kept)
    if not rows:
        return assigned
    untouched = numbered.filter(~pl.col(ROW).is_in(rows)).drop(ROW)
    return pl.concat([untouched, as_charges(changed)])


def _fee(
    row: dict[str, Any], policy: CommitmentPolicy, pools: Pools, kept: RetainedSums
) -> Iterator[dict[str, Any]]:
    gross, net = row["amortized_cost"], row["net_amortized_cost"]
    unused = {cost: net if cost.startswith("net_") else gross for cost in COSTS}
    used = {cost: EXACT.subtract(row[cost], unused[cost]) for cost in COSTS}
    words = []
    if policy.benefit is Benefit.RETAINED:
        kept.add(UNUSED, used)
        used = dict.fromkeys(COSTS, ZERO)
        words.append("retained: the commitment's fees are not billed")
    elif policy.upfront not in (None, Upfront.AT_ONCE):
        kept_now = _not_yet(row, policy)
        kept.add(TIMING, kept_now)
        used = {cost: EXACT.subtract(used[cost], kept_now[cost]) for cost in COSTS}
        words.append(_upfront_words(policy.upfront))
    if policy.bears_unused is not Unused.OWNER and any(unused.values()):
        weights = pools.all_of(row["commitment_id"], policy.pool)
        to = weights if policy.bears_unused is Unused.POOL else {RESELLER: Decimal(1)}
        if to:
            said = f"{policy.benefit}: a share of what pool {policy.pool} left unused"
            leg = {**row, **unused}
            yield from shared(leg, to, kind=row["kind"], words=said, kept=kept, reason=UNUSED)
            unused = dict.fromkeys(COSTS, ZERO)
            words.append(f"unused is the {policy.bears_unused}'s")
    costs = {cost: EXACT.add(used[cost], unused[cost]) for cost in COSTS}
    if any(costs.values()):
        said = "; ".join([*filter(None, [row["attribution"]]), *words])
        own = {name: row[name] for name in ASSIGNED_SCHEMA}
        yield own | costs | {"attribution": said}


def _not_yet(row: Mapping[str, Any], policy: CommitmentPolicy) -> dict[str, Decimal]:
    """What of a fee is not billed now: the upfront fee, but for the part of this month.

    A negative one is that part: AWS's columns have it as what is consumed of the fee.
    """
    is_upfront = row["kind"] in UPFRONT_KINDS
    if is_upfront:
        off = {cost: row[cost] for cost in ("billed_cost", "net_billed_cost", "blended_cost")}
    elif policy.upfront is Upfront.AMORTIZED:
        off = dict.fromkeys(("billed_cost", "net_billed_cost", "blended_cost"), row["trueup"])
    else:
        off = {}
    return dict.fromkeys(COSTS, ZERO) | off


def _upfront_words(upfront: Upfront | Spread | None) -> str:
    if isinstance(upfront, Spread):
        return f"upfront fee spread over {upfront.months} invoices"
    return "upfront fee by AWS's amortization"


def spread_fees(
    assigned: pl.DataFrame,
    policies: Mapping[ClientKey, CommitmentPolicies],
    owners: Owners,
    *,
    period: BillingPeriod,
    kept: RetainedSums,
) -> pl.DataFrame:
    """This month's parts of upfront fees that are billed in equal invoices, as their owners' say.

    The contract states amount and first month: later months have no row of the fee, and once it was
    returned or has ended, none at all. It is billed by the payer that has such a row, or charges
    the commitment's account; where neither is so, a check tells.
    """
    occurring, charged = set(assigned["commitment_id"]), set(assigned["account_id"])
    payer, currency = assigned["payer_account_id"].min(), assigned["currency"].min()
    parts = []
    for client, of_client in sorted(policies.items()):
        for arn, policy in sorted(of_client.by_arn.items()):
            spread = policy.upfront
            number = spread.number_in(period) if isinstance(spread, Spread) else None
            shares = owners.of(arn, policy.owner)
            is_here = arn in occurring or owners.account_of(arn) in charged
            if number is None or not isinstance(spread, Spread) or not is_here:
                continue
            total = sum(shares.values())
            for recipient, days in shares.items():
                if recipient.client != client:
                    continue
                amount = _of_owner(spread, number, shares, recipient)
                of_days = "" if days == total else f", {days} of {total} days"
                words = (
                    f"upfront fee {plain(spread.amount)} spread: invoice {number} of "
                    f"{spread.months}{of_days}"
                )
                costs = dict.fromkeys(COSTS, ZERO) | dict.fromkeys(
                    ("billed_cost", "net_billed_cost", "blended_cost"), amount
                )
                leg = {
                    "payer_account_id": payer,
                    "billing_period": str(period),
                    "currency": currency,
                    "commitment_id": arn,
                    "service": _service(assigned, arn),
                    "service_day": period.start,
                }
                is_plan = ":savingsplan" in arn
                kind = Kind.SP_UPFRONT if is_plan else Kind.RI_UPFRONT
                parts.append(charge_of(leg, recipient, costs, kind=kind.value, words=words))
                kept.add(TIMING, {c: EXACT.minus(v) for c, v in costs.items()})
    return pl.concat([assigned, as_charges(parts)])


def _of_owner(
    spread: Spread, number: int, shares: Mapping[Recipient, Decimal], owner: Recipient
) -> Decimal:
    months = {f"{each:02}": Decimal(1) for each in range(1, spread.months + 1)}
    month = split_exact(spread.amount, months, 2)[f"{number:02}"]
    days = {f"{each.client} {each.account_id}": of for each, of in shares.items()}
    return split_exact(month, days, COST_DIGITS)[f"{owner.client} {owner.account_id}"]


def _service(assigned: pl.DataFrame, arn: str) -> str:
    of_fees = assigned.filter(
        (pl.col("commitment_id") == arn) & pl.col("kind").is_in([str(kind) for kind in FEES])
    )["service"]
    found = of_fees.min()
    if isinstance(found, str):
        return found
    return "ComputeSavingsPlans" if ":savingsplan" in arn else "AmazonEC2"


__all__ = ["spread_fees", "with_fees"]
