"""Commitments by contract, in the worked month: who pays what, and that none of it is lost."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.allocation.commitments.policies import (
    Benefit,
    CommitmentPolicies,
    CommitmentPolicy,
    Unused,
)
from invoices.clients import ClientKey
from invoices.kinds import CostBasis, Kind
from tests.support.builders import (
    A_B_C,
    RESERVATION,
    book,
    charge,
    client,
    commitments,
    inputs,
    markup,
    owns,
)
from tests.unit.invoices.contracts.worked_month import (
    PASSED,
    A,
    B,
    billed,
    by,
    codes,
    costs,
    paid,
    without_fees,
)


@pytest.mark.parametrize(
    ("policy", "basis", "expected", "retained"),
    [
        (Benefit.PASS_THROUGH, CostBasis.BILLED, paid("1920", "12", "-5"), {}),
        (
            Benefit.PASS_THROUGH,
            CostBasis.AMORTIZED,
            paid("165", "57", "55"),
            {"commitment_timing": 1650},
        ),
        # Fees and all that they save are the reseller's; 331 + 1,650 + 60 - 114 = 1,927.
        (
            Benefit.RETAINED,
            CostBasis.AMORTIZED,
            paid("164", "84", "83"),
            {"commitment_timing": 1650, "commitment_unused": 60, "commitment_benefit": -114},
        ),
        (
            Benefit.RETAINED,
            CostBasis.BILLED,
            paid("164", "84", "83"),
            {"commitment_timing": 1650, "commitment_unused": 60, "commitment_benefit": -114},
        ),
        # The owner has 165 less 27 and 28.
        (
            Benefit.OWNER_CLIENT,
            CostBasis.AMORTIZED,
            paid("110", "84", "83"),
            {"commitment_timing": 1650},
        ),
        # a bears the fees whole, and gets what b and c pay: 1,920 - 72 - 88.
        (Benefit.OWNER_CLIENT, CostBasis.BILLED, paid("1760", "84", "83"), {}),
        # Nobody's is dearer than on demand.
        (
            Benefit.CAPPED_ON_DEMAND,
            CostBasis.AMORTIZED,
            paid("165", "57", "55"),
            {"commitment_timing": 1650},
        ),
    ],
)
def test_the_worked_month_gives_its_table(
    policy: Benefit, basis: CostBasis, expected: dict[str, Decimal], retained: dict[str, int]
) -> None:
    month = billed(by(CommitmentPolicy(policy), basis=basis))

    assert costs(month) == expected
    assert month.retained == retained


def test_a_pool_shares_by_what_was_covered() -> None:
    """120 for 184 on demand, 90 for 140: a 120 x 112/184 + 90 x 52/140 + 60 unused, and so on."""
    pool = CommitmentPolicy(Benefit.PRO_RATA, pool="all", owner_first=False)

    month = billed(by(pool))

    assert costs(month) == paid("166.4720496895", "58.9565217391", "51.5714285714")


def test_in_a_pool_the_owner_keeps_what_its_own_usage_was_covered() -> None:
    """B and d are covered 125 on demand for 85: b pays 85 x 72/125 + 12, d the rest."""
    d = "dddddddddddd"
    rows = [
        *commitments(),
        charge(
            d,
            "0",
            Kind.RI_USAGE,
            commitment_id=RESERVATION,
            list_cost="53",
            amortized_cost="40",
            net_amortized_cost="40",
        ),
    ]
    policies = CommitmentPolicies(CommitmentPolicy(Benefit.PRO_RATA, pool="all"))
    books = [book(cost_basis=CostBasis.AMORTIZED, commitments=policies, **PASSED)]

    month = billed(inputs(*A_B_C, owns("d", d), books=books), rows)

    assert costs(month) == {
        **paid("165", "60.96", "55"),
        "d": Decimal("36.04"),
    }


@pytest.mark.parametrize(
    ("unused", "expected", "retained"),
    [
        (Unused.OWNER, paid("166.4720496895", "58.9565217391", "51.5714285714"), 0),
        (Unused.RESELLER, paid("106.4720496895", "58.9565217391", "51.5714285714"), 60),
        # By what was covered: the reservation's 30 as 112 to 72, the plan's 30 as 52 to 88.
        # a 106.4720496895 + 18.2608695652 + 11.1428571429, b + 11.7391304348, c + 18.8571428571.
        (Unused.POOL, paid("135.8757763976", "70.6956521739", "70.4285714285"), 0),
    ],
)
def test_what_nobody_used_is_the_owners_the_resellers_or_the_pools(
    unused: Unused, expected: dict[str, Decimal], retained: int
) -> None:
    pool = CommitmentPolicy(Benefit.PRO_RATA, pool="all", owner_first=False, unused=unused)

    month = billed(by(pool))

    assert costs(month) == expected
    assert month.retained.get("commitment_unused", 0) == retained


def test_who_retains_the_benefit_may_leave_the_owner_what_is_unused() -> None:
    policy = CommitmentPolicy(Benefit.RETAINED, unused=Unused.OWNER)

    month = billed(by(policy, basis=CostBasis.BILLED))

    assert costs(month) == paid("224", "84", "83")  # 164 + 30 + 30
    assert month.retained == {"commitment_timing": 1650, "commitment_benefit": -114}


def test_a_loss_is_the_owners_where_the_price_is_capped() -> None:
    """B's effective 45 is 80 now, 8 more than its 72 on demand: b pays 84, a 165 + 8."""
    rows = commitments()
    (row,) = (r for r in rows if r["account_id"] == B and r["kind"] == "ri_usage")
    row["amortized_cost"] = row["net_amortized_cost"] = Decimal(80)

    month = billed(by(CommitmentPolicy(Benefit.CAPPED_ON_DEMAND)), rows)

    assert costs(month) == paid("173", "84", "55")


def test_policies_are_by_client_and_by_commitment() -> None:
    """B's contract has the reseller keep the reservation's benefit, c's is as AWS applied it."""
    retained = CommitmentPolicies(by_arn={RESERVATION: CommitmentPolicy(Benefit.RETAINED)})
    given = inputs(
        *A_B_C,
        clients=[client("a"), client("b", price_book="other"), client("c")],
        books=[
            book(cost_basis=CostBasis.AMORTIZED, **PASSED),
            book(key="other", cost_basis=CostBasis.AMORTIZED, commitments=retained, **PASSED),
        ],
    )

    month = billed(given)

    assert costs(month) == paid("165", "84", "55")
    assert month.retained == {"commitment_timing": 1650, "commitment_benefit": -27}


def test_bases_may_differ_between_user_and_owner() -> None:
    """A, billed what AWS bills, bears the fees whole and gets the 72 and 88 that b and c pay."""
    policies = CommitmentPolicies(CommitmentPolicy(Benefit.OWNER_CLIENT))
    given = inputs(
        *A_B_C,
        clients=[client("a", price_book="cash"), client("b"), client("c")],
        books=[
            book(cost_basis=CostBasis.AMORTIZED, commitments=policies, **PASSED),
            book(key="cash", cost_basis=CostBasis.BILLED, **PASSED),
        ],
    )

    month = billed(given)

    assert costs(month) == paid("1760", "84", "83")
    assert month.retained == {}


def test_a_markup_is_on_the_equivalent_and_on_the_benefit() -> None:
    """10 % on all: b 82 x 1.1 + 2, and a (110) x 1.1."""
    policies = CommitmentPolicies(CommitmentPolicy(Benefit.OWNER_CLIENT))
    books = [book(markup("10"), cost_basis=CostBasis.AMORTIZED, commitments=policies, **PASSED)]

    month = billed(inputs(*A_B_C, books=books))

    prices = {each.client: each.price for each in month.statements}
    assert prices == paid("121", "92.2", "91.8")  # c: 88 x 1.1 - 5


def test_at_list_a_share_is_no_part_of_the_price() -> None:
    policies = CommitmentPolicies(CommitmentPolicy(Benefit.OWNER_CLIENT))
    books = [book(cost_basis=CostBasis.LIST, commitments=policies, **PASSED)]

    month = billed(inputs(*A_B_C, books=books))

    assert {each.client: each.price for each in month.statements} == paid("164", "84", "83")


def test_an_account_that_moved_makes_two_owners_by_days() -> None:
    """A's account is a's for 15 days and d's for 16: of b's 27 and c's 28 each has its days' part.

    27 x 15/31 = 13.0645161290, 28 x 15/31 = 13.5483870968. All rows are of the 15th, so d has
    nothing but its part.
    """
    held = [
        owns("a", A, end=date(2018, 10, 16)),
        owns("d", A, date(2018, 10, 16)),
        *A_B_C[1:],
    ]
    passed, owned = (
        billed(
            inputs(
                *held,
                books=[
                    book(
                        cost_basis=CostBasis.AMORTIZED,
                        commitments=CommitmentPolicies(CommitmentPolicy(policy)),
                        **PASSED,
                    )
                ],
            )
        )
        for policy in (Benefit.PASS_THROUGH, Benefit.OWNER_CLIENT)
    )

    before, after = costs(passed), costs(owned)
    assert before["a"] - after["a"] == Decimal("26.6129032258")
    assert after["d"] == Decimal("-28.3870967742")
    assert after["b"] == 84
    assert after["c"] == 83


def test_our_own_account_owns_what_the_reseller_bought() -> None:
    """A is ours: the benefit of b's and c's usage is retained."""
    policies = CommitmentPolicies(CommitmentPolicy(Benefit.OWNER_CLIENT))
    books = [book(cost_basis=CostBasis.AMORTIZED, commitments=policies, **PASSED)]

    month = billed(inputs(*A_B_C[1:], books=books, internal=[A]))

    assert costs(month) == {"b": 84, "c": 83}
    assert month.retained["commitment_benefit"] == -55
    assert "commitment_crossed" not in codes(month)


def test_an_owner_may_be_stated() -> None:
    """C is said to own the reservation: a pays 112 for its part, b 72; c gets 37 + 27, pays 88."""
    arn = RESERVATION.replace(A, "")
    stated = CommitmentPolicy(Benefit.OWNER_CLIENT, owner=ClientKey("c"))

    month = billed(
        by(CommitmentPolicy(Benefit.OWNER_CLIENT), arns={arn: stated}),
        without_fees(),
    )

    # A's 112, and 30 + 30 unused of the plan - 28; of c: 88 - 5 - 64.
    assert costs(month) == paid("144", "84", "19")


def test_an_arn_names_its_owner_where_the_month_has_no_fee() -> None:
    """Twelve digits in the ARN are the account that bought it."""
    owner, user = "000000000001", "000000000002"
    arn = f"arn:aws:ec2:us-east-1:{owner}:reserved-instances/r-1"
    covered = {"commitment_id": arn, "list_cost": "10", "net_amortized_cost": "6"}
    rows = [
        charge(owner, "1"),
        charge(user, "0", Kind.RI_USAGE, amortized_cost="6", **covered),
    ]
    policies = CommitmentPolicies(CommitmentPolicy(Benefit.OWNER_CLIENT))
    books = [book(cost_basis=CostBasis.AMORTIZED, commitments=policies)]

    month = billed(inputs(owns("o", owner), owns("u", user), books=books), rows)

    assert costs(month) == {"o": -3, "u": 10}


def test_a_plans_usage_that_focus_bills_at_nothing_has_its_list_cost() -> None:
    """FOCUS has no negation: c used 88 at list for 60."""
    rows = [row for row in commitments() if row["kind"] != "sp_negation"]
    for row in rows:
        if row["kind"] == "sp_usage":
            row |= dict.fromkeys(("billed_cost", "net_billed_cost", "blended_cost"), Decimal(0))

    month = billed(by(CommitmentPolicy(Benefit.RETAINED)), rows)

    assert costs(month) == paid("164", "84", "83")


def test_net_costs_keep_the_discount_with_who_bears_it() -> None:
    """B's effective 45 is 40 after a discount: a has 72 - 40 at net, and 72 - 45 before it."""
    rows = commitments()
    (row,) = (r for r in rows if r["account_id"] == B and r["kind"] == "ri_usage")
    row["net_amortized_cost"] = Decimal(40)
    gross, net = (
        billed(by(CommitmentPolicy(Benefit.OWNER_CLIENT), basis=basis), rows)
        for basis in (CostBasis.AMORTIZED, CostBasis.NET_AMORTIZED)
    )

    assert costs(gross)["a"] == 110
    assert gross.retained["discounts"] == -5
    assert costs(net)["a"] == 105
    assert "discounts" not in net.retained


def test_workings_say_which_policy_applied() -> None:
    month = billed(by(CommitmentPolicy(Benefit.OWNER_CLIENT)))

    said = {
        (statement.client, line.description, working.attribution)
        for statement in month.statements
        for line in statement.lines
        for working in line.workings
        if working.attribution
    }
    instead = "owner_client: on-demand equivalent, not the commitment's cost"
    assert said == {
        ("b", "Usage covered by reservations", instead),
        ("c", "Usage covered by savings plans", instead),
        ("a", "Commitment benefit", "owner_client: benefit of what b used"),
        ("a", "Commitment benefit", "owner_client: benefit of what c used"),
    }


def test_the_order_of_rows_changes_nothing() -> None:
    given = by(CommitmentPolicy(Benefit.PRO_RATA, pool="all", owner_first=False))

    def ids(rows: Iterable[dict[str, Any]]) -> list[str]:
        return [draft.draft_id for draft in billed(given, [*rows]).drafts]

    assert ids(commitments()) == ids(reversed(commitments()))
