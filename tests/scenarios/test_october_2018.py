"""AWS's own October 2018 by the command line: two clients at cost, to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.places import NOT_THERE, SAMPLES

SAMPLE = SAMPLES / "workshop-cur-2018-10"

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason=f"{NOT_THERE}: the October 2018 export")

PAYER, LINKED = "836060457634", "011254002932"

CONFIGURATION = f"""
seller:
  name: Example Cloud Ltd
  address: {{street: "1 Quay", city: Cork, postcode: T12, country: IE}}
  tax_id: IE6388047V
payers:
  - account_id: "{PAYER}"
clients:
  - key: acme
    name: Acme GmbH
    currency: USD
    address: {{street: "2 Lane", city: Berlin, postcode: "10115", country: DE}}
    price_book: cost
    accounts: [{{id: "{PAYER}", from: 2018-01-01}}]
  - key: bell
    name: Bell SARL
    currency: USD
    address: {{street: "3 Rue", city: Paris, postcode: "75001", country: FR}}
    price_book: cost
    accounts: [{{id: "{LINKED}", from: 2018-01-01}}]
price_books:
  - {{key: cost, from: 2018-01, cost_basis: BASIS, aws_tax: pass_through, credits: pass_through}}
"""

TOTALS = {
    PAYER: {"billed": "3993.0273261102", "amortized": "4118.0620562202"},
    LINKED: {"billed": "71.4558054277", "amortized": "77.8950530977"},
}
"""From the sample's own README, by an independent script."""


def configured(rebill: Rebill, folder: Path, basis: str) -> None:
    file = folder / "billing.yaml"
    file.write_text(CONFIGURATION.replace("BASIS", basis), encoding="utf-8")
    assert rebill("apply", file).status == 0


@pytest.mark.parametrize("basis", ["billed", "amortized"])
def test_the_payers_month_is_two_invoices_that_tie_out(
    rebill: Rebill, tmp_path: Path, basis: str
) -> None:
    configured(rebill, tmp_path, basis)

    ingested = rebill("ingest", SAMPLE, "--payer", PAYER, "--period", "2018-10", "--json").json
    assert rebill("bill", "--period", "2018-10").status == 0
    proof = rebill("reconcile", "--period", "2018-10", "--json").json
    assert rebill("approve", "--period", "2018-10").status == 0
    assert rebill("issue", "--period", "2018-10", "--on", "2018-11-06").status == 0
    out = tmp_path / "out"
    assert rebill("export", "--period", "2018-10", "--out", out).status == 0

    assert (ingested["rows"], ingested["finalized"]) == (119_307, True)
    by_account = ingested["by_account"]
    assert {a: {b: by_account[a][b] for b in TOTALS[a]} for a in TOTALS} == TOTALS
    assert {each["client"]: each["cost"] for each in proof["clients"]} == {
        "acme": TOTALS[PAYER][basis],
        "bell": TOTALS[LINKED][basis],
    }
    assert (proof["payer_total"], proof["unassigned"]) == ("4064.4831315379", "0")
    assert proof["closes"] is True
    kept = sum((Decimal(amount) for amount in proof["retained"].values()), Decimal(0))
    clients = sum((Decimal(each["cost"]) for each in proof["clients"]), Decimal(0))
    assert clients + kept == Decimal("4064.4831315379")
    document = json.loads((out / "2018-10/bell/INV-000002.json").read_text(encoding="utf-8"))
    expected = {"billed": "71.46", "amortized": "77.90"}[basis]
    assert document["total"] == expected
    assert sorted(path.suffix for path in (out / "2018-10/acme").iterdir()) == [
        ".csv",
        ".json",
        ".pdf",
        ".xlsx",
    ]


def test_the_same_export_twice_is_one_snapshot_and_the_same_drafts(
    rebill: Rebill, tmp_path: Path
) -> None:
    configured(rebill, tmp_path, "billed")
    ask = ("ingest", SAMPLE, "--payer", PAYER, "--period", "2018-10", "--json")

    first, second = rebill(*ask).json, rebill(*ask).json
    rebill("bill", "--period", "2018-10")
    again = rebill("bill", "--period", "2018-10", "--json").json

    assert first == second
    assert again["payers"][0]["drafted"] == []
    assert again["payers"][0]["unchanged"] == ["acme", "bell"]
