"""What is told of commitments in the worked month, and what no contract can say."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from invoices.allocation.commitments.policies import (
    Benefit,
    CommitmentPolicies,
    CommitmentPolicy,
    Spread,
    Unused,
    Upfront,
)
from invoices.clients import ClientKey
from invoices.inputs import ExportLimits
from invoices.kinds import CostBasis
from invoices.periods import BillingPeriod
from tests.support.builders import (
    OCTOBER,
    RESERVATION,
    SAVINGS_PLAN,
    book,
    commitments,
)
from tests.unit.invoices.contracts.worked_month import billed, by, codes, without_fees


def test_an_owner_that_nobody_knows_parks_who_asks_for_it() -> None:
    month = billed(by(CommitmentPolicy(Benefit.OWNER_CLIENT)), without_fees())

    assert month.parked == {"a", "b"}
    assert "commitment_owner_unknown" in codes(month)


def test_a_reservation_without_a_list_cost_parks_its_user() -> None:
    rows = [row | {"list_cost": Decimal(0)} for row in commitments()]

    month = billed(by(CommitmentPolicy(Benefit.RETAINED)), rows)

    assert month.parked == {"a", "b"}
    assert "commitment_unanswerable" in codes(month)


def test_no_policy_is_answered_without_the_amortization_columns() -> None:
    given = replace(
        by(CommitmentPolicy(Benefit.RETAINED), basis=CostBasis.BILLED),
        export_limits=ExportLimits(bases={"amortized": "it has no reservation_effective_cost"}),
    )

    assert billed(given).parked == {"a", "b", "c"}


def test_benefit_that_crossed_is_told_by_commitment_with_amount_and_owner() -> None:
    month = billed(by(CommitmentPolicy()))

    told = [each for each in month.findings if each.code == "commitment_crossed"]
    assert [(each.where, each.message) for each in told] == [
        (
            RESERVATION,
            f"The benefit of {RESERVATION}, which is a's, went to other clients: 27 USD to b.",
        ),
        (
            SAVINGS_PLAN,
            f"The benefit of {SAVINGS_PLAN}, which is a's, went to other clients: 28 USD to c.",
        ),
    ]
    assert month.parked == set()


def test_since_june_2025_it_is_against_awss_rule() -> None:
    given = replace(by(CommitmentPolicy()), period=BillingPeriod(2025, 6))

    told = [each.message for each in billed(given).findings if each.code == "commitment_crossed"]
    assert all("AWS forbids it to resellers since 2025-06-01" in message for message in told)
    assert len(told) == 2


def test_a_switch_makes_it_block_both_clients() -> None:
    month = billed(by(CommitmentPolicy(), blocks=True))

    assert month.parked == {"a", "b", "c"}


def test_a_policy_for_what_does_not_occur_is_told() -> None:
    month = billed(by(CommitmentPolicy(), arns={"arn:gone": CommitmentPolicy(Benefit.RETAINED)}))

    (told,) = (each for each in month.findings if each.code == "commitment_not_in_month")
    assert "Price book standard has a policy for arn:gone" in told.message


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: CommitmentPolicy(Benefit.PRO_RATA), "a pool has a name"),
        (lambda: CommitmentPolicy(Benefit.RETAINED, unused=Unused.POOL), "a pool has a name"),
        (lambda: CommitmentPolicy(pool="all"), "pool goes with pro_rata, or with unused: pool"),
        (lambda: Spread(Decimal(5), OCTOBER, 24), "over 12 or 36 months, not 24"),
        (lambda: Spread(Decimal(0), OCTOBER, 12), "an upfront fee of 0"),
        (
            lambda: CommitmentPolicies(CommitmentPolicy(upfront=Spread(Decimal(5), OCTOBER, 12))),
            "name its ARN",
        ),
        (
            lambda: CommitmentPolicies(CommitmentPolicy(owner=ClientKey("a"))),
            "an owner is of a commitment",
        ),
        (
            lambda: book(
                cost_basis=CostBasis.AMORTIZED,
                commitments=CommitmentPolicies(CommitmentPolicy(upfront=Upfront.AT_ONCE)),
            ),
            "has upfront fees in what they cover",
        ),
    ],
)
def test_what_cannot_be_is_refused(build: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()
