"""A finding that somebody answers for: it stays with the month and its reason, and stops nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)
BLENDED = book(basis="blended")


@pytest.fixture
def taken(rebill: Rebill, tmp_path: Path) -> Rebill:
    """An export without blended cost; both clients are billed by it."""
    rows = [line(cost, line_item_usage_account_id=a) for cost, a in (("5", ACME), ("7", BELL))]
    for row in rows:
        del row["line_item_blended_cost"]
    clients = [client("acme", ACME), client("bell", BELL)]
    assert rebill("apply", written(tmp_path, clients=clients, price_books=[BLENDED])).status == 0
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0
    return rebill


def waiver(**other: Any) -> dict[str, Any]:
    known = {"payer": PAYER, "period": PERIOD, "code": "basis_unanswerable", "reason": "Ticket 7"}
    return known | other


@pytest.mark.parametrize(
    ("given", "drafted"),
    [
        ([], []),
        ([waiver(client="acme")], ["acme"]),
        ([waiver()], ["acme", "bell"]),
        ([waiver(period="2026-09")], []),
        ([waiver(payer="999999999999")], []),
        ([waiver(code="cut_off")], []),
    ],
)
def test_it_lets_those_through_whom_it_names(
    taken: Rebill, tmp_path: Path, given: list[dict[str, Any]], drafted: list[str]
) -> None:
    file = written(tmp_path, waivers=given, price_books=[BLENDED])
    assert taken("apply", file).status == 0

    billed = taken("bill", *MONTH, "--json").json
    assert [each["client"] for each in billed["invoices"]] == drafted
    waived = [each for each in billed["findings"] if each["message"].endswith("Waived: Ticket 7")]
    assert {each["client"] for each in waived} == set(drafted)
    assert {each["severity"] for each in waived} <= {"warning"}


@pytest.mark.parametrize("other", [{"code": "account_unassigned"}, {"reason": ""}])
def test_what_nobody_can_answer_for_is_not_waived(
    rebill: Rebill, tmp_path: Path, other: dict[str, Any]
) -> None:
    refused = rebill("apply", written(tmp_path, waivers=[waiver(**other)]))
    assert refused.status == 2 and "waivers[0]" in refused.err
