"""Several payers in one command: what was done and what was not, payer by payer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, payer, written
from tests.support.bills.ingest_builders import PAYER, line, put

FIRST, LATER, LAST = "000000000001", "100000000002", "900000000009"
ACME, BELL, COLT = "111111111111", "222222222222", "333333333333"
MONTH = ("--period", PERIOD)


def take_in(rebill: Rebill, folder: Path, of: str, **costs: str) -> None:
    rows = [
        line(cost, line_item_usage_account_id=account[1:], bill_payer_account_id=of)
        for account, cost in costs.items()
    ]
    assert rebill("ingest", exported(folder / of, rows), "--payer", of, *MONTH).status == 0


@pytest.fixture
def two(rebill: Rebill, tmp_path: Path) -> Rebill:
    """Acme uses 10 of one payer; Bell 20 and Colt 5 of another. A third has no charges."""
    clients = [client("colt", COLT), client("bell", BELL), client("acme", ACME)]
    said: dict[str, Any] = {"payers": [payer(LAST), payer(LATER), payer(PAYER)], "clients": clients}
    assert rebill("apply", written(tmp_path, **said)).status == 0
    take_in(rebill, tmp_path, LATER, **{f"a{BELL}": "20", f"a{COLT}": "5"})
    take_in(rebill, tmp_path, PAYER, **{f"a{ACME}": "10"})
    return rebill


def table(out: str) -> list[list[str]]:
    """The cells of the last table, without the lines that only go on."""
    rows = [[cell.strip() for cell in row.split("│")[1:-1]] for row in out.splitlines()]
    return [row for row in rows if len(row) == 4 and row[0]]


def test_what_was_done_for_each_payer_is_a_table(two: Rebill) -> None:
    billed = two("bill", *MONTH)

    assert billed.status == 0
    assert table(billed.out) == [
        [PAYER, PERIOD, "done", "1 drafted, 0 unchanged"],
        [LATER, PERIOD, "done", "2 drafted, 0 unchanged"],
        [LAST, PERIOD, "no charges", f"no export of {PERIOD} is ingested"],
    ]


def test_what_stops_one_payer_does_not_stop_the_next_and_the_worst_is_the_status(
    two: Rebill, tmp_path: Path
) -> None:
    """A month was ingested before its payer was configured; of another a client is parked."""
    take_in(two, tmp_path, FIRST, **{f"a{ACME}": "1"})
    euro = [client("bell", BELL, currency="EUR")]
    said: dict[str, Any] = {"payers": [payer(LAST), payer(LATER), payer(PAYER)], "clients": euro}
    assert two("apply", written(tmp_path, **said)).status == 0

    billed = two("bill", *MONTH)
    assert billed.status == 2, "bad input is worse than a finding"
    assert [row[:3] for row in table(billed.out)] == [
        [FIRST, PERIOD, "not done"],
        [PAYER, PERIOD, "done"],
        [LATER, PERIOD, "done in part"],
        [LAST, PERIOD, "no charges"],
    ]
    assert f"rebill: {FIRST}: payer account {FIRST} has no seller" in billed.err

    told = two("bill", *MONTH, "--json")
    payers = told.json["payers"]
    assert [each["outcome"] for each in payers] == [
        "not done",
        "done",
        "done in part",
        "no charges",
    ]
    assert payers[1]["unchanged"] == ["acme"] and "drafted" not in payers[0]
    assert payers[2]["why"].startswith("exchange_rate_missing: bell pays in EUR")
    assert [each["client"] for each in told.json["invoices"]] == ["acme", "colt"]
    assert two("bill", *MONTH, "--payer", LATER).status == 1


def test_issuing_tells_which_month_is_blocked(two: Rebill, tmp_path: Path) -> None:
    """An account of the one payer is nobody's, so that its month does not close."""
    take_in(two, tmp_path / "again", LATER, **{f"a{BELL}": "20", "a444444444444": "3"})
    assert two("bill", *MONTH).status == 1
    assert two("approve", *MONTH).status == 0

    issued = two("issue", *MONTH)
    assert issued.status == 1
    told = table(issued.out)
    assert [row[:3] for row in told] == [
        [PAYER, PERIOD, "done"],
        [LATER, PERIOD, "not done"],
        [LAST, PERIOD, "no charges"],
    ]
    assert told[0][3] == "1 issued"
    assert f"rebill: {LATER}: {PERIOD} of {LATER} cannot be issued" in issued.err
    again = two("issue", *MONTH, "--json").json
    assert [each["outcome"] for each in again["payers"]] == ["done", "not done", "no charges"]
    assert [(each["client"], each["state"]) for each in again["invoices"]] == [
        ("acme", "issued"),
        ("bell", "approved"),
    ]


def test_every_payer_has_its_proof(two: Rebill, tmp_path: Path) -> None:
    assert two("bill", *MONTH, "--payer", PAYER).status == 0
    proved = two("reconcile", *MONTH)
    assert proved.status == 2 and f"{PERIOD} of payer account {LATER} is not billed" in proved.err

    assert two("bill", *MONTH).status == 0
    told = two("reconcile", *MONTH, "--json")
    assert told.status == 0 and told.json["period"] == PERIOD
    assert [
        (each["payer_account_id"], each["outcome"], each["payer_total"], each["closes"])
        for each in told.json["payers"]
    ] == [(PAYER, "done", "10", True), (LATER, "done", "25", True)]
    assert two("reconcile", *MONTH, "--payer", LATER, "--json").json["payer_total"] == "25"
    file = put(tmp_path / "c.csv", b"account_id,amount\n1,1\n")
    asked = two("reconcile", *MONTH, "--control", file)
    assert asked.status == 2 and "several payers" in asked.err


def test_a_client_that_is_billed_anew_keeps_its_place(two: Rebill, tmp_path: Path) -> None:
    def clients(out: str) -> list[str]:
        rows = [[cell.strip() for cell in row.split("│")] for row in out.splitlines()]
        return [row[2] for row in rows if len(row) == 10]

    assert clients(two("bill", *MONTH).out) == ["acme", "bell", "colt"]
    renamed = [client("bell", BELL, name="Bell & Sons")]
    said: dict[str, Any] = {"payers": [payer(LAST), payer(LATER), payer(PAYER)], "clients": renamed}
    assert two("apply", written(tmp_path, **said)).status == 0
    assert clients(two("bill", *MONTH).out) == ["acme", "bell", "colt"]
    assert clients(two("approve", *MONTH).out) == ["acme", "bell", "colt"]
