"""Owns the stage: charges of AWS Support as the clients' contracts have them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

from invoices.allocation.commitments.shares import COSTS, Recipient, as_charges, charge_of
from invoices.allocation.direct import ASSIGNED_SCHEMA, ATTRIBUTION, BEARER, INTERNAL, SHARED
from invoices.allocation.support.policies import AS_CHARGED, Per, SupportMode, SupportPolicy
from invoices.charges import MEASURES
from invoices.clients import ClientKey
from invoices.kinds import DISCOUNTS, MARKETPLACE, NO_SPEND, Kind
from invoices.matching import is_like
from invoices.money import EXACT, exact_sum, plain, split_exact
from invoices.periods import BillingPeriod

SUPPORT = "support"
"""The reason of what is retained."""

IS_SUPPORT = (
    pl.col("service").str.contains("Support")
    & (pl.col("billing_entity") != MARKETPLACE)
    & (pl.col("kind") != Kind.UNKNOWN.value)
)
"""AWSSupportBusiness and its like, OCBPremiumSupport; what sellers call support is theirs."""

LEFT_OUT = ("*Support*", "*ManagedServices*", "*ProfessionalServices*", "*Training*")
"""Of these AWS charges no support, nor of what is on the Marketplace (the same page)."""

RETAINING = (SupportMode.SUPPRESS, SupportMode.RECOMPUTE)

ZERO = Decimal(0)

OURS = ""
"""The bearer of our own part."""


@dataclass(frozen=True, slots=True)
class SupportMonth:
    """What checks look at."""

    charged: Mapping[ClientKey, Mapping[str, Decimal]]
    """By client and account, what AWS charges."""
    unshared: Decimal
    """What would be shared by spend, and nobody has any."""
    sharing: tuple[ClientKey, ...]
    """Who would share it."""


def reallocate(
    assigned: pl.DataFrame,
    policies: Mapping[ClientKey, SupportPolicy],
    *,
    period: BillingPeriod,
) -> tuple[pl.DataFrame, Mapping[str, Decimal], SupportMonth]:
    """Assigned charges with support by policy, what of it is kept, by reason; and what was found.

    The spend is what AWS charges support of: of what stood on the accounts of each, before any
    contract moves a commitment's benefit. What enters is what leaves, or is kept.
    """
    assert assigned.schema == ASSIGNED_SCHEMA
    sharing = tuple(
        sorted(k for k, each in policies.items() if each.mode is SupportMode.PROPORTIONAL)
    )
    month = SupportMonth(_charged(assigned), Decimal(0), sharing)
    if all(policy == AS_CHARGED for policy in policies.values()):
        return assigned, {}, month
    retaining = [key for key, each in policies.items() if each.mode in RETAINING]
    spends = _Spends(assigned, policies)
    is_shared = pl.col(BEARER).is_in(sharing) | pl.col(INTERNAL) & bool(sharing)
    is_moved = IS_SUPPORT & (is_shared | pl.col(BEARER).is_in(retaining))
    parts, unshared = _shared(assigned.filter(IS_SUPPORT & is_shared), sharing, spends)
    fees = [*_recomputed(assigned, policies, spends, month.charged, period)]
    after = pl.concat([assigned.filter(~is_moved), parts, as_charges(fees)])
    kept = EXACT.subtract(_paid(assigned), _paid(after))
    return after, {SUPPORT: kept} if kept else {}, replace(month, unshared=unshared)


def suppressed(
    shared: pl.DataFrame,
    policies: Mapping[ClientKey, SupportPolicy],
    *,
    asked: Collection[str],
) -> tuple[pl.DataFrame, Decimal]:
    """Without support in shared costs of clients that pay none, or by a plan; and what is kept.

    They would pay it twice. Not so what a group is `asked` for by service.
    """
    retaining = [key for key, each in policies.items() if each.mode in RETAINING]
    is_twice = (
        IS_SUPPORT
        & pl.col(BEARER).is_in(retaining)
        & (pl.col(SHARED) != "")
        & ~pl.col(SHARED).is_in(sorted(asked))
    )
    return shared.filter(~is_twice), _paid(shared.filter(is_twice))


class _Spends:
    """What AWS charges support of: gross, as billed, without what it leaves out.

    Its percentage is of charges "before any discounts or credits are applied"
    (aws.amazon.com/premiumsupport/pricing).
    """

    def __init__(self, assigned: pl.DataFrame, policies: Mapping[ClientKey, SupportPolicy]) -> None:
        eligible = assigned.filter(
            ~pl.col("kind").is_in(sorted(NO_SPEND)), pl.col("billing_entity") != MARKETPLACE
        )
        sums = eligible.group_by(BEARER, "account_id", "service").agg(pl.col("billed_cost").sum())
        self._by_client = defaultdict[str, defaultdict[str, Decimal]](lambda: defaultdict(Decimal))
        for client, account, service, cost in sums.iter_rows():
            said = policies.get(client, AS_CHARGED).excluded_services
            if not any(is_like(service, glob) for glob in (*LEFT_OUT, *said)):
                own = self._by_client[client]
                own[account] = EXACT.add(own[account], cost)

    def by_account(self, client: str) -> Mapping[str, Decimal]:
        return self._by_client.get(client, {})

    def of(self, client: str) -> Decimal:
        return exact_sum(self.by_account(client).values())

    def shares(self, sharing: Collection[str]) -> dict[str, Decimal]:
        """By sharing client, and OURS all the rest of the payer; only what is positive."""
        spent = {client: self.of(client) for client in self._by_client}
        shares = {client: spent[client] for client in spent if client in sharing}
        shares[OURS] = exact_sum(max(n, ZERO) for key, n in spent.items() if key not in sharing)
        return {client: amount for client, amount in sorted(shares.items()) if amount > 0}


def _charged(assigned: pl.DataFrame) -> dict[ClientKey, dict[str, Decimal]]:
    own = assigned.filter(IS_SUPPORT, pl.col(BEARER) != "").group_by(BEARER, "account_id")
    charged: dict[ClientKey, dict[str, Decimal]] = {}
    for client, account, cost in (
        own.agg(pl.col("net_billed_cost").sum()).sort(pl.all()).iter_rows()
    ):
        charged.setdefault(ClientKey(client), {})[account] = cost
    return charged


def _shared(
    shared: pl.DataFrame, sharing: Collection[str], spends: _Spends
) -> tuple[pl.DataFrame, Decimal]:
    """Parts of clients; and what stays as it is because nobody spends anything.

    What is on accounts of clients that share is shared among these. What is on our own is for all
    of the payer: what is no sharing client's of it is kept.
    """
    everybody = spends.shares(sharing)
    among = {client: amount for client, amount in everybody.items() if client != OURS}
    if not among:
        return shared, _paid(shared)
    parts = [
        part
        for row in shared.to_dicts()
        for part in _parts(row, among if row[BEARER] else everybody)
    ]
    return as_charges(parts), ZERO


def _parts(row: Mapping[str, Any], weights: Mapping[str, Decimal]) -> Iterator[dict[str, Any]]:
    total = plain(exact_sum(weights.values()))
    shares = {measure: split_exact(row[measure], weights) for measure in MEASURES}
    for client, weight in weights.items():
        if client != OURS:
            yield {
                **row,
                # Whose account AWS charges, and its words ("10% of monthly AWS usage", with the
                # amount), are another's; a discount's are its type.
                "account_id": "",
                "description_key": row["description_key"] if row["kind"] in DISCOUNTS else "",
                **{measure: shares[measure][client] for measure in MEASURES},
                BEARER: client,
                INTERNAL: False,
                ATTRIBUTION: f"support by spend: {plain(weight)} of {total}",
            }


def _recomputed(
    assigned: pl.DataFrame,
    policies: Mapping[ClientKey, SupportPolicy],
    spends: _Spends,
    charged: Mapping[ClientKey, Mapping[str, Decimal]],
    period: BillingPeriod,
) -> Iterator[dict[str, Any]]:
    """A fee for each client, or each of its accounts, that spends or that AWS charges support.

    A minimum is a month's, whole: whoever has a plan for a part of it pays as much.
    """
    of_month = assigned.select("payer_account_id", "billing_period", "currency").head(1)
    for client, policy in sorted(policies.items()):
        plan = policy.plan
        if plan is None or not plan.is_sold_in(period):
            continue
        spent = dict.fromkeys(charged.get(client, {}), ZERO) | dict(spends.by_account(client))
        if policy.per is Per.CLIENT and spent:
            spent = {min(spent): exact_sum(spent.values())}
        for account, spend in sorted(spent.items()):
            if spend <= 0 and account not in charged.get(client, {}):
                continue
            fee, words = plan.fee(spend, has_minimum=policy.has_minimum)
            leg = of_month.row(0, named=True) | {
                "commitment_id": "",
                "service": plan.service,
                "service_day": period.start,
                "description_key": plan.name,
            }
            if fee:
                yield charge_of(
                    leg,
                    Recipient(client, account),
                    dict.fromkeys(COSTS, fee),
                    kind=Kind.FEE.value,
                    words=f"support by {plan.name}: {words}",
                )


def _paid(charges: pl.DataFrame) -> Decimal:
    total = charges["net_billed_cost"].sum()
    assert isinstance(total, Decimal)
    return total


__all__ = ["SUPPORT", "SupportMonth", "reallocate", "suppressed"]
