"""A draft leaves in every format, and nobody takes it for an invoice."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line
from tests.support.pdf_files import pages

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)


@pytest.fixture
def billed(rebill: Rebill, tmp_path: Path) -> Rebill:
    """Acme owes 40.00 and Bell 20.00, as drafts 1 and 2."""
    clients = [client("acme", ACME), client("bell", BELL)]
    assert rebill("apply", written(tmp_path, clients=clients)).status == 0
    rows = [line(a, line_item_usage_account_id=b) for a, b in (("40", ACME), ("20", BELL))]
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0
    assert rebill("bill", *MONTH).status == 0
    return rebill


def test_drafts_are_written_in_every_format_without_a_number(
    billed: Rebill, tmp_path: Path
) -> None:
    answer = billed("export", *MONTH, "--drafts", "--out", tmp_path / "out", "--json")

    assert answer.status == 0
    folder = tmp_path / "out" / PERIOD
    assert [Path(each) for each in answer.json["files"]] == [
        folder / of / f"draft-{number}.{extension}"
        for number, of in ((1, "acme"), (2, "bell"))
        for extension in ("pdf", "csv", "xlsx", "json")
    ]
    draft = json.loads((folder / "acme/draft-1.json").read_text(encoding="utf-8"))
    assert (draft["draft"], draft["number"], draft["issued_on"]) == (True, "", None)
    with (folder / "acme/draft-1.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["invoice_number"] for row in csv.DictReader(file)] == ["DRAFT"]
    assert "DRAFT, not issued" in pages((folder / "acme/draft-1.pdf").read_bytes())[0]


def test_what_is_approved_is_still_a_draft_and_what_is_issued_is_none(
    billed: Rebill, tmp_path: Path
) -> None:
    assert billed("approve", *MONTH).status == 0
    assert billed("issue", *MONTH, "--client", "acme").status == 0
    out = ("--out", tmp_path / "out", "--format", "json")

    drafts = billed("export", *MONTH, "--drafts", *out, "--json").json["files"]
    issued = billed("export", *MONTH, *out, "--json").json["files"]

    assert [Path(each).name for each in drafts] == ["draft-2.json"]
    assert [Path(each).name for each in issued] == ["SE-000001.json"]
    assert billed("issue", *MONTH).status == 0
    none = billed("export", *MONTH, "--drafts", *out)
    assert (none.status, none.err.count("\n")) == (2, 1)
    assert f"there is no draft of {PERIOD}" in none.err


def test_only_the_wanted_client_and_payer(billed: Rebill, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out", "--format", "csv")
    found = billed("export", *MONTH, "--drafts", "--client", "bell", *out, "--json").json["files"]

    assert [Path(each).name for each in found] == ["draft-2.csv"]
    assert billed("export", *MONTH, "--drafts", "--payer", "9" * 12, *out).status == 2
