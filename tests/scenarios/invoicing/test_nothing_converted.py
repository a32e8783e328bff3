"""A client that pays in another currency than the bill's: a rate is asked for where it matters.

As of `frappe/erpnext#12998`, a rate asked for where all of a document is in one currency.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, fee, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)
RATE = {"period": PERIOD, "from": "USD", "to": "EUR", "rate": "0.5", "source": "ECB"}
OF_COST = {"client": "bell", "kind": "fee", "description": "Share", "percent_of": "cost"}
FREE = book("free", rules=[{"match": {}, "discount_percent": "100"}])
AT_RATE = book("fixed", rules=[{"match": {}, "rate": "0.03"}])


def billed(
    rebill: Rebill, folder: Path, rows: list[dict[str, str]], **configuration: Any
) -> dict[str, Any]:
    """Acme uses 10 dollars. What became of Bell, who pays in euros."""
    used = [line("10", line_item_usage_account_id=ACME), *rows]
    said = {"clients": [client("acme", ACME), client("bell", BELL, currency="EUR")]} | configuration
    assert rebill("apply", written(folder, **said)).status == 0
    assert rebill("ingest", exported(folder / "e", used), "--payer", PAYER, *MONTH).status == 0
    told = rebill("bill", *MONTH, "--json")
    invoices = {each["client"]: each for each in told.json["invoices"]}
    findings = [each["code"] for each in told.json["findings"] if each["client"] == "bell"]
    return {"status": told.status, "total": invoices.get("bell", {}).get("total"), "of": findings}


def bells(cost: str, line_type: str = "Usage", **more: str) -> dict[str, str]:
    return line(cost, line_type, line_item_usage_account_id=BELL, **more)


def by(price_book: dict[str, Any], *items: dict[str, Any]) -> dict[str, Any]:
    bell = client("bell", BELL, currency="EUR", price_book=price_book["key"])
    said = {"clients": [client("acme", ACME), bell], "price_books": [book(), price_book]}
    return said | {"custom_line_items": list(items)}


@pytest.mark.parametrize(
    ("rows", "said", "total"),
    [
        # No charges at all: a fee in euros is a fee in euros.
        ([], {"custom_line_items": [fee("bell", "950.00")]}, "950.00"),
        # 3 % of a price of nothing, at least 20 euros.
        (
            [],
            {"custom_line_items": [{**OF_COST, "percent": "3", "minimum": "20"}]},
            "20.00",
        ),
        # Free usage is free in any currency.
        ([bells("0")], {"custom_line_items": [fee("bell", "5")]}, "5.00"),
        ([bells("0")], {}, "0.00"),
        # All that it is charged is a credit, and that is retained.
        ([bells("-7", "Credit")], {"custom_line_items": [fee("bell", "5")]}, "5.00"),
        # Sold for nothing, whatever it cost.
        ([bells("40")], by(FREE, fee("bell", "5")), "5.00"),
    ],
)
def test_where_nothing_is_converted_no_rate_is_asked_for(
    rebill: Rebill, tmp_path: Path, rows: list[dict[str, str]], said: dict[str, Any], total: str
) -> None:
    assert billed(rebill, tmp_path, rows, **said) == {"status": 0, "total": total, "of": []}
    assert rebill("reconcile", *MONTH).status == 0
    assert rebill("approve", *MONTH).status == 0
    assert rebill("issue", *MONTH).status == 0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([bells("0.0000000001")], {}),
        # Two lines that come to nothing are still two lines with amounts.
        ([bells("4"), bells("-4", line_item_product_code="AmazonS3")], {}),
        # 10 % of a cost of 40 dollars.
        ([bells("40")], by(FREE, {**OF_COST, "percent": "10"})),
        # No unit was used, and the line shows what one costs.
        ([bells("0", line_item_usage_amount="0")], by(AT_RATE)),
    ],
)
def test_where_any_amount_is_converted_the_rate_is_missing(
    rebill: Rebill, tmp_path: Path, rows: list[dict[str, str]], said: dict[str, Any]
) -> None:
    told = billed(rebill, tmp_path, rows, **said)
    assert told == {"status": 1, "total": None, "of": ["exchange_rate_missing"]}


def test_a_rate_that_converts_nothing_is_not_on_the_document(
    rebill: Rebill, tmp_path: Path
) -> None:
    """Nor does one that comes after the issue make another invoice of it."""
    items = [fee("bell", "950.00")]
    billed(rebill, tmp_path, [], custom_line_items=items)
    assert rebill("approve", *MONTH).status == 0
    assert rebill("issue", *MONTH).status == 0

    told = billed(rebill, tmp_path, [], custom_line_items=items, exchange_rates=[RATE])
    assert told == {"status": 0, "total": "950.00", "of": []}
    out = tmp_path / "out"
    assert rebill("export", *MONTH, "--format", "json", "--out", out).status == 0
    [document] = (out / PERIOD / "bell").iterdir()
    assert '"exchange":null' in document.read_text(encoding="utf-8").replace(" ", "")


def test_the_proof_adds_no_euros_to_dollars(rebill: Rebill, tmp_path: Path) -> None:
    billed(rebill, tmp_path, [], custom_line_items=[fee("bell", "950.00")])
    proof = rebill("reconcile", *MONTH, "--json").json
    bell = next(each for each in proof["clients"] if each["client"] == "bell")
    assert (bell["price"], bell["margin"], bell["custom_price"]) == ("0", "0", "950")
    assert (bell["invoice_currency"], bell["rounding"]) == ("EUR", "0")
