"""Owns what of the payer's money each client bears, and the reason of all that nobody bears."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import polars as pl

from invoices.allocation.direct import ASSIGNED_SCHEMA, ATTRIBUTION, BEARER, INTERNAL, SHARED
from invoices.charges import look_up
from invoices.clients import AccountId, ClientKey
from invoices.kinds import DISCOUNTS, CostBasis, Kind
from invoices.money import COST_DIGITS, EXACT, exact_sum

UNITS = pl.Decimal(38, 0)
"""Whole units of a stated scale. Unlike Int128, it raises where it would overflow."""

WHOLE_E6 = 10**6
"""The share of a charge that is passed whole, in millionths."""

SHARE_DIGITS = COST_DIGITS + 6
"""Decimal places of a cost borne: ten of the charge, six of the share passed."""

RETAINED_AS: Mapping[Kind, str] = {
    Kind.CREDIT: "credits",
    Kind.TAX: "aws_tax",
    **{kind: kind.value for kind in DISCOUNTS},
    Kind.UNKNOWN: "quarantined",
}
"""The kinds that can be kept from a client, with the reason under which they are retained."""

COST_OF: Mapping[CostBasis, str] = {
    CostBasis.BILLED: "billed_cost",
    CostBasis.AMORTIZED: "amortized_cost",
    CostBasis.NET_BILLED: "net_billed_cost",
    CostBasis.NET_AMORTIZED: "net_amortized_cost",
    # The basis `list` only says where a price starts (DECISIONS 2): with the public price as its
    # cost, no margin would be true.
    CostBasis.LIST: "net_amortized_cost",
    CostBasis.BLENDED: "blended_cost",
}
"""Which measure of a charge is its cost."""

STEPS: Mapping[CostBasis, tuple[tuple[str, str], ...]] = {
    CostBasis.NET_BILLED: (),
    CostBasis.BILLED: (("discounts", "billed_cost"),),
    CostBasis.NET_AMORTIZED: (("commitment_timing", "net_amortized_cost"),),
    CostBasis.LIST: (("commitment_timing", "net_amortized_cost"),),
    CostBasis.AMORTIZED: (
        ("commitment_timing", "net_amortized_cost"),
        ("discounts", "amortized_cost"),
    ),
    # The steps make the payer's equation hold row by row, whatever a client is billed on (DECISIONS
    # 2):
    # `tests/unit/invoices/test_allocation.py::test_every_basis_accounts_for_what_the_payer_pays`.
    CostBasis.BLENDED: (("discounts", "billed_cost"), ("blending", "blended_cost")),
}
"""From net_billed_cost, what the payer pays, step by step to the cost: what a step takes off is
retained, for its reason."""

MEASURED = sorted({*COST_OF.values(), "net_billed_cost"})

BORNE_SCHEMA = pl.Schema(
    {
        column: ASSIGNED_SCHEMA[column]
        for column in (
            BEARER,
            "account_id",
            "billing_entity",
            "kind",
            "service",
            "region",
            "usage_type",
            "operation",
            "unit",
            "tax_type",
            "seller",
            "description_key",
            "usage",
            "list_cost",
            ATTRIBUTION,
            SHARED,
        )
    }
    | {"basis": pl.String(), "passed_e6": UNITS, "cost_e16": UNITS}
)
"""Only what pricing and statements look at: these frames are as long as the month."""

_WANTED = [column for column in ASSIGNED_SCHEMA if column in BORNE_SCHEMA or column in MEASURED]

_BORNE = pl.col("passed_e6") > 0


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """What a client's price book says about cost."""

    basis: CostBasis
    passed_percent: Mapping[Kind, Decimal]
    """Only kinds of RETAINED_AS; one left out is passed whole, all others always are."""
    passed_by_name: Mapping[str, Decimal] = field(default_factory=dict)
    """Of discounts, by their description, which is AWS's type of those that a person mapped."""


NO_POLICY = RetentionPolicy(CostBasis.NET_BILLED, {})
"""A client whose price book is missing bears what the payer pays: nothing is lost meanwhile."""


@dataclass(frozen=True, slots=True)
class UnassignedAccount:
    """An account with charges on days on which it had no client."""

    account_id: AccountId
    first_day: date
    last_day: date
    net_billed_cost: Decimal
    is_free: bool = False
    """Not one of its charges costs anything, before or after discounts."""


@dataclass(frozen=True, slots=True, eq=False)
class Allocation:
    """All of a payer's money for a period, exactly once."""

    borne: pl.DataFrame
    """Charges with `client`, its `basis`, the share passed and the cost borne (BORNE_SCHEMA)."""
    cost: Decimal
    retained: Mapping[str, Decimal]
    unassigned: tuple[UnassignedAccount, ...]
    payer_total: Decimal

    @property
    def unassigned_cost(self) -> Decimal:
        return exact_sum(account.net_billed_cost for account in self.unassigned)

    def __post_init__(self) -> None:
        assert self.payer_total == exact_sum(
            [self.cost, *self.retained.values(), self.unassigned_cost]
        ), "allocation lost or invented money"


def allocate(
    assigned: pl.DataFrame,
    policies: Mapping[ClientKey, RetentionPolicy],
    kept: Mapping[str, Decimal] = MappingProxyType({}),
    passed_whole: Collection[str] = (),
) -> Allocation:
    """Each client's cost by its policy; the rest retained by reason, or unassigned.

    `kept` is what an earlier stage took out of the charges for the reseller, by reason. Of what
    is SHARED by groups that are `passed_whole`, no policy keeps anything.
    A client without a policy bears its charges by NO_POLICY.
    """
    assert assigned.schema == ASSIGNED_SCHEMA
    own = assigned.lazy().filter(pl.col(BEARER) != "").select(_WANTED).collect()
    bearable = _with_policy(own, policies, passed_whole)
    reasons = {
        "internal_accounts": _sum(assigned.filter(INTERNAL)["net_billed_cost"]),
        **_kept_back(bearable),
        **_stepped_off(bearable),
    }
    retained = {
        reason: exact_sum(found.get(reason, Decimal(0)) for found in (reasons, kept))
        for reason in {*reasons, *kept}
    }
    borne = bearable.lazy().filter(_BORNE).select(BORNE_SCHEMA.names()).collect()
    return Allocation(
        borne=borne,
        cost=_sum(borne["cost_e16"]).scaleb(-SHARE_DIGITS, EXACT),
        retained={reason: amount for reason, amount in sorted(retained.items()) if amount},
        unassigned=_unassigned(assigned.lazy()),
        payer_total=exact_sum([_sum(assigned["net_billed_cost"]), *kept.values()]),
    )


def units(measure: str) -> pl.Expr:
    """A money column as whole units of 1e-10: the only form in which money is multiplied."""
    return pl.col(measure).to_physical().cast(UNITS)


def _with_policy(
    charges: pl.DataFrame,
    policies: Mapping[ClientKey, RetentionPolicy],
    passed_whole: Collection[str],
) -> pl.DataFrame:
    """Adds the client's basis, the share of the charge it bears, and its cost."""
    by_client = pl.DataFrame(
        [(client, policy.basis.value) for client, policy in policies.items()],
        {BEARER: pl.String(), "basis": pl.String()},
        orient="row",
    )
    by_kind = pl.DataFrame(
        [
            (client, kind.value, percent.scaleb(4, EXACT))
            for client, policy in policies.items()
            for kind, percent in policy.passed_percent.items()
        ],
        {BEARER: pl.String(), "kind": pl.String(), "passed_e6": UNITS},
        orient="row",
    )
    by_name = pl.DataFrame(
        [
            (client, name, percent.scaleb(4, EXACT))
            for client, policy in policies.items()
            for name, percent in policy.passed_by_name.items()
        ],
        {BEARER: pl.String(), "description_key": pl.String(), "named_e6": UNITS},
        orient="row",
    )
    is_discount = pl.col("kind").is_in([str(kind) for kind in DISCOUNTS])
    quarantined = pl.col("kind") == Kind.UNKNOWN.value
    named = pl.when(is_discount).then("named_e6")
    is_whole = pl.col(SHARED).is_in(sorted(passed_whole))
    whole = pl.when(is_whole).then(_whole(WHOLE_E6))
    passed = pl.coalesce(whole, named, "passed_e6", _whole(WHOLE_E6))
    return (
        charges.pipe(look_up, by_client, on=[BEARER])
        .pipe(look_up, by_kind, on=[BEARER, "kind"])
        .pipe(look_up, by_name, on=[BEARER, "description_key"])
        .with_columns(
            pl.col("basis").fill_null(NO_POLICY.basis.value),
            pl.when(quarantined).then(_whole(0)).otherwise(passed).alias("passed_e6"),
        )
        .with_columns((_cost() * pl.col("passed_e6")).alias("cost_e16"))
    )


def _cost() -> pl.Expr:
    return pl.coalesce(
        pl.when(pl.col("basis") == basis.value).then(units(measure))
        for basis, measure in COST_OF.items()
    )


def _whole(number: int) -> pl.Expr:
    return pl.lit(number).cast(UNITS)


def _kept_back(charges: pl.DataFrame) -> dict[str, Decimal]:
    """What policies keep of whole charges, by reason: at what the payer pays for them."""
    kept_e16 = units("net_billed_cost") * (_whole(WHOLE_E6) - pl.col("passed_e6"))
    by_kind = (
        charges.lazy()
        .filter(pl.col("passed_e6") < WHOLE_E6)
        .group_by("kind")
        .agg(kept_e16.sum().alias("kept_e16"))
        .collect()
    )
    return {
        RETAINED_AS[Kind(kind)]: kept.scaleb(-SHARE_DIGITS, EXACT)
        for kind, kept in by_kind.iter_rows()
    }


def _stepped_off(charges: pl.DataFrame) -> dict[str, Decimal]:
    """What lies between the payer's money and the cost of the charges borne, by reason."""
    by_share = charges.lazy().filter(_BORNE).group_by("basis", "passed_e6")
    sums = by_share.agg(pl.col(MEASURED).sum()).collect()
    retained: defaultdict[str, Decimal] = defaultdict(Decimal)
    for group in sums.iter_rows(named=True):
        # From what AWS invoices, which is net in both of its ways to show a discount (DECISIONS 1).
        before = group["net_billed_cost"]
        for reason, measure in STEPS[CostBasis(group["basis"])]:
            off = EXACT.multiply(EXACT.subtract(before, group[measure]), group["passed_e6"])
            retained[reason] = EXACT.add(retained[reason], off.scaleb(-6, EXACT))
            before = group[measure]
    return dict(retained)


def _unassigned(charges: pl.LazyFrame) -> tuple[UnassignedAccount, ...]:
    nobodys = (
        charges.filter((pl.col(BEARER) == "") & ~pl.col(INTERNAL))
        .group_by("account_id")
        .agg(
            pl.col("service_day").min().alias("first_day"),
            pl.col("service_day").max().alias("last_day"),
            pl.col("net_billed_cost").sum(),
            pl.all_horizontal((pl.col(MEASURED) == 0).all()).alias("is_free"),
        )
        .sort("account_id")
        .collect()
    )
    return tuple(UnassignedAccount(*row) for row in nobodys.iter_rows())


def _sum(amounts: pl.Series) -> Decimal:
    total = amounts.sum()
    assert isinstance(total, Decimal)
    return total
