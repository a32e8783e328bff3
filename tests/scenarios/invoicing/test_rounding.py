"""Rounding is a setting of the document: of all of it, of its tax, of one client's.

Japan's National Tax Agency: a fraction of consumption tax is rounded once per rate and invoice, in
the direction that the seller chooses, and most cut it off. Relatives: `OCA/l10n-japan#66` (a
client's setting prevails), `vektor-inc/bill-vektor#213` (prices half up, tax cut off),
`odoo/odoo#193522` (once for a rate).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, seller, written
from tests.support.bills.ingest_builders import PAYER, line

ACME = "111111111111"
MONTH = ("--period", PERIOD)
YEN = {"period": PERIOD, "from": "USD", "to": "JPY", "rate": "150", "source": "TTM"}
TEN_PERCENT = {"category": "standard", "rate_percent": "10"}


def documented(
    rebill: Rebill,
    folder: Path,
    costs: list[str],
    *,
    by: dict[str, Any],
    tax: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Acme's issued document; each cost is another service's."""
    rows = [
        line(cost, line_item_usage_account_id=ACME, line_item_product_code=f"Amazon{number}")
        for number, cost in enumerate(costs)
    ]
    acme = client("acme", ACME, tax=TEN_PERCENT | (tax or {}), **more)
    file = written(folder, seller=seller(**by), clients=[acme], exchange_rates=[YEN])
    assert rebill("apply", file).status == 0
    assert rebill("ingest", exported(folder / "e", rows), "--payer", PAYER, *MONTH).status == 0
    for command in ("bill", "reconcile", "approve", "issue"):
        assert rebill(command, *MONTH).status == 0
    out = folder / "out"
    assert rebill("export", *MONTH, "--format", "json", "--out", out).status == 0
    [document] = (out / PERIOD / "acme").iterdir()
    shown: dict[str, Any] = json.loads(document.read_text(encoding="utf-8"))
    return shown


@pytest.mark.parametrize(
    ("by", "tax", "total"),
    [
        # 8.2333333333 x 150 = 1,234.999999995; 10 % of 1,235 is 123.5.
        ({}, {}, ("1235", "124", "1359")),
        ({"tax_rounding": "down"}, {}, ("1235", "123", "1358")),
        ({"tax_rounding": "up"}, {}, ("1235", "124", "1359")),
        ({"tax_rounding": "half_even"}, {}, ("1235", "124", "1359")),
        # All of it cut off: 1,234, and 123.4 of tax.
        ({"rounding": "down"}, {}, ("1234", "123", "1357")),
        ({"rounding": "up"}, {}, ("1235", "124", "1359")),
        # What the client has agreed on prevails.
        ({"tax_rounding": "up"}, {"rounding": "down"}, ("1235", "123", "1358")),
        ({"rounding": "down"}, {"rounding": "up"}, ("1234", "124", "1358")),
    ],
)
def test_tax_is_rounded_as_the_seller_or_the_client_says(
    rebill: Rebill, tmp_path: Path, by: dict[str, str], tax: dict[str, str], total: tuple[str, ...]
) -> None:
    told = documented(rebill, tmp_path, ["8.2333333333"], by=by, tax=tax, currency="JPY")
    assert (told["subtotal"], told["tax"], told["total"]) == total


def test_tax_is_rounded_once_for_a_rate(rebill: Rebill, tmp_path: Path) -> None:
    """Three times 105 yen: 31.5 cut off are 31, and three times 10.5 would be 30."""
    by = {"tax_rounding": "down"}
    told = documented(rebill, tmp_path, ["0.7", "0.7", "0.7"], by=by, currency="JPY")
    assert [each["amount"] for each in told["lines"]] == ["105", "105", "105"]
    assert [(each["base"], each["tax"]) for each in told["tax_lines"]] == [("315", "31")]
    assert (told["rounding"], told["tax_rounding"]) == ("half_up", "down")


@pytest.mark.parametrize(
    ("rounding", "amounts", "subtotal"),
    [
        # 99.9999 dollars of three equal parts.
        ("down", ["33.33", "33.33", "33.33"], "99.99"),
        ("up", ["33.34", "33.33", "33.33"], "100.00"),
    ],
)
def test_lines_add_up_to_a_subtotal_that_is_cut_off_or_rounded_up(
    rebill: Rebill, tmp_path: Path, rounding: str, amounts: list[str], subtotal: str
) -> None:
    told = documented(rebill, tmp_path, ["33.3333"] * 3, by={}, rounding=rounding)
    assert ([each["amount"] for each in told["lines"]], told["subtotal"]) == (amounts, subtotal)
    assert told["rounding"] == rounding and "tax_rounding" not in told


def test_a_way_of_rounding_that_there_is_not_is_one_line(rebill: Rebill, tmp_path: Path) -> None:
    refused = rebill("apply", written(tmp_path, seller=seller(tax_rounding="floor")))
    assert refused.status == 2 and "seller.tax_rounding" in refused.err
