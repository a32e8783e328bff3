"""Columns that a payer left out: what they would have said is not 0, it is unknown, and said so."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from invoices.inputs import ExportLimits
from invoices.kinds import CostBasis
from invoices.month import BilledMonth, bill
from jobs.ingest.run import Ingested
from kernel.errors import IngestError
from tests.support.bills.ingest_builders import PAYER, Row, gzipped, line, put, take
from tests.support.builders import book, client, inputs, markup, owns

NET = {"line_item_net_unblended_cost": ""}
PLANNED = {"savings_plan_savings_plan_effective_cost": "7"}
RESERVED = {"reservation_effective_cost": "3", "reservation_reservation_a_r_n": "arn:r/1"}
RESERVED_FEE = {
    "reservation_unused_amortized_upfront_fee_for_billing_period": "0",
    "reservation_unused_recurring_fee": "0",
}
PLAN_FEE = {
    "savings_plan_total_commitment_to_date": "10",
    "savings_plan_used_commitment": "10",
}


def taken(tmp_path: Path, *rows: Row, without: Sequence[str] = ()) -> Ingested:
    """All rows have the columns of all, blank, but for those that were not picked."""
    columns = {name for row in rows for name in row} - {*without}
    whole = [{name: row.get(name, "") for name in sorted(columns)} for row in rows]
    return take(put(tmp_path / "cur.csv.gz", gzipped(whole)), tmp_path / "cache")


def billed(found: Ingested, basis: CostBasis, **match: str) -> BilledMonth:
    limits = ExportLimits(found.facts.limits.bases, found.facts.limits.columns)
    rules = [markup("10", **match)] if match else []
    month = inputs(
        owns("acme", PAYER), clients=[client("acme")], books=[book(*rules, cost_basis=basis)]
    )
    period = found.facts.period
    return bill(found.charges, replace(month, period=period, export_limits=limits))


@pytest.mark.parametrize(
    ("row", "column", "bases"),
    [
        (line("0", "SavingsPlanCoveredUsage") | PLANNED, *PLANNED, "amortized list net_amortized"),
        (line("0", "DiscountedUsage") | RESERVED, "reservation_effective_cost",
         "amortized list net_amortized"),
        (line("9", "RIFee") | RESERVED | RESERVED_FEE, "reservation_unused_recurring_fee",
         "amortized list net_amortized"),
        (line("9", "SavingsPlanRecurringFee") | PLAN_FEE, "savings_plan_used_commitment",
         "amortized list net_amortized"),
        (line("9", "Fee") | RESERVED, "reservation_reservation_a_r_n",
         "amortized list net_amortized"),
        (line("-3", "Refund") | RESERVED, "reservation_reservation_a_r_n",
         "amortized list net_amortized"),
        (line("9"), "pricing_public_on_demand_cost", "list"),
        (line("9"), "line_item_blended_cost", "blended"),
        (line("9", discount_total_discount="-1") | NET, *NET, "list net_amortized net_billed"),
        (line("0", "SavingsPlanCoveredUsage") | PLANNED | NET
         | {"savings_plan_net_savings_plan_effective_cost": "5"},
         "savings_plan_net_savings_plan_effective_cost", "list net_amortized"),
        (line("0", "DiscountedUsage") | RESERVED | NET | {"reservation_net_effective_cost": "2"},
         "reservation_net_effective_cost", "list net_amortized"),
    ],
)  # fmt: skip
def test_a_basis_whose_columns_were_not_picked_is_unanswerable(
    tmp_path: Path, row: Row, column: str, bases: str
) -> None:
    picked = taken(tmp_path / "picked", row, line("5"), without=[column])
    missed = picked.facts.limits.bases

    whole = taken(tmp_path / "whole", row, line("5"))
    assert not any(column in words for words in whole.facts.limits.bases.values())
    named = sorted(basis for basis, words in missed.items() if column in words)
    assert " ".join(named) == bases
    assert all("rows" in missed[basis] for basis in named)
    for basis in CostBasis:
        assert ("acme" in billed(picked, basis).parked) == (basis in missed)


def test_where_there_is_no_such_row_the_column_is_not_missed(tmp_path: Path) -> None:
    found = taken(tmp_path, line("5"), without=["line_item_blended_cost"])

    assert found.facts.limits.bases.keys() == {"blended"}
    assert billed(found, CostBasis.AMORTIZED).parked == frozenset()
    (finding,) = billed(found, CostBasis.BLENDED).findings
    assert (finding.code, finding.client) == ("basis_unanswerable", "acme")
    assert "line_item_blended_cost" in finding.message and "(5 billed)" in finding.message


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("region", "product_region_code"),
        ("usage_type", "line_item_usage_type"),
        ("operation", "line_item_operation"),
        ("billing_entity", "bill_billing_entity"),
    ],
)
def test_a_rule_by_what_the_export_does_not_show_parks_its_clients(
    tmp_path: Path, field: str, column: str
) -> None:
    row = line("5", product_region_code="eu-west-1")
    whole, picked = taken(tmp_path / "w", row), taken(tmp_path / "p", row, without=[column])

    assert billed(whole, CostBasis.BILLED, **{field: "x*"}).parked == frozenset()
    assert billed(picked, CostBasis.BILLED, service="AmazonEC2").parked == frozenset()
    month = billed(picked, CostBasis.BILLED, **{field: "x*"})
    assert month.parked == {"acme"}
    assert column in month.findings[0].message


def test_amortized_costs_that_do_not_add_up_to_the_bill_park_whoever_pays_by_them(
    tmp_path: Path,
) -> None:
    """A covered hour of 7 that no fee pays for: billed 0, amortized 7."""
    found = taken(tmp_path, line("0", "SavingsPlanCoveredUsage") | PLANNED, line("5"))

    assert billed(found, CostBasis.AMORTIZED).parked == {"acme"}
    assert billed(found, CostBasis.BILLED).parked == frozenset()


def test_rows_that_repeat_a_cost_are_told_apart_or_the_export_is_refused(tmp_path: Path) -> None:
    row = line("5", split_line_item_split_cost="1")
    assert taken(tmp_path / "whole", row).facts.rows == 1

    with pytest.raises(IngestError, match="line_item_operation tells them apart") as refused:
        taken(tmp_path / "picked", row, without=["line_item_operation"])
    assert refused.value.code == "missing_column"


def test_a_column_that_one_of_several_files_lacks_is_missed(tmp_path: Path) -> None:
    without = line("5")
    del without["line_item_blended_cost"]
    put(tmp_path / "e/a.csv.gz", gzipped([line("5")]))
    put(tmp_path / "e/b.csv.gz", gzipped([without]))

    for _ in range(2):  # The second time by what is kept.
        found = take(tmp_path / "e", tmp_path / "cache")
        assert found.facts.limits.bases.keys() == {"blended"}
