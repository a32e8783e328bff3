"""Whatever the seed, a pretend bill reconciles, and says the same however it is cut up."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.bills import (
    Bill,
    BillStage,
    Discounts,
    Encoding,
    ExportDialect,
    Month,
    Order,
    Simulation,
)
from sandbox.bills.amounts import doubles, plain, texts, units
from sandbox.bills.aws_invoices import invent_invoices
from sandbox.bills.catalog import INSTANCES
from sandbox.bills.commitments import Commitments, ReservedInstance, fees
from sandbox.bills.lines import LineKind
from sandbox.bills.meters import Meter, MeteredLines
from sandbox.bills.report import clients_on
from sandbox.bills.truth import TOTALS, Fact, Truth

simulations = st.builds(
    Simulation,
    seed=st.integers(0, 2**31),
    accounts=st.integers(1, 60),
    rows=st.integers(100, 4_000),
    start=st.sampled_from(["2026-10", "2027-02", "2028-02"]),
    discounts=st.sampled_from(Discounts),
    stage=st.sampled_from(BillStage),
)


def the_bill(simulation: Simulation) -> Bill:
    return simulation.bill(Month.parse(simulation.start))


def total(facts: list[Fact], name: str, *kinds: LineKind) -> int:
    return sum(fact.totals[name] for fact in facts if not kinds or fact.place.kind in kinds)


@settings(max_examples=60, deadline=None)
@given(simulations)
def test_billed_is_amortized_and_trueup_and_upfront(simulation: Simulation) -> None:
    facts = list(the_bill(simulation).truth.facts())

    other = total(facts, "trueup") + total(facts, "upfront")
    assert total(facts, "billed") == total(facts, "amortized") + other
    assert total(facts, "net_billed") == total(facts, "net_amortized") + other


@settings(max_examples=60, deadline=None)
@given(simulations)
def test_on_demand_equivalent_is_amortized_and_benefit_less_unused(simulation: Simulation) -> None:
    facts = list(the_bill(simulation).truth.facts())
    commitments = (
        LineKind.RI_USAGE, LineKind.RI_FEE, LineKind.RI_UPFRONT,
        LineKind.SP_USAGE, LineKind.SP_NEGATION, LineKind.SP_FEE, LineKind.SP_UPFRONT,
    )  # fmt: skip
    plain_kinds = tuple(kind for kind in LineKind if kind not in commitments)

    listed, covered = (
        total(facts, "list", LineKind.RI_USAGE),
        total(facts, "billed", LineKind.SP_USAGE),
    )
    equivalent = listed + covered + total(facts, "billed", *plain_kinds)
    used = total(facts, "amortized", LineKind.RI_USAGE, LineKind.SP_USAGE)
    unused = total(facts, "amortized", LineKind.RI_FEE, LineKind.SP_FEE)
    benefit = listed + covered - used
    assert benefit >= 0 and unused >= 0
    assert equivalent == total(facts, "amortized") + benefit - unused


@settings(max_examples=30, deadline=None)
@given(simulations)
def test_the_payer_total_is_the_same_in_both_discount_modes(simulation: Simulation) -> None:
    month = Month.parse(simulation.start)
    rows, columns = (list(simulation.bill(month, mode).truth.facts()) for mode in Discounts)

    assert total(rows, "net_billed") == total(columns, "net_billed")
    assert total(rows, "net_amortized") == total(columns, "net_amortized")
    assert total(rows, "billed") == total(rows, "net_billed")
    assert total(columns, "billed") > total(columns, "net_billed")


@settings(max_examples=30, deadline=None)
@given(simulations, st.integers(1, 9), st.sampled_from(Order))
def test_files_and_order_change_nothing(simulation: Simulation, files: int, order: Order) -> None:
    bill = the_bill(simulation)
    truth = Truth(bill.templates, bill.intervals, bill.discounts)

    for part in bill.parts(files=files, order=order):
        for lines in part:
            truth.add(lines)

    assert list(truth.facts()) == list(bill.truth.facts())


@settings(max_examples=30, deadline=None)
@given(simulations)
def test_every_charge_has_a_client_or_is_the_payers_own(simulation: Simulation) -> None:
    bill = the_bill(simulation)
    client_of = clients_on(bill.organization)

    assert {client_of(fact) for fact in bill.truth.facts()} <= {
        "internal", *(client.key for client in bill.organization.clients),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_a_month_of_forty_accounts_has_every_kind_of_charge(seed: int) -> None:
    bill = the_bill(Simulation(seed=seed))

    assert {fact.place.kind for fact in bill.truth.facts()} == set(LineKind)
    assert bill.truth.split_rows > 0
    assert 19_000 < bill.rows < 21_000
    assert any(account.id.startswith("0") for account in bill.organization.accounts)


def test_a_restatement_adds_a_credit_and_a_refund_and_raises_support() -> None:
    month = Month.parse("2026-10")
    final, restated = (
        list(Simulation(start="2026-10", stage=stage).bill(month, Discounts.COLUMNS).truth.facts())
        for stage in (BillStage.FINAL, BillStage.RESTATED)
    )

    def added(kind: LineKind) -> str:
        return plain(total(restated, "billed", kind) - total(final, "billed", kind))

    assert added(LineKind.CREDIT) == "-12.5"
    assert added(LineKind.REFUND) == "-3.07"
    assert Decimal(added(LineKind.FEE)) >= 29 + 5
    assert {name: total(restated, name, LineKind.USAGE) for name in TOTALS} == {
        name: total(final, name, LineKind.USAGE) for name in TOTALS
    }


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_a_double_and_its_text_say_the_same(units: int) -> None:
    amounts = np.array([units], np.int64)
    exact = Decimal(units).scaleb(-10)

    assert Decimal(repr(float(doubles(amounts)[0]))) == exact
    assert Decimal(texts(amounts)[0]) == exact


def test_amounts_above_what_doubles_carry_easily_are_still_exact() -> None:
    amounts = np.array([2502819700000000, 12345678900000000, -9999999990000000000 // 2], np.int64)

    assert [repr(value) for value in doubles(amounts).tolist()] == [
        "250281.97", "1234567.89", "-499999999.5",
    ]  # fmt: skip
    assert texts(amounts).to_list() == ["250281.97", "1234567.89", "-499999999.5"]


def test_small_amounts_read_as_java_prints_them() -> None:
    amounts = np.array([1280, -1280, 10_000, 9_999, 0, 100_000_000_000], np.int64)

    assert texts(amounts).to_list() == ["1.28E-7", "-1.28E-7", "0.000001", "9.999E-7", "0", "10"]


def test_every_payment_option_is_used_and_some_commitments_are_not() -> None:
    bill = the_bill(Simulation())
    used = {
        (t.payment_option, t.kind)
        for t in bill.templates
        if t.kind in {LineKind.RI_USAGE, LineKind.SP_USAGE}
    }
    owners = {t.reservation_arn: t.account_id for t in bill.templates if t.kind == LineKind.RI_FEE}
    users = {
        (t.reservation_arn, t.account_id) for t in bill.templates if t.kind == LineKind.RI_USAGE
    }

    assert used == {
        (option, kind)
        for option in ("No Upfront", "Partial Upfront", "All Upfront")
        for kind in (LineKind.RI_USAGE, LineKind.SP_USAGE)
    }
    assert any(owners[arn] != account for arn, account in users)
    assert set(owners) > {arn for arn, _ in users}


def test_accounts_join_leave_close_and_move() -> None:
    organization = the_bill(Simulation()).organization
    spans = organization.clients_by_account()

    assert sorted(account.fate for account in organization.accounts if account.fate) == [
        "closed", "left",
    ]  # fmt: skip
    assert sum(str(account.joined_on) == "2026-09-11" for account in organization.accounts) == 1
    assert [str(s[1].start) for s in spans.values() if len(s) == 2] == ["2026-09-15"]


def test_a_purchase_of_one_month_is_still_there_in_the_next() -> None:
    simulation = Simulation(months=2, accounts=9, rows=1_000)
    first, second = (simulation.bill(month) for month in simulation.periods())

    def bought(bill: Bill, kind: LineKind) -> set[str]:
        return {t.reservation_arn for t in bill.templates if t.kind == kind}

    assert bought(first, LineKind.RI_UPFRONT) < bought(second, LineKind.RI_FEE)
    assert bought(second, LineKind.RI_UPFRONT).isdisjoint(bought(first, LineKind.RI_FEE))


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "2026-13"},
        {"accounts": 0},
        {"rows": 30, "files": 2},
        {"encoding": Encoding.ZIP, "formats": (ExportDialect.CUR2,)},
    ],
)
def test_a_simulation_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no month|at least one|too few|only the legacy"):
        Simulation(**wrong)


def test_the_worked_example_of_the_readme() -> None:
    """Half of 0.0576 an hour is upfront; of 2 x 720 hours 600 + 600 are used."""
    account = Simulation().organization().accounts[0]
    month, invoices = Month.parse("2026-09"), invent_invoices(Month.parse("2026-09"), seed=1)
    reservation = ReservedInstance(
        arn="arn", owner=account, users=(account, account), offer=INSTANCES[1], number=2,
        payment_option="Partial Upfront", upfront_rate=units("0.0288"),
        recurring_rate=units("0.0288"), discount_rate=0, hours=720,
    )  # fmt: skip
    template = replace(
        the_bill(Simulation()).templates[0], kind=LineKind.RI_USAGE, reservation_arn="arn"
    )
    meter = Meter(
        template=template, rows=600, first_hour=0, span_hours=720, usage_micro=10**6,
        ri_upfront_rate=units("0.0288"), ri_recurring_rate=units("0.0288"),
    )  # fmt: skip

    used = MeteredLines([meter], seed=1).sums_by_meter(("ri_upfront_used", "ri_recurring_used"))
    (fee,) = fees(Commitments((reservation,), ()), [meter, meter], month, invoices)

    assert [plain(int(amount[0])) for amount in used.values()] == ["17.28", "17.28"]
    assert plain(fee.measures["unblended"]) == "41.472"
    assert plain(fee.measures["ri_upfront_fee"]) == "41.472"
    assert plain(fee.measures["ri_upfront_unused"]) == "6.912"
    assert plain(fee.measures["ri_recurring_unused"]) == "6.912"
