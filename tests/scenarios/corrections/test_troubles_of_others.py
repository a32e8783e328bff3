"""What went wrong with credit notes elsewhere, as its smallest case.

getlago/lago-api 2643 and 4553 (parts come to a cent more than their invoice), frappe/erpnext 50944
(a discount in parts), 33394 and 41893 (today's terms judge an old invoice), getlago/lago-api 5653
(what an invoice took is not given back), killbill 154 and lago 1455 (what was taken back is billed
again), killbill 1949 (a credit by mistake cannot be undone).
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, Row, line

ACME = "111111111111"
MONTH = ("--period", PERIOD)
NEXT = "2026-11"


def usage(cost: str, service: str = "AmazonEC2", period: str = PERIOD) -> Row:
    month = {"bill_billing_period_start_date": f"{period}-01T00:00:00.000Z"}
    month |= {"line_item_usage_start_date": f"{period}-05T07:00:00.000Z"}
    kind = "Credit" if cost.startswith("-") else "Usage"
    who = {"line_item_usage_account_id": ACME, "line_item_product_code": service}
    return line(cost, kind, **who, **month)


def key(service: str) -> str:
    return f"{ACME}/{service}/usage"


def issued(rebill: Rebill, folder: Path, bill: list[Row], **acme: Any) -> None:
    said: dict[str, Any] = {"clients": [client("acme", ACME, **acme)]}
    said["price_books"] = [book(credits="pass_through")]
    assert rebill("apply", written(folder, **said)).status == 0
    taken(rebill, folder / "first", bill)
    for command in ("bill", "approve", "issue"):
        assert rebill(command, *MONTH).status == 0


def taken(rebill: Rebill, folder: Path, bill: list[Row], period: str = PERIOD) -> None:
    to = ("--payer", PAYER, "--period", period)
    assert rebill("ingest", exported(folder, bill), *to).status == 0


def credited(rebill: Rebill, *arguments: str) -> Decimal:
    answer = rebill("credit", "SE-000001", "--reason", "goodwill", *arguments, "--json")
    assert answer.status == 0, answer.err
    return Decimal(answer.json["proposed"][0]["total"])


def finished(rebill: Rebill) -> None:
    for command in ("approve", "issue"):
        assert rebill(command, *MONTH).status == 0


def waiting(rebill: Rebill, period: str = PERIOD) -> list[tuple[str, str]]:
    told = rebill("bill", "--period", period, "--json").json["invoices"]
    return [(e["document_type"], e["total"]) for e in told if e["state"] == "draft"]


def test_four_parts_at_20_percent_are_the_invoice(rebill: Rebill, tmp_path: Path) -> None:
    """279.16 and 55.83 of tax are 334.99; each part by itself would make 335.00."""
    amounts = {"AmazonEC2": "68.33", "AmazonRDS": "68.33", "AmazonS3": "57.50", "AWSLambda": "85"}
    bill = [usage(amount, service) for service, amount in amounts.items()]
    issued(rebill, tmp_path, bill, tax={"category": "standard", "rate_percent": "20"})

    parts = [credited(rebill, "--lines", key(service)) for service in amounts]
    assert sum(parts) == Decimal("334.99")
    assert rebill("credit", "SE-000001", "--reason", "goodwill").status == 2


def test_a_discount_is_given_back_in_parts(rebill: Rebill, tmp_path: Path) -> None:
    """800.00 less 600.00: nine tenths of both, then the rest, by today's other prices."""
    issued(rebill, tmp_path, [usage("800"), usage("-600")])
    told = rebill("credit", "SE-000001", "--reason", "goodwill", "--lines", "no such line").err
    assert "has no line" in told
    (discount,) = (
        each["key"] for each in documents(rebill, tmp_path)["lines"] if each["amount"] == "-600.00"
    )
    dearer = book(rules=[{"match": {}, "markup_percent": "50"}], credits="retain")
    said: dict[str, Any] = {"price_books": [dearer], "clients": [client("acme", ACME)]}
    assert rebill("apply", written(tmp_path, **said)).status == 0

    lines = (f"--lines={key('AmazonEC2')}=720", f"--lines={discount}=-540")
    assert credited(rebill, *lines) == 180
    assert credited(rebill, "--lines", key("AmazonEC2"), "--lines", discount) == 20


def documents(rebill: Rebill, folder: Path) -> Any:
    assert rebill("export", *MONTH, "--format", "json", "--out", folder / "out").status == 0
    return json.loads((folder / "out" / PERIOD / "acme" / "SE-000001.json").read_text())


def test_a_balance_that_a_void_invoice_took_is_taken_by_the_next(
    rebill: Rebill, tmp_path: Path
) -> None:
    """September leaves 30.00, which October's 100.00 take. October is void: November takes them."""
    acme = {"negative_months": "carry_forward"}
    said: dict[str, Any] = {"clients": [client("acme", ACME, **acme)]}
    said["price_books"] = [book(credits="pass_through")]
    assert rebill("apply", written(tmp_path, **said)).status == 0
    september = ("--period", "2026-09")
    taken(rebill, tmp_path / "9", [usage("-30", period="2026-09")], "2026-09")
    assert rebill("bill", *september).status == 0
    issued(rebill, tmp_path, [usage("100")], **acme)

    assert credited(rebill) == 70
    taken(rebill, tmp_path / "11", [usage("80", period=NEXT)], NEXT)
    assert waiting(rebill, NEXT) == [("invoice", "80.00")]  # The note is not issued yet.
    finished(rebill)
    assert waiting(rebill, NEXT) == [("invoice", "50.00")]


def test_what_was_taken_back_whole_is_asked_for_by_nobody(rebill: Rebill, tmp_path: Path) -> None:
    issued(rebill, tmp_path, [usage("100")])
    assert credited(rebill) == 100
    finished(rebill)
    for again, cost in enumerate(("100", "90", "110")):
        taken(rebill, tmp_path / str(again), [usage(cost)])
        assert waiting(rebill) == [], cost


def test_a_credit_by_mistake_is_asked_for_again(rebill: Rebill, tmp_path: Path) -> None:
    issued(rebill, tmp_path, [usage("100")])
    assert credited(rebill, f"--lines={key('AmazonEC2')}=40") == 40
    finished(rebill)
    assert waiting(rebill) == []

    assert rebill("credit", "CN-SE-000001", "--bill-again").status == 0
    assert waiting(rebill) == [("supplementary_invoice", "40.00")]
    finished(rebill)
    assert waiting(rebill) == []
    assert rebill("reconcile", *MONTH).status == rebill("verify").status == 0
    twice = rebill("credit", "CN-SE-000001", "--bill-again")
    assert twice.status == 2 and "stays off" in twice.err


def test_what_is_left_after_a_restatement_and_taken_back_whole_is_asked_for_by_nobody(
    rebill: Rebill, tmp_path: Path
) -> None:
    """100.00 restated to 80.00, and those taken back by hand: 90.00 are asked for no more."""
    issued(rebill, tmp_path, [usage("100")])
    taken(rebill, tmp_path / "80", [usage("80")])
    assert waiting(rebill) == [("credit_note", "20.00")]
    finished(rebill)
    assert credited(rebill) == 80
    finished(rebill)
    for cost in ("90", "110", "70"):
        taken(rebill, tmp_path / cost, [usage(cost)])
        assert waiting(rebill) == [], cost


def test_what_a_restatement_took_off_beside_goodwill_is_asked_for_again(
    rebill: Rebill, tmp_path: Path
) -> None:
    """10.00 of goodwill, and AWS restates 100.00 to 10.00, then to 60.00: 50.00 are asked for."""
    issued(rebill, tmp_path, [usage("100")])
    assert credited(rebill, f"--lines={key('AmazonEC2')}=10") == 10
    finished(rebill)
    taken(rebill, tmp_path / "10", [usage("10")])
    assert waiting(rebill) == [("credit_note", "90.00")]
    finished(rebill)
    taken(rebill, tmp_path / "60", [usage("60")])
    assert waiting(rebill) == [("supplementary_invoice", "50.00")]


def test_one_of_two_credits_by_mistake_is_asked_for_again(rebill: Rebill, tmp_path: Path) -> None:
    """60.00 and 40.00 take 100.00 back whole; of the two, the 60.00 were a mistake."""
    issued(rebill, tmp_path, [usage("100")])
    for part in ("60", "40"):
        assert credited(rebill, f"--lines={key('AmazonEC2')}={part}") == Decimal(part)
        finished(rebill)
    assert waiting(rebill) == []
    assert rebill("credit", "CN-SE-000001", "--bill-again").status == 0
    assert waiting(rebill) == [("supplementary_invoice", "60.00")]
