"""What an outsider found: refunds near commitments, FOCUS's own gaps, discounts told twice."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from invoices.inputs import ExportLimits
from invoices.kinds import CostBasis
from invoices.money import plain
from invoices.month import BilledMonth, bill
from kernel.findings import Severity
from tests.jobs.ingest.test_assumptions import focus_line
from tests.support.bills.ingest_builders import PAYER, Row, gzipped, line, put, take
from tests.support.builders import book, inputs, owns

PLAN = "arn:aws:savingsplans::011254002932:savingsplan/1"
RESERVED = "arn:aws:ec2:us-east-1:011254002932:reserved-instances/1"
ARNS = {"savings_plan_savings_plan_a_r_n": "", "reservation_reservation_a_r_n": ""}
TAXED = {"line_item_tax_type": ""}


def billed(tmp_path: Path, *rows: Row, basis: CostBasis = CostBasis.AMORTIZED) -> BilledMonth:
    whole = [{name: row.get(name, "") for name in rows[0] | rows[-1] | row} for row in rows]
    columns = sorted({name for row in whole for name in row})
    written = [{name: row.get(name, "") for name in columns} for row in whole]
    found = take(put(tmp_path / "e/cur.csv.gz", gzipped(written)), tmp_path / "cache")
    critical = [each for each in found.facts.findings if each.severity is Severity.CRITICAL]
    assert critical == [], critical
    known = inputs(
        owns("acme", PAYER),
        books=[book(cost_basis=basis, aws_tax_passed_percent=Decimal(100))],
    )
    limits = ExportLimits(found.facts.limits.bases, found.facts.limits.columns)
    return bill(found.charges, replace(known, period=found.facts.period, export_limits=limits))


def refund(cost: str, product: str, **more: str) -> Row:
    return line(cost, "Refund", line_item_product_code=product, **(ARNS | TAXED | more))


def test_a_refund_of_a_discount_is_not_silently_a_returned_plan(tmp_path: Path) -> None:
    """100 of usage and 8.87 back on a plan's product, with no plan bought (CID framework #1497)."""
    month = billed(tmp_path, line("100", **ARNS), refund("-8.87", "ComputeSavingsPlans"))

    assert month.parked == {"acme"}
    (finding,) = [e for e in month.findings if e.code == "refund_taken_as_upfront"]
    assert "-8.87" in finding.message
    other = billed(
        tmp_path / "billed", line("100", **ARNS), refund("-8.87", "ComputeSavingsPlans"),
        basis=CostBasis.BILLED,
    )  # fmt: skip
    assert [plain(each.price) for each in other.statements] == ["91.13"]
    assert other.parked == frozenset()


def test_a_refund_of_covered_usage_is_its_client_s(tmp_path: Path) -> None:
    """It bears the plan's ARN, and is no return of the plan: 10 less 2."""
    arn = {"savings_plan_savings_plan_a_r_n": PLAN}
    month = billed(tmp_path, line("10", **ARNS), refund("-2", "AmazonEC2", **arn))

    assert month.parked == frozenset()
    assert [plain(each.price) for each in month.statements] == ["8"]


def test_a_refund_with_a_reservation_s_arn_and_no_purchase_is_told(tmp_path: Path) -> None:
    arn = {"reservation_reservation_a_r_n": RESERVED}
    month = billed(tmp_path, line("10", **ARNS), refund("-2", "AmazonEC2", **arn))
    assert [each.code for each in month.findings] == ["refund_taken_as_upfront"]

    bought = line("50", "Fee", **(ARNS | arn))
    returned = refund("-50", "AmazonEC2", **arn)
    month = billed(tmp_path / "returned", line("10", **ARNS), bought, returned)
    assert month.parked == frozenset()
    assert [plain(each.price) for each in month.statements] == ["10"]


def test_tax_that_comes_back_is_tax(tmp_path: Path) -> None:
    back = refund("-4", "ComputeSavingsPlans", line_item_tax_type="VAT")
    month = billed(tmp_path, line("1", **ARNS), line("20", "Tax", line_item_tax_type="VAT"), back)

    assert [plain(each.price) for each in month.statements] == ["17"]
    assert month.parked == frozenset()


def committed(effective: str, status: str) -> Row:
    return focus_line("0", EffectiveCost=effective, CommitmentDiscountStatus=status) | {
        "CommitmentDiscountId": PLAN, "CommitmentDiscountCategory": "Spend",
    }  # fmt: skip


@pytest.mark.parametrize(("unused", "parked"), [("3", set()), ("0", {"acme"})])
def test_a_commitment_that_is_paid_is_found_on_its_hours(
    tmp_path: Path, unused: str, parked: set[str]
) -> None:
    """FOCUS: 10 paid, 7 used, and the rest unused, or nowhere (finops-toolkit #834)."""
    paid = focus_line("10", EffectiveCost="0", ChargeCategory="Purchase") | {
        "CommitmentDiscountId": PLAN, "CommitmentDiscountCategory": "Spend",
        "ChargeFrequency": "Recurring",
    }  # fmt: skip
    rows = (focus_line("5"), paid, committed("7", "Used"), committed(unused, "Unused"))
    month = billed(tmp_path, *rows)

    assert month.parked == parked, month.findings
    if not parked:
        assert [plain(each.price) for each in month.statements] == ["15"]


def test_a_blank_list_cost_of_covered_usage_is_no_zero(tmp_path: Path) -> None:
    """FOCUS: AWS leaves some blank. Of what is unused, or of no commitment, it is not asked."""
    rows = [
        *(committed("7", "Used"), committed("5", "Used") | {"ListCost": "9"}),
        *(committed("3", "Unused"), focus_line("100")),
    ]
    whole = [{"ListCost": "", "CommitmentDiscountStatus": ""} | row for row in rows]
    whole = [{"CommitmentDiscountId": "", "CommitmentDiscountCategory": ""} | row for row in whole]
    columns = sorted(whole[0])
    file = put(tmp_path / "focus.csv.gz", gzipped([{c: row[c] for c in columns} for row in whole]))

    assert take(file, tmp_path / "cache").facts.limits.on_demand == {PLAN: 1}
    # As kept in the cache, too.
    assert take(file, tmp_path / "cache").facts.limits.on_demand == {PLAN: 1}


def test_a_blank_effective_cost_is_no_zero(tmp_path: Path) -> None:
    """FOCUS_Spec #982: every row has one."""
    rows = [focus_line("100"), focus_line("30", EffectiveCost="")]
    found = take(put(tmp_path / "focus.csv.gz", gzipped(rows)), tmp_path / "cache")

    assert "rows_without_cost" in [e.code for e in found.facts.findings if e.severity == "critical"]


def test_a_discount_told_twice_and_counted_once_is_no_trouble(tmp_path: Path) -> None:
    """An EDP row whose net cost is 0, beside usage whose net cost has it (boto3 #4115)."""
    net = "line_item_net_unblended_cost"
    rows = [line("100", **{net: "90"}), line("-10", "EdpDiscount", **{net: "0"})]
    found = take(put(tmp_path / "cur.csv.gz", gzipped(rows)), tmp_path / "cache")
    assert found.facts.quarantined == ()

    twice = [line("100", **{net: "90"}), line("-10", "EdpDiscount", **{net: "-10"})]
    found = take(put(tmp_path / "twice.csv.gz", gzipped(twice)), tmp_path / "cache")
    assert [each.code for each in found.facts.quarantined] == ["inconsistent_discount_mode"]


def test_a_list_price_that_has_no_cost_is_said_to_be_unanswerable(tmp_path: Path) -> None:
    row = line("9", discount_total_discount="-1")
    found = take(put(tmp_path / "cur.csv.gz", gzipped([row])), tmp_path / "cache")

    assert found.facts.limits.bases["list"].startswith("its cost is net_amortized: ")
