"""Support over the end of the legacy plans, by the command: December by one, January by another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line

ACME = "111111111111"
OF_AWS = {"line_item_product_code": "AWSSupportBusiness", "line_item_usage_account_id": ACME}


def support(**said: Any) -> dict[str, Any]:
    return book(**{"from": "2026-10"}, support=said)


def configured(folder: Path, *books: dict[str, Any]) -> Path:
    return written(folder, clients=[client("acme", ACME)], price_books=list(books))


def take_in(rebill: Rebill, folder: Path, period: str) -> None:
    """Acme uses 20,000, and AWS charges 1,700 of Business Support."""
    dated = {
        "bill_billing_period_start_date": f"{period}-01T00:00:00.000Z",
        "line_item_usage_start_date": f"{period}-01T00:00:00.000Z",
    }
    rows = [
        line("20000", line_item_usage_account_id=ACME, **dated),
        line("1700", "Fee", **OF_AWS, **dated),
    ]
    export = exported(folder / period, rows)
    assert rebill("ingest", export, "--payer", PAYER, "--period", period).status == 0


def test_a_contract_over_the_end_of_its_plan(rebill: Rebill, tmp_path: Path) -> None:
    """10 % of 10,000 and 7 % of 10,000 are 1,700; by Business Support+, 9 % and 7 %, 1,600."""
    legacy = support(mode="recompute", plan="business")
    assert rebill("apply", configured(tmp_path, legacy)).status == 0
    take_in(rebill, tmp_path, "2026-12")
    take_in(rebill, tmp_path, "2027-01")

    december = rebill("bill", "--period", "2026-12", "--json")
    assert [each["total"] for each in december.json["invoices"]] == ["21700.00"]
    january = rebill("bill", "--period", "2027-01", "--json")
    assert january.status == 1
    (found,) = [e for e in january.json["findings"] if e["client"] == "acme"]
    assert found["code"] == "support_plan_unsold"

    newer = support(mode="recompute", plan="business_plus") | {"from": "2027-01"}
    file = configured(tmp_path, legacy, newer)
    assert rebill("plan", file, "--period", "2026-12").status == 0
    assert rebill("apply", file).status == 0
    january = rebill("bill", "--period", "2027-01", "--json")
    assert [each["total"] for each in january.json["invoices"]] == ["21600.00"]
    december = rebill("bill", "--period", "2026-12", "--json")
    assert [each["total"] for each in december.json["invoices"]] == ["21700.00"]
    assert rebill("reconcile", "--period", "2027-01").status == 0


def test_a_table_of_ones_own(rebill: Rebill, tmp_path: Path) -> None:
    """12 % of 5,000 and 8 % of 15,000 are 1,800."""
    tiers = [{"up_to": "5000", "percent": "12"}, {"percent": "8"}]
    table = {"name": "Gold desk", "minimum": "250", "tiers": tiers}
    file = configured(tmp_path, support(mode="recompute", table=table))
    assert rebill("apply", file).status == 0
    assert rebill("apply", file).out == "nothing changes\n"
    take_in(rebill, tmp_path, "2026-12")

    billed = rebill("bill", "--period", "2026-12", "--json").json["invoices"]
    assert [each["total"] for each in billed] == ["21800.00"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"mode": "recompute"}, "price_books[0].support: mode: recompute and a plan go together"),
        ({"mode": "suppress", "per": "account"}, "per: this goes with mode: recompute"),
        ({"mode": "recompute", "plan": "gold"}, "price_books[0].support.plan: write one of busi"),
        ({"mode": "none"}, "price_books[0].support.mode: "),
        (
            {"mode": "recompute", "plan": "business", "table": {"name": "x", "minimum": "1"}},
            "price_books[0].support.table.tiers: is required",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    rebill: Rebill, tmp_path: Path, said: dict[str, Any], words: str
) -> None:
    refused = rebill("apply", configured(tmp_path, support(**said)))

    assert refused.status == 2 and words in refused.err
