"""`rebill estimate`, against the sandbox's Cost Explorer: what the open month has cost so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.bills import BillStage, Simulation, simulate
from sandbox.server import SandboxAWS
from tests.scenarios.conftest import Rebill

SIMULATION = Simulation(seed=5, accounts=12, rows=2_000, start="2026-10", stage=BillStage.OPEN)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxAWS]:
    with SandboxAWS([SIMULATION.bill(month) for month in SIMULATION.periods()]) as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.endpoint_url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


def test_each_client_s_month_so_far_before_any_export(
    aws: SandboxAWS, rebill: Rebill, tmp_path: Path
) -> None:
    simulate(SIMULATION, tmp_path)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["periods"]["2026-10"]
    assert rebill("apply", tmp_path / "rebill.yaml").status == 0

    told = rebill("estimate", "--period", "2026-10", "--json")

    assert (told.status, told.err) == (0, "")
    costs = {each["client"]: Decimal(each["cost"]) for each in told.json["clients"]}
    rest = Decimal(told.json["internal_accounts"]) + Decimal(told.json["unassigned"])
    assert len(costs) == 4
    assert sum(costs.values()) + rest == Decimal(told.json["payer_total"])
    assert told.json["payer_total"] == truth["rows"]["payer_total"]
    assert rebill("estimate", "--period", "2026-10", "--json").json == told.json
    assert aws.requests["GetCostAndUsage"] == 1, "each request costs money"
    table = rebill("estimate", "--period", "2026-10")
    assert "payer total" in table.out


def test_a_month_that_is_none_is_one_line(rebill: Rebill) -> None:
    refused = rebill("estimate", "--period", "October")

    assert (refused.status, refused.out) == (2, "")
    assert (
        refused.err
        == "rebill: --period: 'October' is no billing period; write it as YYYY-MM, like 2026-10\n"
    )
