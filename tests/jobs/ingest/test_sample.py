"""Ingest of AWS's own published bills, against control totals computed by an independent script."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from invoices.clients import AccountId
from invoices.money import exact_sum, plain
from invoices.month import bill, prove
from invoices.periods import BillingPeriod
from jobs.ingest.run import Ingested, IngestRequest, ingest
from jobs.ingest.summary.facts import to_json
from jobs.snapshots import Snapshots
from tests.support.builders import inputs, owns
from tests.support.places import sample

PAYER = AccountId("836060457634")


def ingested(name: str, period: str, cache: Path) -> Ingested:
    request = IngestRequest(str(sample(name)), PAYER, BillingPeriod.parse(period))
    return ingest(request, cache=cache, progress=lambda *_: None)


def test_october_2018_equals_the_control_totals_to_the_last_digit(tmp_path: Path) -> None:
    found = ingested("workshop-cur-2018-10", "2018-10", tmp_path).facts

    bases = ("billed", "blended", "amortized", "list")
    by_account = {
        account: [plain(sums[basis]) for basis in bases]
        for account, sums in found.own.by_account.items()
    }
    assert by_account == {
        "011254002932": ["71.4558054277", "54.4987666098", "77.8950530977", "62.6647420128"],
        "836060457634": [
            "3993.0273261102",
            "4009.9843634698",
            "4118.0620562202",
            "4175.0169934047",
        ],
    }
    assert (found.rows, found.dropped, found.finalized, found.dialect) == (
        119_307,
        0,
        True,
        "legacy",
    )
    assert found.quarantined == () and found.warnings == ()
    assert found.own.identity_1_residual == Decimal("-0.00000518")


def test_the_summary_of_october_2018_has_7013_daily_charges(tmp_path: Path) -> None:
    charges = ingested("workshop-cur-2018-10", "2018-10", tmp_path).charges.frame

    assert charges["kind"].unique().sort().to_list() == ["ri_fee", "ri_usage", "usage"]
    assert charges["billing_period"].unique().to_list() == ["2018-10"]
    assert charges.height == 7_013


def test_a_reservation_of_the_public_month_is_split_to_the_last_digit(tmp_path: Path) -> None:
    """Nine fees until 23:59:59 of the 31st, eight of them since the 1st, one since the 9th.

    Eight come to 143.5176 over 31 days, 15 of them Acme's: 69.444. One is 6.257779 over 23 days,
    seven of them Acme's: 1.90454143478…, and the last unit goes there, by remainder.
    """
    charges = ingested("workshop-cur-2018-10", "2018-10", tmp_path).charges
    roster = [
        owns("acme", PAYER, end=date(2018, 10, 16)),
        owns("bell", PAYER, date(2018, 10, 16)),
        owns("carl", "011254002932"),
    ]
    month = bill(charges, inputs(*roster))

    split = {
        (statement.client, each.attribution): plain(each.cost)
        for statement in month.statements
        for line in statement.lines
        for each in line.workings
        if each.attribution
    }
    assert split == {
        ("acme", "by days: 15 of 31, 2018-10-01 to 2018-10-15"): "69.444",
        ("bell", "by days: 16 of 31, 2018-10-16 to 2018-10-31"): "74.0736",
        ("acme", "by days: 7 of 23, 2018-10-09 to 2018-10-15"): "1.9045414348",
        ("bell", "by days: 16 of 23, 2018-10-16 to 2018-10-31"): "4.3532375652",
    }
    assert prove(month).closes


def test_october_2018_is_one_snapshot_however_often_it_is_taken(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "kept")
    first = ingested("workshop-cur-2018-10", "2018-10", tmp_path / "cache")
    file = "workshop-cur-2018-10/Oct2018-WorkshopCUR-00001.snappy.parquet"
    again = ingested(file, "2018-10", tmp_path / "cache")
    anew = ingested(file, "2018-10", tmp_path / "another cache")

    ids = {snapshots.keep(found.charges) for found in (first, again, anew)}

    assert len(ids) == 1
    total = exact_sum(snapshots.load(ids.pop()).daily["billed_cost"])
    assert plain(total) == "4064.4831315379"


@pytest.mark.parametrize(
    ("name", "rows", "billed", "listed"),
    [
        ("BeforeCUR.gz", 7_850, "89.170632878", "89.2316424927"),
        # It has no header row: its columns are those of the file beside it.
        ("AfterCUR.gz", 7_600, "75.0323282789", "75.0928618482"),
    ],
)
def test_athenas_text_of_november_2019_is_an_unfinalised_bill(
    tmp_path: Path, name: str, rows: int, billed: str, listed: str
) -> None:
    found = ingested(f"workshop-cur-2019-11/{name}", "2019-11", tmp_path).facts

    assert (found.rows, found.finalized, found.dialect) == (rows, False, "legacy")
    sums = {basis: plain(amount) for basis, amount in found.sums.items()}
    assert sums == {
        "billed": billed,
        "amortized": billed,
        "net_billed": billed,
        "net_amortized": billed,
        "list": listed,
        "blended": billed,
    }
    assert sorted(found.own.by_account) == ["011254002932", "836060457634"]
    assert found.own.identity_1_residual == 0 and found.quarantined == ()


def test_what_ingest_prints_is_plain_json(tmp_path: Path) -> None:
    facts = ingested("workshop-cur-2018-10", "2018-10", tmp_path).facts

    printed = json.loads(json.dumps(to_json(facts, "an id")))

    assert list(printed) == [
        "snapshot",
        "dialect",
        "period",
        "payer_account_id",
        "currency",
        "rows",
        "dropped",
        "files",
        "quarantined",
        "warnings",
        "sums",
        "by_kind",
        "by_account",
        "by_invoice",
        "finalized",
        "identity_1_residual",
        "unanswerable",
        "unmatchable",
        "cut_off",
        "cut_off_rows",
        "cut_off_most",
        "long_rows",
        "row_ends_unknown",
        "on_demand_unknown",
    ]
    assert printed["sums"]["billed"] == "4064.4831315379"
    assert printed["by_account"]["011254002932"]["amortized"] == "77.8950530977"
    assert printed["by_kind"]["ri_usage"]["billed"] == "0"
    assert printed["identity_1_residual"] == "-0.00000518"
    assert printed["on_demand_unknown"] == {}
    assert [file["rows"] for file in printed["files"]] == [119_307]
