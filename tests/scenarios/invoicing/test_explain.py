"""A line is explained: the rule that won, those that lost, the arithmetic and what it came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)
RULES = [
    {"match": {}, "markup_percent": "5"},
    {"match": {"service": "AmazonEC2"}, "markup_percent": "7.5"},
    {"match": {"service": "AmazonEC2", "usage_type": "EBS*"}, "rate": "0.11", "label": "Disks"},
]
EUROS = {"period": PERIOD, "from": "USD", "to": "EUR", "rate": "0.9", "source": "agreed"}
ITEM = {
    "client": "bell", "key": "desk", "kind": "fee", "description": "Service desk",
    "percent_of": "price", "percent": "3", "minimum": "1.00",
}  # fmt: skip


def used(cost: str, account: str, usage_type: str, amount: str = "1") -> dict[str, str]:
    return line(
        cost,
        line_item_usage_account_id=account,
        line_item_product_code="AmazonEC2",
        line_item_usage_type=usage_type,
        line_item_usage_amount=amount,
    )


@pytest.fixture
def lines(rebill: Rebill, tmp_path: Path) -> dict[str, dict[str, str]]:
    """By client, the keys of the lines by description.

    Acme has boxes of 100 and disks of 20 units; Bell pays in euros, boxes of 50.
    """
    clients = [client("acme", ACME), client("bell", BELL, currency="EUR")]
    configuration = written(
        tmp_path,
        clients=clients,
        price_books=[book(rules=RULES)],
        exchange_rates=[EUROS],
        custom_line_items=[ITEM],
    )
    assert rebill("apply", configuration).status == 0
    rows = [
        used("60", ACME, "BoxUsage:m5"),
        used("40", ACME, "BoxUsage:m6"),
        used("1.90", ACME, "EBS:VolumeUsage", "20"),
        used("50", BELL, "BoxUsage:m5"),
    ]
    export = exported(tmp_path / "export", rows)
    assert rebill("ingest", export, "--payer", PAYER, *MONTH).status == 0
    for command in ("bill", "approve", "issue"):
        assert rebill(command, *MONTH).status == 0
    folder = tmp_path / "documents"
    assert rebill("export", *MONTH, "--format", "json", "--out", folder).status == 0
    return {file.parent.name: keys_of(file) for file in folder.rglob("*.json")}


def keys_of(file: Path) -> dict[str, str]:
    document = json.loads(file.read_text())
    number = {"number": document["number"]}
    return number | {each["description"]: each["key"] for each in document["lines"]}


def explained(rebill: Rebill, number: str, key: str) -> Any:
    answer = rebill("explain", number, key, "--json")
    assert answer.status == 0, answer.err
    return answer.json


def test_the_rule_that_won_and_those_that_lost(
    rebill: Rebill, lines: dict[str, dict[str, str]]
) -> None:
    """100 at 7.5 percent on top are 107.5, of 60 and 40."""
    acme = lines["acme"]
    told = explained(rebill, acme["number"], acme["Usage"])

    assert [
        (each["of"]["usage_type"], each["cost"], each["arithmetic"], each["rule"], each["others"])
        for each in told["charges"]
    ] == [
        (
            "BoxUsage:m5", "60", "60 x 1.075 = 64.5",
            "service=AmazonEC2: +7.5 %", ["everything: +5 %"],
        ),
        (
            "BoxUsage:m6", "40", "40 x 1.075 = 43",
            "service=AmazonEC2: +7.5 %", ["everything: +5 %"],
        ),
    ]  # fmt: skip
    assert told["price_book"].startswith("standard ") and told["cost_basis"] == "billed"
    assert told["steps"][0] == "exact price: 107.5 USD"
    assert told["steps"][-1].startswith("on the document: 107.50 USD, rounded")
    assert [file["rows"] for file in told["files"]] == [4]


def test_units_at_a_fixed_rate(rebill: Rebill, lines: dict[str, dict[str, str]]) -> None:
    acme = lines["acme"]
    told = explained(rebill, acme["number"], acme["Usage: EBS* at a fixed rate"])

    (disks,) = told["charges"]
    assert disks["arithmetic"].endswith(" x 0.11 = 2.2") and disks["arithmetic"].startswith("20 ")
    assert disks["rule"] == "Disks"
    assert disks["others"] == ["service=AmazonEC2: +7.5 %", "everything: +5 %"]


def test_conversion_and_items_of_our_own(rebill: Rebill, lines: dict[str, dict[str, str]]) -> None:
    """50 at 7.5 percent are 53.75, at 0.9 48.375 euros; 3 percent of these are 1.45125."""
    bell = lines["bell"]
    usage = explained(rebill, bell["number"], bell["Usage"])["steps"]
    desk = explained(rebill, bell["number"], "custom/desk")

    assert usage[:2] == ["exact price: 53.75 USD", "at 0.9 (agreed): 48.375 EUR"]
    assert desk["charges"] == []
    assert desk["steps"][:2] == [
        "fee of 3 % of the price 48.375, at least 1", "exact price: 1.45125 EUR",
    ]  # fmt: skip


def test_for_people_and_of_drafts(rebill: Rebill, lines: dict[str, dict[str, str]]) -> None:
    listed = rebill("bill", *MONTH, "--json").json["invoices"]
    identity = next(each["id"] for each in listed if each["client"] == "acme")
    shown = rebill("explain", str(identity), lines["acme"]["Usage"]).out

    assert "BoxUsage:m5: 60 x 1.075 = 64.5" in shown
    assert "would have matched too, less specific: everything: +5 %" in shown


@pytest.mark.parametrize(
    ("number", "key", "words"),
    [
        ("SE-000009", "x", "there is no invoice SE-000009"),
        ("99", "x", "there is no invoice 99"),
        ("SE-000001", "x", "has no line 'x'; its lines are"),
    ],
)
def test_what_is_not_there_is_one_line(
    rebill: Rebill, lines: dict[str, dict[str, str]], number: str, key: str, words: str
) -> None:
    answer = rebill("explain", number, key)

    assert answer.status == 2 and answer.out == ""
    assert words in answer.err and answer.err.count("\n") == 1
