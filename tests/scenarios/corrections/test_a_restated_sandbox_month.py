"""A pretend payer's month, issued, restated by AWS and corrected: the sandbox's own sums."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml

from sandbox.bills import BillStage, Simulation, simulate
from tests.scenarios.conftest import Rebill

MONTH = ("--period", "2026-09")
SMALL = Simulation(accounts=6, rows=120)
PASSED = {
    "cost_basis": "net_billed",
    "credits": "pass_through",
    "aws_tax": "pass_through",
    "discounts": dict.fromkeys(
        ("edp", "spp", "private_rate", "bundled", "ri_volume", "other"), "pass_through"
    ),
}


def deliver(rebill: Rebill, out: Path, stage: BillStage) -> dict[str, Decimal]:
    """By client, what the sandbox wrote down that it bears, in cents."""
    (written,) = simulate(replace(SMALL, stage=stage), out)
    known = json.loads((out / "truth.json").read_text())["periods"]["2026-09"]["rows"]
    payer = known["payer_account_id"]
    assert rebill("ingest", written.export_path, "--payer", payer, *MONTH).status == 0
    return {
        client: Decimal(of["net_billed"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        for client, of in known["by_client"].items()
        if client != "internal"
    }


def at_net_cost(out: Path) -> Path:
    said = yaml.safe_load((out / "rebill.yaml").read_text())
    (book,) = said["price_books"]
    book |= PASSED
    file = out / "at_net_cost.yaml"
    file.write_text(yaml.safe_dump(said))
    return file


def settled(rebill: Rebill, folder: Path) -> dict[str, Decimal]:
    """By client, what its documents come to, once all that waits is issued and the month closes."""
    for command in ("bill", "approve", "issue", "reconcile"):
        answer = rebill(command, *MONTH)
        assert answer.status == 0, answer.out + answer.err
    assert rebill("export", *MONTH, "--format", "json", "--out", folder).status == 0
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for path in folder.glob("2026-09/*/*.json"):
        document: dict[str, Any] = json.loads(path.read_text())
        sign = -1 if document["document_type"] == "credit_note" else 1
        found[document["client"]["key"]] += sign * Decimal(document["total"])
    return found


def test_documents_come_to_the_sandboxs_sums_restated_and_back(
    rebill: Rebill, tmp_path: Path
) -> None:
    """Acme has a refund of 3.07 and 5.00 more of support, Nordlys a credit of 12.50 and 29.00 more.

    Both are asked for more, 1.93 and 16.50, and it is taken back when AWS restates back.
    """
    simulate(SMALL, tmp_path / "v1")
    assert rebill("apply", at_net_cost(tmp_path / "v1")).status == 0
    stages = (BillStage.FINAL, BillStage.RESTATED, BillStage.FINAL)
    months = []
    for number, stage in enumerate(stages):
        months.append(deliver(rebill, tmp_path / f"v{number}", stage))
        assert settled(rebill, tmp_path / f"out{number}") == months[-1]
        again = rebill("bill", *MONTH, "--json").json["invoices"]
        assert {each["state"] for each in again} == {"issued"}

    final, restated, back = months
    assert final == back
    more = {client: restated[client] - final[client] for client in final}
    assert more == {"acme": Decimal("1.93"), "nordlys": Decimal("16.50")}
