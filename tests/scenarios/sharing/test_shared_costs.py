"""A security account shared by spend, one client exempt: planned, billed, explained and closed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, payer, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL, COLT, OURS = "111111111111", "222222222222", "333333333333", "999999999999"
MONTH = ("--period", PERIOD)
SECURITY = {
    "key": "security", "description": "Security and logging", "accounts": [OURS],
    "basis": "spend", "to": "all", "exempt": ["colt"], "from": "2026-10",
}  # fmt: skip
CLIENTS = [client("acme", ACME), client("bell", BELL), client("colt", COLT)]


def configured(folder: Path, *shared: dict[str, Any], **other: Any) -> Path:
    return written(
        folder,
        payers=[payer(internal_accounts=[OURS, PAYER])],
        clients=CLIENTS,
        price_books=[book(rules=[{"match": {}, "markup_percent": "10"}])],
        shared_costs=list(shared),
        **other,
    )


@pytest.fixture
def month(rebill: Rebill, tmp_path: Path) -> Rebill:
    """Acme uses 100, Bell 200 and Colt 300; of ours, 90 and 6 of tax. Everybody pays 10 % more."""
    assert rebill("apply", configured(tmp_path)).status == 0
    uses = {ACME: "100", BELL: "200", COLT: "300", OURS: "90"}
    rows = [line(cost, line_item_usage_account_id=account) for account, cost in uses.items()]
    rows.append(line("6", "Tax", line_item_usage_account_id=OURS))
    export = exported(tmp_path / "export", rows)
    assert rebill("ingest", export, "--payer", PAYER, *MONTH).status == 0
    return rebill


def totals(rebill: Rebill) -> dict[str, str]:
    billed = rebill("bill", *MONTH, "--json")
    assert billed.status == 0, billed.err
    return {each["client"]: each["total"] for each in billed.json["invoices"]}


def test_planned_billed_and_explained(month: Rebill, tmp_path: Path) -> None:
    """90 by 100 and 200 are 30 and 60, at 10 % on top 33 and 66. The tax stays ours."""
    assert totals(month) == {"acme": "110.00", "bell": "220.00", "colt": "330.00"}
    file = configured(tmp_path, SECURITY)

    planned = month("plan", file, "--json").json["months"][0]["clients"]
    assert [(each["client"], each["difference"]) for each in planned] == [
        ("acme", "33.00"),
        ("bell", "66.00"),
        ("colt", "0.00"),
    ]
    assert planned[0]["parts"] == [
        {
            "part": "everything: +10 %; shared cost security, by spend: 100 of 300",
            "currency": "USD", "before": "0", "after": "33",
        }
    ]  # fmt: skip

    assert month("apply", file).status == 0
    assert month("apply", file).out == "nothing changes\n"
    assert totals(month) == {"acme": "143.00", "bell": "286.00", "colt": "330.00"}
    assert month("reconcile", *MONTH).status == 0

    (acme,) = [e for e in month("bill", *MONTH, "--json").json["invoices"] if e["client"] == "acme"]
    key = f"{OURS}/AmazonEC2/usage-shared-security"
    told = month("explain", str(acme["id"]), key, "--json").json
    assert told["line"]["description"] == "Usage (shared: Security and logging)"
    (charge,) = told["charges"]
    assert charge["arithmetic"] == "30 x 1.1 = 33"
    assert charge["attribution"] == "shared cost security, by spend: 100 of 300"
    assert charge["rule"] == "everything: +10 %"


def test_a_closed_month_stays_whatever_is_agreed_later(month: Rebill, tmp_path: Path) -> None:
    """From November on it is shared evenly: October is what it was, to the byte."""
    assert month("apply", configured(tmp_path, SECURITY)).status == 0
    for command in ("bill", "approve", "issue"):
        assert month(command, *MONTH).status == 0
    before = documents(month, tmp_path / "before")

    later = SECURITY | {"from": "2026-11", "basis": "even", "until": "2027-11"}
    file = configured(tmp_path, later)
    planned = month("plan", file, "--json").json["months"][0]["clients"]
    assert {each["client"]: each["difference"] for each in planned} == {
        "acme": "16.50",
        "bell": "-16.50",
        "colt": "0.00",
    }
    assert month("apply", file).status == 0

    assert totals(month) == {"acme": "143.00", "bell": "286.00", "colt": "330.00"}
    assert month("verify").status == 0
    assert documents(month, tmp_path / "after") == before
    assert all(BELL not in text for key, text in before.items() if "acme" in key)


def documents(rebill: Rebill, folder: Path) -> dict[str, str]:
    assert rebill("export", *MONTH, "--format", "json", "--out", folder).status == 0
    return {
        str(file.relative_to(folder)): json.dumps(json.loads(file.read_text()))
        for file in sorted(folder.rglob("*.json"))
    }


YAML = """shared_costs:
  - key: logs
    accounts: ["888888888888"]
    basis: even
  - key: security
    accounts: ["{account}"]
    basis: {basis}
    exempt: [{exempt}]
"""
"""Line by line, as people write it."""


REFUSED: list[tuple[dict[str, str], str]] = [
    (
        {"basis": "{percent: {acme: 60, bell: '30'}}", "exempt": ""},
        ":7: shared_costs[1].basis: the percentages add up to 90, not to 100",
    ),
    ({"basis": "spent"}, ":7: shared_costs[1].basis: write spend, even, tagged, {spend: …}"),
    ({"basis": "{usage: {}}"}, ":7: shared_costs[1].basis: say of what usage"),
    ({"exempt": "dell"}, ":5: shared_costs.security: there is no client dell"),
    (
        {"account": ACME},
        f":6: shared_costs.security.accounts: {ACME} is acme's from 2018-01-01, whose charges",
    ),
    (
        {"account": "888888888888"},
        ":5: shared_costs.security: logs shares the same charges of 888888888888; tell them apart",
    ),
]


def test_what_cannot_be_is_refused_by_plan_and_apply_with_file_and_line(
    month: Rebill, tmp_path: Path
) -> None:
    file = tmp_path / "shared.yaml"
    for said, words in REFUSED:
        known = {"account": OURS, "basis": "spend", "exempt": "colt"}
        file.write_text(YAML.format(**known | said))
        for command in ("plan", "apply"):
            refused = month(command, file)
            assert refused.status == 2
            assert f"{file}{words}" in refused.err
