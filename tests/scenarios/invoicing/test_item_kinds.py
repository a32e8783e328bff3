"""Items by units, and percentages of named services and accounts: on the document as agreed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, ACME_DATA = "111111111111", "333333333333"
MONTH = ("--period", PERIOD)


def item(key: str, **more: str | list[str]) -> dict[str, Any]:
    return {"client": "acme", "kind": "fee", "key": key, "description": key.title()} | more


def percentage(key: str, **more: str | list[str]) -> dict[str, Any]:
    return item(key, percent_of="price", percent="10", **more)


def configured(folder: Path, *items: dict[str, Any]) -> Path:
    """Everything costs 20 percent more than AWS asks."""
    return written(
        folder,
        clients=[client("acme", ACME, ACME_DATA)],
        price_books=[book(rules=[{"match": {}, "markup_percent": "20"}])],
        custom_line_items=list(items),
    )


@pytest.fixture
def charged(rebill: Rebill, tmp_path: Path) -> None:
    """Boxes of 100 in one account; boxes of 50 and databases of 200 in the other."""
    assert rebill("apply", configured(tmp_path)).status == 0
    used = [("100", ACME, "AmazonEC2"), ("50", ACME_DATA, "AmazonEC2")]
    used += [("200", ACME_DATA, "AmazonRDS")]
    rows = [
        line(cost, line_item_usage_account_id=account, line_item_product_code=service)
        for cost, account, service in used
    ]
    export = exported(tmp_path / "export", rows)
    assert rebill("ingest", export, "--payer", PAYER, *MONTH).status == 0


def issued(rebill: Rebill, folder: Path, *items: dict[str, Any]) -> dict[str, Any]:
    assert rebill("apply", configured(folder, *items)).status == 0
    for command in ("bill", "approve", "issue"):
        answer = rebill(command, *MONTH)
        assert answer.status == 0, answer.err
    documents = folder / "documents"
    assert rebill("export", *MONTH, "--format", "json", "--out", documents).status == 0
    (file,) = documents.rglob("*.json")
    document = json.loads(file.read_text())
    lines = {each["key"]: each for each in document["lines"]}
    return {"total": document["total"]} | lines


def test_each_is_of_what_it_names(rebill: Rebill, charged: None, tmp_path: Path) -> None:
    """Prices: 120 and 60 of boxes, 240 of databases; 420 in all.

    A tenth of the databases is 24, of the second account's boxes 6, of all boxes 18, of all 42
    but at most 40; twelve seats at 35.50 are 426: 420 + 24 + 6 + 18 + 40 + 426 = 934.
    """
    document = issued(
        rebill,
        tmp_path,
        percentage("databases", services=["*RDS"]),
        percentage("boxes-there", services=["AmazonEC2"], accounts=[ACME_DATA]),
        percentage("boxes", services=["AmazonEC2"]),
        percentage("all", maximum="40"),
        item("seats", quantity="12", unit_price="35.50"),
    )

    amounts = {key: document[f"custom/{key}"]["amount"] for key in ("databases", "boxes", "all")}
    assert amounts == {"databases": "24.00", "boxes": "18.00", "all": "40.00"}
    assert document["custom/boxes-there"]["amount"] == "6.00"
    seats = document["custom/seats"]
    assert (seats["quantity"], seats["price"], seats["amount"]) == ("12", "35.5", "426.00")
    assert document["total"] == "934.00"


def test_the_cap_and_the_names_are_explained(rebill: Rebill, charged: None, tmp_path: Path) -> None:
    issued(rebill, tmp_path, percentage("databases", services=["*RDS"], maximum="20"))
    told = rebill("explain", "SE-000001", "custom/databases", "--json").json

    assert told["steps"][0] == "fee of 10 % of the price of *RDS 240, at most 20"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (item("a"), "give one of amount, unit_price, percent"),
        (item("a", amount="1", unit_price="1", quantity="1"), "give one of amount"),
        (item("a", unit_price="1"), "quantity and unit_price go together"),
        (item("a", amount="1", services=["AmazonEC2"]), "services goes with percent or"),
        (item("a", amount="1", maximum="1"), "maximum goes with percent"),
        (percentage("a", minimum="5", maximum="4"), "minimum is more than maximum"),
        (percentage("a", services=[""]), "services are AWS's codes"),
        (percentage("a", accounts=["12"]), "accounts"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    rebill: Rebill, tmp_path: Path, wrong: dict[str, Any], words: str
) -> None:
    answer = rebill("apply", configured(tmp_path, wrong))

    assert answer.status == 2
    assert words in answer.err
