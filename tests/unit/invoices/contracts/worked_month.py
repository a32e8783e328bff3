"""Owns the worked month by contract: what its clients have by one policy, and what is read of it.

The month is `commitments()` of tests/support/builders.py, by hand (bill-semantics 2.4):

| | billed | amortized | on demand | of which covered by the reservation, by the plan |
|---|---|---|---|---|
| a, the owner | 1,920 | 165 = 75 + 30 + 60 unused | 164 | 112 for 75 (saved 37), 52 for 30 (22) |
| b | 12 | 57 = 45 + 10 + 2 | 84 | 72 for 45 (saved 27) |
| c | -5 | 55 = 60 - 5 | 83 | 88 for 60 (saved 28) |
| | 1,927 | 277 | 331 | saved 64 and 50, unused 30 and 30 |

What is 1,650 of timing: 1,800 upfront less the 150 of them that this month has.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from invoices.allocation.commitments.policies import (
    CommitmentPolicies,
    CommitmentPolicy,
)
from invoices.inputs import BillingInputs
from invoices.kinds import CostBasis
from invoices.month import BilledMonth, bill, prove
from tests.support.builders import (
    A_B_C,
    book,
    charges,
    commitments,
    inputs,
)

A, B, C = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"


Rows = list[dict[str, Any]]


PASSED: dict[str, Any] = {
    "credits_passed_percent": Decimal(100),
    "aws_tax_passed_percent": Decimal(100),
}


def by(
    policy: CommitmentPolicy,
    *,
    basis: CostBasis = CostBasis.AMORTIZED,
    arns: Mapping[str, CommitmentPolicy] | None = None,
    blocks: bool = False,
) -> BillingInputs:
    """A, b and c by one contract, at cost, tax and credits passed on."""
    policies = CommitmentPolicies(policy, arns or {}, blocks)
    return inputs(*A_B_C, books=[book(cost_basis=basis, commitments=policies, **PASSED)])


def billed(given: BillingInputs, rows: Rows | None = None) -> BilledMonth:
    month = bill(charges(*(commitments() if rows is None else rows)), given)
    assert all(balance.closes for balance in prove(month).balances)
    return month


def costs(month: BilledMonth) -> dict[str, Decimal]:
    assert all(each.cost == each.price for each in month.statements)
    return {each.client: each.cost for each in month.statements}


def codes(month: BilledMonth) -> set[str]:
    return {each.code for each in month.findings}


def paid(a: str, b: str, c: str) -> dict[str, Decimal]:
    return {"a": Decimal(a), "b": Decimal(b), "c": Decimal(c)}


def without_fees() -> Rows:
    """The reservation's fees are on no row, as where its account pays another payer."""
    rows = [row for row in commitments() if row["kind"] not in ("ri_fee", "ri_upfront")]
    return [row | {"commitment_id": row["commitment_id"].replace(A, "")} for row in rows]
