"""Upfront fees by contract, in the worked month: at once, amortized, or spread."""

from decimal import Decimal
from typing import Any

from invoices.allocation.commitments.policies import (
    CommitmentPolicy,
    Spread,
    Upfront,
)
from invoices.kinds import CostBasis, Kind
from invoices.month import BilledMonth
from invoices.periods import BillingPeriod
from tests.support.builders import (
    OCTOBER,
    RESERVATION,
    charge,
    commitments,
)
from tests.unit.invoices.contracts.worked_month import A, billed, by, codes, costs, paid


def test_upfront_fees_are_billed_at_once_or_by_awss_amortization() -> None:
    """A: 1,920 at once; 1,920 - 1,800 + 150 of this month."""
    at_once, amortized = (
        billed(by(CommitmentPolicy(upfront=upfront), basis=CostBasis.BILLED))
        for upfront in (Upfront.AT_ONCE, Upfront.AMORTIZED)
    )

    assert costs(at_once) == paid("1920", "12", "-5")
    assert costs(amortized) == paid("270", "12", "-5")
    assert amortized.retained == {"commitment_timing": 1650}


def test_who_pays_by_awss_amortization_is_parked_where_the_export_has_none() -> None:
    """FOCUS has no true-up: 100 a month of the reservation's 1,200 and 50 of the plan's 600."""
    rows = commitments()
    for row in rows:
        row["trueup"] = Decimal(0)

    month = billed(by(CommitmentPolicy(upfront=Upfront.AMORTIZED), basis=CostBasis.BILLED), rows)
    at_once = billed(by(CommitmentPolicy(), basis=CostBasis.BILLED), rows)

    (told, of_plan) = [f for f in month.findings if f.code == "commitment_upfront_unanswerable"]
    assert told.client == of_plan.client == "a" and "a" in month.parked
    assert "(-100 is not explained" in told.message and "(-50 is not explained" in of_plan.message
    assert costs(at_once) == paid("1920", "12", "-5")


def spread(amount: str, start: BillingPeriod, months: int = 12) -> CommitmentPolicy:
    return CommitmentPolicy(upfront=Spread(Decimal(amount), start, months))


def test_an_upfront_fee_is_spread_over_its_invoices() -> None:
    """A: 1,920 - 1,200 + 100 in the first month, 100 in later ones, and nothing after the last."""
    first = billed(
        by(
            CommitmentPolicy(),
            basis=CostBasis.BILLED,
            arns={RESERVATION: spread("1200", OCTOBER)},
        )
    )
    later = [row for row in commitments() if row["kind"] != "ri_upfront"]

    def in_a_later_month(start: BillingPeriod) -> BilledMonth:
        arns = {RESERVATION: spread("1200", start)}
        return billed(by(CommitmentPolicy(), basis=CostBasis.BILLED, arns=arns), later)

    last, after = (in_a_later_month(BillingPeriod(2017, month)) for month in (11, 10))

    assert costs(first) == paid("820", "12", "-5")
    assert first.retained == {"commitment_timing": 1100}
    assert costs(last) == paid("820", "12", "-5")  # 720 without the reservation's fee, + 100
    assert last.retained == {"commitment_timing": -100}
    assert costs(after) == paid("720", "12", "-5")
    assert "commitment_upfront_differs" not in codes(first) | codes(last)


def test_a_spread_fee_that_has_no_equal_parts_adds_up() -> None:
    """1,000 over 12: four of 83.34 and eight of 83.33."""
    later = [row for row in commitments() if row["kind"] != "ri_upfront"]
    found = []
    for number in range(12):
        start = (
            BillingPeriod(2018, 10 - number) if number < 10 else BillingPeriod(2017, 22 - number)
        )
        arns = {RESERVATION: spread("1000", start)}
        rows = later if number else [*later, upfront_of("1000")]
        month = billed(by(CommitmentPolicy(), basis=CostBasis.BILLED, arns=arns), rows)
        found.append(costs(month)["a"] - 720)

    assert found == [Decimal("83.34")] * 4 + [Decimal("83.33")] * 8


def upfront_of(amount: str) -> dict[str, Any]:
    kind = Kind.RI_UPFRONT
    return charge(A, amount, kind, commitment_id=RESERVATION, amortized_cost="0", upfront=amount)


def test_an_upfront_fee_that_aws_billed_otherwise_parks_its_owner() -> None:
    arns = {RESERVATION: spread("1100", OCTOBER)}

    month = billed(by(CommitmentPolicy(), basis=CostBasis.BILLED, arns=arns))

    assert month.parked == {"a", "c"}  # c has nothing but a credit
    assert "commitment_upfront_differs" in codes(month)
