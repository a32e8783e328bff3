"""For any commitments, owners and contracts: neither money nor benefit is lost, in any order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoices.allocation.commitments.policies import (
    Benefit,
    CommitmentPolicies,
    CommitmentPolicy,
    Spread,
    Unused,
    Upfront,
)
from invoices.allocation.credits import CreditPolicy
from invoices.inputs import BillingInputs
from invoices.kinds import CostBasis, Kind
from invoices.month import bill, prove
from invoices.periods import BillingPeriod
from tests.support.builders import book, charge, charges, client, inputs
from tests.support.generated_months import ACCOUNTS, CLIENTS, DAYS, rosters

ARNS = ["arn:aws:ec2:us-east-1:000000000001:reserved-instances/r", "arn:aws:savingsplans::x:s", ""]
COSTS = st.decimals(0, 100, places=3).map(lambda cost: format(cost, "f"))
COMMITTED = [
    *(Kind.RI_FEE, Kind.RI_UPFRONT, Kind.SP_FEE, Kind.SP_UPFRONT),
    *(
        Kind.RI_USAGE,
        Kind.RI_USAGE,
        Kind.SP_USAGE,
        Kind.SP_USAGE,
        Kind.SP_NEGATION,
        Kind.USAGE,
        Kind.CREDIT,
    ),
]


@dataclass(frozen=True)
class CommittedMonth:
    rows: list[dict[str, Any]]
    inputs: BillingInputs


@st.composite
def committed_charges(draw: st.DrawFn) -> dict[str, Any]:
    measures = ["net_billed_cost", "amortized_cost", "net_amortized_cost", "blended_cost"]
    kind = draw(st.sampled_from(COMMITTED))
    return charge(
        draw(st.sampled_from(ACCOUNTS)),
        draw(COSTS),
        kind,
        commitment_id="" if kind in (Kind.USAGE, Kind.CREDIT) else draw(st.sampled_from(ARNS)),
        service=draw(st.sampled_from(["AmazonEC2", "AmazonRDS"])),
        service_day=draw(DAYS),
        list_cost=draw(COSTS),
        trueup=draw(COSTS),
        **{measure: draw(COSTS) for measure in measures},
    )


@st.composite
def policies(draw: st.DrawFn, *, amortizes: bool) -> CommitmentPolicy:
    benefit = draw(st.sampled_from(Benefit))
    pooled = benefit is Benefit.PRO_RATA
    spread = Spread(Decimal("100.01"), BillingPeriod(2018, draw(st.integers(1, 12))), 12)
    return CommitmentPolicy(
        benefit=benefit,
        pool="pool" if pooled else "",
        owner_first=draw(st.booleans()),
        unused=draw(st.sampled_from([None, *Unused][: 4 if pooled else 3])),
        upfront=draw(st.sampled_from([None, Upfront.AMORTIZED, spread][: 2 if amortizes else 3])),
    )


@st.composite
def committed_months(draw: st.DrawFn) -> CommittedMonth:
    books = []
    for key in ("one", "two"):
        basis = draw(st.sampled_from(CostBasis))
        amortizes = basis not in (CostBasis.BILLED, CostBasis.NET_BILLED, CostBasis.BLENDED)
        of_arns = policies(amortizes=amortizes)
        default = draw(policies(amortizes=True))
        by_arn = draw(st.dictionaries(st.sampled_from(ARNS[:2]), of_arns))
        contract = CommitmentPolicies(default, by_arn)
        credited = CreditPolicy(is_shared=draw(st.booleans()))
        books.append(book(key=key, cost_basis=basis, commitments=contract, credits=credited))
    of_clients = [client(key, price_book=draw(st.sampled_from(["one", "two"]))) for key in CLIENTS]
    internal = draw(st.sets(st.sampled_from(ACCOUNTS[-1:])))
    roster = draw(rosters())
    rows = draw(st.lists(committed_charges(), min_size=1, max_size=12))
    return CommittedMonth(rows, inputs(*roster, clients=of_clients, books=books, internal=internal))


def conserves(month: CommittedMonth) -> None:
    """What the payer pays is the clients', retained or nobody's; the stage asserts benefits."""
    billed = bill(charges(*month.rows), month.inputs)

    (balance,) = prove(billed).balances
    paid = sum((Fraction(row["net_billed_cost"]) for row in month.rows), Fraction(0))
    assert paid == Fraction(billed.payer_total)
    assert balance.difference == 0


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(committed_months())
def test_money_and_benefit_are_conserved(month: CommittedMonth) -> None:
    conserves(month)


@pytest.mark.proof
@settings(max_examples=10_000, deadline=None, suppress_health_check=SLOW)
@given(committed_months())
def test_money_and_benefit_are_conserved_ten_thousand_times(month: CommittedMonth) -> None:
    conserves(month)


@settings(max_examples=30, deadline=None, suppress_health_check=SLOW)
@given(committed_months(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(month: CommittedMonth, order: random.Random) -> None:
    shuffled = order.sample(month.rows, len(month.rows))

    one, other = (bill(charges(*rows), month.inputs) for rows in (month.rows, shuffled))

    assert one == other
