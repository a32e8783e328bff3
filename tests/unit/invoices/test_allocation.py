"""Allocation: each charge's bearer, its cost by the client's basis, and the reason of the rest."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from invoices.allocation.direct import assign, nearest_owners
from invoices.allocation.leftover import Allocation, RetentionPolicy, allocate
from invoices.clients import AccountId, Assignment, Roster
from invoices.kinds import CostBasis, Kind
from invoices.month import bill
from tests.support.builders import (
    A_B_C,
    OCTOBER,
    charge,
    charges,
    commitments,
    frame,
    inputs,
    owns,
)

ACME, BELL, OURS = "111111111111", "222222222222", "999999999999"


def allocated(
    rows: list[dict[str, Any]],
    *assignments: Assignment,
    basis: CostBasis = CostBasis.NET_BILLED,
    passed: dict[Kind, str] | None = None,
    internal: str = "",
) -> Allocation:
    percents = {kind: Decimal(percent) for kind, percent in (passed or {}).items()}
    assigned = assign(
        frame(*rows),
        Roster.of(assignments),
        period=OCTOBER,
        internal_accounts=frozenset([AccountId(internal)]),
    )
    clients = {assignment.client for assignment in assignments}
    return allocate(assigned, dict.fromkeys(clients, RetentionPolicy(basis, percents)))


def cost_of(allocation: Allocation) -> dict[str, Decimal]:
    costs = allocation.borne.group_by("client").agg(pl.col("cost_e16").sum()).iter_rows()
    return {client: cost / 10**16 for client, cost in costs}


def bearers(*days: date, roster: list[Assignment]) -> list[str]:
    days_of_acme = frame(*(charge(ACME, "1", service_day=day) for day in days))
    assigned = assign(
        days_of_acme, Roster.of(roster), period=OCTOBER, internal_accounts=frozenset()
    )
    return assigned["client"].to_list()


def test_a_move_in_mid_month_splits_by_day() -> None:
    rows = [
        charge(ACME, "10", service_day=date(2018, 10, 1)),
        charge(ACME, "20", service_day=date(2018, 10, 14)),
        charge(ACME, "40", service_day=date(2018, 10, 15)),
        charge(ACME, "80", service_day=date(2018, 10, 31)),
    ]

    allocation = allocated(
        rows,
        owns("acme", ACME, date(2018, 1, 1), date(2018, 10, 15)),
        owns("bell", ACME, date(2018, 10, 15)),
    )

    assert cost_of(allocation) == {"acme": Decimal(30), "bell": Decimal(120)}


def test_a_day_without_a_client_in_the_period_is_unassigned() -> None:
    gap = [
        owns("acme", ACME, date(2018, 1, 1), date(2018, 10, 10)),
        owns("bell", ACME, date(2018, 10, 12)),
    ]

    found = bearers(
        date(2018, 10, 9), date(2018, 10, 10), date(2018, 10, 11), date(2018, 10, 12), roster=gap
    )

    assert found == ["acme", "", "", "bell"]


def test_a_day_outside_the_period_counts_by_itself_where_it_had_a_client() -> None:
    moved = [
        owns("acme", ACME, date(2018, 1, 1), date(2018, 10, 1)),
        owns("bell", ACME, date(2018, 10, 1)),
    ]

    assert bearers(date(2018, 9, 30), date(2018, 11, 20), roster=moved) == ["acme", "bell"]


def test_a_day_outside_the_period_without_a_client_counts_as_the_nearest_day() -> None:
    joined = [owns("acme", ACME, date(2018, 10, 1), date(2018, 11, 1))]
    later = [owns("acme", ACME, date(2018, 10, 2))]

    assert bearers(date(2018, 7, 1), date(2018, 12, 24), roster=joined) == ["acme", "acme"]
    assert bearers(date(2018, 7, 1), roster=later) == ["acme"]


def test_unassigned_charges_name_the_account_and_its_days() -> None:
    rows = [
        charge(BELL, "1.25", service_day=date(2018, 10, 3)),
        charge(BELL, "2.50", service_day=date(2018, 10, 9)),
        charge(ACME, "5"),
    ]

    allocation = allocated(rows, owns("acme", ACME))

    (account,) = allocation.unassigned
    assert account.account_id == BELL
    assert (account.first_day, account.last_day) == (date(2018, 10, 3), date(2018, 10, 9))
    assert account.net_billed_cost == Decimal("3.75")
    assert allocation.payer_total == Decimal("8.75")


def test_accounts_of_nobody_or_of_the_nearest_are_told_in_the_order_of_their_ids() -> None:
    accounts = [str(number) * 12 for number in range(1, 10)]
    strange = allocated([charge(account, "1") for account in reversed(accounts)])
    left = [owns("acme", account, date(2018, 1, 1), date(2018, 10, 9)) for account in accounts]
    rows = [charge(each, "1", Kind.CREDIT, service_day=date(2018, 10, 20)) for each in accounts]
    late = assign(
        frame(*reversed(rows)), Roster.of(left), period=OCTOBER, internal_accounts=frozenset()
    )

    assert [each.account_id for each in strange.unassigned] == accounts
    assert [each.account_id for each in nearest_owners(late)] == accounts


def test_internal_accounts_are_retained_even_where_the_roster_names_a_client() -> None:
    rows = [charge(OURS, "7"), charge(ACME, "5")]

    allocation = allocated(rows, owns("acme", ACME), owns("acme", OURS), internal=OURS)

    assert cost_of(allocation) == {"acme": Decimal(5)}
    assert allocation.retained == {"internal_accounts": Decimal(7)}


ONE_OF_EACH = charge(
    ACME,
    "100",
    net_billed_cost="90",
    amortized_cost="80",
    net_amortized_cost="72",
    blended_cost="95",
    list_cost="120",
)


@pytest.mark.parametrize(
    ("basis", "cost", "retained"),
    [
        (CostBasis.NET_BILLED, "90", {}),
        (CostBasis.BILLED, "100", {"discounts": "-10"}),
        (CostBasis.NET_AMORTIZED, "72", {"commitment_timing": "18"}),
        (CostBasis.LIST, "72", {"commitment_timing": "18"}),
        (CostBasis.AMORTIZED, "80", {"commitment_timing": "18", "discounts": "-8"}),
        (CostBasis.BLENDED, "95", {"blending": "5", "discounts": "-10"}),
    ],
)
def test_every_basis_accounts_for_what_the_payer_pays(
    basis: CostBasis, cost: str, retained: dict[str, str]
) -> None:
    allocation = allocated([ONE_OF_EACH], owns("acme", ACME), basis=basis)

    assert allocation.cost == Decimal(cost)
    assert allocation.retained == {reason: Decimal(amount) for reason, amount in retained.items()}
    assert allocation.payer_total == Decimal(90)


def test_what_is_not_passed_is_retained_by_its_reason() -> None:
    rows = [
        charge(ACME, "100"),
        charge(ACME, "-5", Kind.CREDIT),
        charge(ACME, "19", Kind.TAX),
        charge(ACME, "-3", Kind.DISCOUNT_SPP),
        charge(ACME, "-2", Kind.DISCOUNT_EDP),
    ]
    nothing = {Kind.CREDIT: "0", Kind.TAX: "0", Kind.DISCOUNT_SPP: "0", Kind.DISCOUNT_EDP: "0"}

    allocation = allocated(rows, owns("acme", ACME), passed=nothing)

    assert allocation.cost == Decimal(100)
    assert allocation.retained == {
        "aws_tax": Decimal(19),
        "credits": Decimal(-5),
        "discount_edp": Decimal(-2),
        "discount_spp": Decimal(-3),
    }


def test_a_shared_discount_is_split_to_the_last_digit() -> None:
    rows = [charge(ACME, "-0.0000000003", Kind.DISCOUNT_EDP)]

    allocation = allocated(rows, owns("acme", ACME), passed={Kind.DISCOUNT_EDP: "33.3333"})

    assert allocation.cost == Decimal("-0.0000000000999999")
    assert allocation.retained == {"discount_edp": Decimal("-0.0000000002000001")}


def test_a_partly_passed_charge_keeps_its_basis() -> None:
    credit = charge(ACME, "-10", Kind.CREDIT, net_billed_cost="-8")

    allocation = allocated(
        [credit], owns("acme", ACME), basis=CostBasis.BILLED, passed={Kind.CREDIT: "25"}
    )

    assert allocation.cost == Decimal("-2.5")
    assert allocation.retained == {"credits": Decimal(-6), "discounts": Decimal("0.5")}
    assert Decimal(-8) == Decimal("-2.5") + Decimal(-6) + Decimal("0.5")


def test_charges_of_an_unknown_kind_are_quarantined() -> None:
    rows = [charge(ACME, "4", Kind.UNKNOWN), charge(ACME, "1")]

    allocation = allocated(rows, owns("acme", ACME))

    assert allocation.cost == Decimal(1)
    assert allocation.retained == {"quarantined": Decimal(4)}


def test_a_client_without_a_policy_bears_what_the_payer_pays() -> None:
    assigned = assign(
        frame(ONE_OF_EACH),
        Roster.of([owns("acme", ACME)]),
        period=OCTOBER,
        internal_accounts=frozenset(),
    )

    assert allocate(assigned, {}).cost == Decimal(90)


def test_a_month_without_charges_allocates_nothing() -> None:
    allocation = allocated([], owns("acme", ACME))

    assert (allocation.payer_total, allocation.cost) == (Decimal(0), Decimal(0))
    assert allocation.retained == {}


def test_the_worked_month_billed() -> None:
    allocation = allocated(commitments(), *A_B_C, basis=CostBasis.BILLED)

    assert cost_of(allocation) == {"a": Decimal(1920), "b": Decimal(12), "c": Decimal(-5)}
    assert allocation.payer_total == Decimal(1927)
    assert allocation.retained == {}


def test_the_worked_month_amortized_retains_the_timing_of_upfront_payments() -> None:
    allocation = allocated(commitments(), *A_B_C, basis=CostBasis.AMORTIZED)

    assert cost_of(allocation) == {"a": Decimal(165), "b": Decimal(57), "c": Decimal(55)}
    assert allocation.retained == {"commitment_timing": Decimal(1650)}
    assert 1927 == 277 + 1650 and 1650 == 1800 - 150


def test_an_allocation_that_loses_a_digit_cannot_be_made() -> None:
    allocation = allocated([charge(ACME, "10")], owns("acme", ACME))

    with pytest.raises(AssertionError, match="lost or invented money"):
        replace(allocation, payer_total=Decimal("10.0000000001"))


def test_sums_past_what_is_exact_are_refused_not_wrapped() -> None:
    most = "9999999999999999999999999999.9999999999"

    with pytest.raises(pl.exceptions.ComputeError, match="overflow"):
        allocated([charge(ACME, most), charge(ACME, most)], owns("acme", ACME))


JOINED = [owns("acme", ACME, date(2018, 10, 10))]
LEFT = [owns("acme", ACME, date(2018, 1, 1), date(2018, 10, 10))]
GAP = [*LEFT, owns("bell", ACME, date(2018, 10, 20))]


@pytest.mark.parametrize(
    ("kind", "day", "roster", "owner"),
    [
        (Kind.FEE, date(2018, 10, 1), JOINED, "acme"),
        (Kind.TAX, date(2018, 10, 1), JOINED, "acme"),
        (Kind.SP_FEE, date(2018, 10, 1), JOINED, "acme"),
        (Kind.USAGE, date(2018, 9, 30), JOINED, "acme"),
        (Kind.USAGE, date(2018, 10, 9), JOINED, ""),
        (Kind.FEE, date(2018, 10, 31), LEFT, "acme"),
        (Kind.USAGE, date(2018, 10, 31), LEFT, ""),
        (Kind.USAGE, date(2018, 11, 1), LEFT, "acme"),
        (Kind.FEE, date(2018, 10, 12), GAP, "acme"),
        (Kind.FEE, date(2018, 10, 15), GAP, "bell"),
        (Kind.FEE, date(2018, 10, 14), GAP, "acme"),
        (Kind.FEE, date(2018, 10, 19), GAP, "bell"),
        (Kind.USAGE, date(2018, 10, 14), GAP, ""),
        (Kind.FEE, date(2018, 10, 1), [], ""),
    ],
)
def test_what_has_no_day_of_its_own_is_whose_the_account_was_nearest_in_time(
    kind: Kind, day: date, roster: list[Assignment], owner: str
) -> None:
    """A fee of the month is dated the 1st, late usage last month; usage of a gap is nobody's."""
    month = bill(charges(charge(ACME, "5", kind, service_day=day)), inputs(*roster))

    borne = [each.client for each in month.statements if each.lines or each.cost]
    told = [each for each in month.findings if each.code == "charged_to_nearest_owner"]
    if kind is not Kind.TAX:
        assert borne == ([owner] if owner else [])
    assert len(told) == (1 if owner else 0)
    assert bool(month.unassigned) is (owner == "")
