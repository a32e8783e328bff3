"""Days of issue at the command line: refused, or answered for by a person and told in the proof."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from service.store.database import Database
from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)


@pytest.fixture
def approved(rebill: Rebill, tmp_path: Path) -> Rebill:
    """October of two clients, approved and not issued."""
    rows = [line(cost, line_item_usage_account_id=a) for cost, a in (("40", ACME), ("20", BELL))]
    clients = [client("acme", ACME), client("bell", BELL)]
    assert rebill("apply", written(tmp_path, clients=clients)).status == 0
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0
    for command in ("bill", "approve"):
        assert rebill(command, *MONTH).status == 0
    return rebill


def test_a_day_to_come_is_refused_with_or_without_a_reason_and_locks_nothing(
    approved: Rebill,
) -> None:
    typed = ("issue", *MONTH, "--on", "2927-12-31")
    for refused in (approved(*typed), approved(*typed, "--override", "The client wants it")):
        assert refused.status == 2 and "still to come" in refused.err

    issued = approved("issue", *MONTH, "--json").json["invoices"]
    assert [each["state"] for each in issued] == ["issued", "issued"]


def test_an_early_day_takes_a_reason_which_stays_with_the_month(approved: Rebill) -> None:
    early = ("issue", *MONTH, "--client", "acme", "--on", "2026-10-31")
    refused = approved(*early)
    assert refused.status == 2 and "2026-10 is not over on 2026-10-31" in refused.err

    assert approved(*early, "--override", "Dated as the contract says", "--by", "ann").status == 0

    proof = approved("reconcile", *MONTH, "--json").json
    assert proof["closes"]
    (told,) = (each for each in proof["findings"] if each["code"] == "issue_day_overridden")
    assert told["severity"] == "warning"
    assert told["message"] == (
        "SE-000001: 2026-10 is not over on 2026-10-31; its invoices are dated 2026-11-01 or later. "
        "Overridden by ann (self-asserted): Dated as the contract says"
    )
    # The series goes on: who is issued later is dated later.
    assert approved("issue", *MONTH, "--client", "bell").status == 0


def test_no_reason_goes_behind_the_last_document_or_beyond_the_grace(approved: Rebill) -> None:
    reason = ("--override", "Typing error, sorry")
    assert approved("issue", *MONTH, "--client", "acme").status == 0

    behind = approved("issue", *MONTH, "--client", "bell", "--on", "2026-10-31", *reason)
    assert behind.status == 1 and "numbers follow the dates of issue" in behind.err
    beyond = approved("issue", *MONTH, "--client", "bell", "--on", "2026-10-21", *reason)
    assert beyond.status == 2 and "with a reason 2026-10-22 or later" in beyond.err


def test_a_reason_that_no_day_needs_is_no_override(approved: Rebill) -> None:
    assert approved("issue", *MONTH, "--override", "Just in case").status == 0

    findings = approved("reconcile", *MONTH, "--json").json["findings"]
    assert [each for each in findings if "override" in each["code"]] == []


def test_after_a_long_silence_the_clock_is_doubted(approved: Rebill, database: Database) -> None:
    """The same as a clock that jumped ahead: all that is known lies long before today."""
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("UPDATE snapshot SET current_since = '2019-01-01 12:00+00'")

    refused = approved("issue", *MONTH)
    assert refused.status == 2 and "look whether the clock is right" in refused.err
    assert "delivery 2019-01-01" in refused.err

    assert approved("issue", *MONTH, "--override", "Found in the attic", "--by", "ann").status == 0
    assert (
        "Overridden by ann (self-asserted): Found in the attic" in approved("reconcile", *MONTH).err
    )
