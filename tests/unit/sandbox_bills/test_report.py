"""What a simulation says of itself is enough to bill it, and adds up."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.bills import Simulation, simulate
from service.configuration.reading import read_configuration


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated")
    simulate(Simulation(accounts=40, rows=4_000, months=2, start="2026-09"), out)
    return out


def truth(folder: Path, period: str) -> dict[str, Any]:
    report = json.loads((folder / "truth.json").read_text("utf-8"))
    found: dict[str, Any] = report["periods"][period]["rows"]
    return found


def test_the_configuration_is_one_that_rebill_accepts(folder: Path) -> None:
    configuration = read_configuration((folder / "rebill.yaml").read_text("utf-8"))
    roster = json.loads((folder / "roster.json").read_text("utf-8"))

    assert len(configuration.clients) == 13
    assert len({a.account_id for a in configuration.assignments}) == 40
    assert len(configuration.assignments) == 41
    (payer,) = configuration.payer_accounts
    assert payer.account_id == roster["payer"]["id"]
    assert sorted(payer.internal_accounts) == roster["internal_accounts"]
    assert payer.exports == (("cur2", "s3://msp-billing/exports/cur2-parquet"),)
    assert set(configuration.account_names) == {(a["id"], a["name"]) for a in roster["accounts"]}


@pytest.mark.parametrize("period", ["2026-09", "2026-10"])
@pytest.mark.parametrize("group", ["by_kind", "by_account", "by_client"])
def test_every_way_to_cut_the_truth_adds_up_to_the_payer(
    folder: Path, period: str, group: str
) -> None:
    report = truth(folder, period)

    for name, total in report["sums"].items():
        parts = [Decimal(totals[name]) for totals in report[group].values()]
        assert sum(parts) == Decimal(total)
    assert report["payer_total"] == report["sums"]["net_billed"]


def test_an_account_that_moves_is_split_between_its_clients(folder: Path) -> None:
    roster = json.loads((folder / "roster.json").read_text("utf-8"))
    spans = [
        (span["id"], span["from"], span.get("to"))
        for client in roster["clients"]
        for span in client["accounts"]
    ]
    moved = [span for span in spans if span[2] == "2026-10-15"]

    assert len(moved) == 1
    assert (moved[0][0], "2026-10-15", None) in spans
