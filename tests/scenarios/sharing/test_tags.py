"""A platform account that two clients share, from an export with tags to their invoices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, payer, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL, PLATFORM = "111111111111", "222222222222", "999999999999"
MONTH = ("--period", PERIOD)
SPLIT = {
    "key": "platform", "accounts": [PLATFORM], "tag": "user:Client",
    "values": {"acme": ["acme*"], "bell": ["bell"]}, "basis": "tagged",
}  # fmt: skip


def used(cost: str, value: str = "") -> dict[str, str]:
    tags = json.dumps({"user_client": value} if value else {})
    return line(cost, line_item_usage_account_id=PLATFORM, resource_tags=tags)


def configured(folder: Path, *tags: str, **split: Any) -> Path:
    return written(
        folder,
        payers=[payer(internal_accounts=[PLATFORM], tags=[*tags])],
        clients=[client("acme", ACME), client("bell", BELL)],
        shared_costs=[SPLIT | split] if split or tags else [],
    )


@pytest.fixture
def ingested(rebill: Rebill, tmp_path: Path) -> Rebill:
    """Taken in before anybody said which tags to keep: of the platform 30, 10 and 20 untagged."""
    assert rebill("apply", configured(tmp_path)).status == 0
    rows = [used("30", "acme-web"), used("10", "bell"), used("20")]
    rows += [line("100", line_item_usage_account_id=ACME, resource_tags="{}")]
    take_in(rebill, exported(tmp_path / "export", rows))
    return rebill


def take_in(rebill: Rebill, export: Path) -> None:
    assert rebill("ingest", export, "--payer", PAYER, *MONTH).status == 0


def totals(rebill: Rebill) -> dict[str, str]:
    invoices = rebill("bill", *MONTH, "--json").json["invoices"]
    return {each["client"]: each["total"] for each in invoices}


def test_a_platform_by_tag(ingested: Rebill, tmp_path: Path) -> None:
    """30 and 10, and of the 20 untagged 15 and 5; the export has to be read again for its tags."""
    assert totals(ingested) == {"acme": "100.00"}
    assert ingested("apply", configured(tmp_path, "user:Client")).status == 0
    untagged = ingested("bill", *MONTH, "--json")
    assert untagged.status == 1
    assert "shared_cost_untagged" in {each["code"] for each in untagged.json["findings"]}

    take_in(ingested, tmp_path / "export" / "cur.csv.gz")

    assert totals(ingested) == {"acme": "145.00", "bell": "15.00"}
    assert ingested("reconcile", *MONTH).status == 0
    for command in ("approve", "issue"):
        assert ingested(command, *MONTH).status == 0


def test_a_tag_that_no_payer_keeps_is_refused(rebill: Rebill, tmp_path: Path) -> None:
    refused = rebill("apply", configured(tmp_path, "user:Stage"))

    assert refused.status == 2
    assert "shared_costs.platform.tag: no payer keeps user:Client; write it under" in refused.err


def test_a_value_of_two_clients_is_refused(rebill: Rebill, tmp_path: Path) -> None:
    values = {"acme": ["x"], "bell": ["x"]}
    refused = rebill("apply", configured(tmp_path, "user:Client", values=values))

    assert refused.status == 2 and "shared_costs[0]: the value x is of two clients" in refused.err
