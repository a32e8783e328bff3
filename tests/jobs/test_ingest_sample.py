"""Ingest of AWS's own published bills, against control totals computed by an independent script."""

from decimal import Decimal
from pathlib import Path

import pytest

from invoices.clients import AccountId
from invoices.money import plain
from invoices.periods import BillingPeriod
from jobs.ingest.run import Ingested, Request, ingest

DATA = Path(__file__).parents[2] / "../shared/data"
PAYER = AccountId("836060457634")


def ingested(name: str, period: str, cache: Path) -> Ingested:
    if not DATA.exists():
        pytest.skip("the sample data does not stand beside the checkout")
    request = Request(str(DATA / name), PAYER, BillingPeriod.parse(period))
    return ingest(request, cache=cache, progress=lambda *_: None)


def test_october_2018_equals_the_control_totals_to_the_last_digit(tmp_path: Path) -> None:
    found = ingested("workshop-cur-2018-10", "2018-10", tmp_path).facts

    bases = ("billed", "blended", "amortized", "list")
    by_account = {
        account: [plain(sums[basis]) for basis in bases]
        for account, sums in found.by_account.items()
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
    assert found.identity_1_residual == Decimal("-0.00000518")


def test_the_summary_of_october_2018_has_7013_daily_charges(tmp_path: Path) -> None:
    charges = ingested("workshop-cur-2018-10", "2018-10", tmp_path).charges

    assert charges["kind"].unique().sort().to_list() == ["ri_fee", "ri_usage", "usage"]
    assert charges["billing_period"].unique().to_list() == ["2018-10"]
    assert charges.height == 7_013
