"""A month that was issued: what is said of people later touches nothing, other figures are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, seller, written
from tests.support.bills.ingest_builders import PAYER, Row, line

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)


def rows(acme: str = "40", bell: str = "20") -> list[Row]:
    return [
        line(acme, line_item_usage_account_id=ACME),
        line(bell, line_item_usage_account_id=BELL),
    ]


def clients(**acme: Any) -> list[dict[str, Any]]:
    return [client("acme", ACME, **acme), client("bell", BELL)]


@pytest.fixture
def issued(rebill: Rebill, tmp_path: Path) -> Rebill:
    assert rebill("apply", written(tmp_path, clients=clients())).status == 0
    taken(rebill, tmp_path / "v1", rows())
    for command in ("bill", "approve", "issue"):
        assert rebill(command, *MONTH).status == 0
    return rebill


def taken(rebill: Rebill, folder: Path, bill: list[Row]) -> None:
    assert rebill("ingest", exported(folder, bill), "--payer", PAYER, *MONTH).status == 0


@pytest.mark.parametrize(
    "later",
    [
        {"clients": clients(name="Acme Holding")},
        {"clients": clients(email="new@acme.example", buyer_reference="PO 7")},
        {"clients": clients(payment_terms_days=60)},
        {"seller": seller(phone="+1 555 0100", footer="New words")},
        {"seller": seller(payment_details={"IBAN": "DE1"})},
    ],
)
def test_other_names_and_words_leave_an_issued_month_alone(
    issued: Rebill, tmp_path: Path, later: dict[str, Any]
) -> None:
    said: dict[str, Any] = {"clients": clients()} | later
    assert issued("apply", written(tmp_path, **said)).status == 0

    billed = issued("bill", *MONTH, "--json")
    assert (billed.status, billed.json["findings"]) == (0, [])
    assert issued("reconcile", *MONTH).status == 0


def test_what_aws_corrects_later_is_told_with_its_amount(issued: Rebill, tmp_path: Path) -> None:
    taken(issued, tmp_path / "v2", rows("38", "25"))

    billed = issued("bill", *MONTH, "--json")
    told = {
        each["client"]: each["message"]
        for each in billed.json["findings"]
        if each["code"] == "correction_proposed"
    }
    assert "a credit note of 2.00 USD" in told["acme"]
    assert "a supplementary invoice of 5.00 USD" in told["bell"]
    proof = issued("reconcile", *MONTH, "--json")
    assert (proof.status, proof.json["closes"]) == (1, False)


def test_another_price_is_another_figure(issued: Rebill, tmp_path: Path) -> None:
    said = clients(tax={"category": "standard", "rate_percent": "19"})
    assert issued("apply", written(tmp_path, clients=said)).status == 0

    waiting = [
        (each["document_type"], each["total"])
        for each in issued("bill", *MONTH, "--json").json["invoices"]
        if each["state"] == "draft"
    ]
    assert waiting == [("credit_note", "40.00"), ("supplementary_invoice", "47.60")]
