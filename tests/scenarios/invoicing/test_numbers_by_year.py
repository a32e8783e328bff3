"""Numbers that begin anew each year: by the day of issue, without a gap in any.

Relatives: `openlinker-project/openlinker#1686` (reset by year), India's CGST rule 46(b).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import client, exported, seller, written
from tests.support.bills.ingest_builders import PAYER, line

ACCOUNTS = {"acme": "111111111111", "bell": "222222222222", "colt": "333333333333"}
DECEMBER = ("--period", "2025-12")


def numbering(prefix: str, start: int = 1) -> dict[str, object]:
    return seller(numbering={"prefix": prefix, "start": start})


@pytest.fixture
def approved(rebill: Rebill, tmp_path: Path) -> Rebill:
    """Three clients' drafts of December 2025, approved; numbered by year."""
    clients = [client(key, account) for key, account in ACCOUNTS.items()]
    said = written(tmp_path, seller=numbering("IE-{year}-", 7), clients=clients)
    assert rebill("apply", said).status == 0
    december = {
        "bill_billing_period_start_date": "2025-12-01T00:00:00Z",
        "line_item_usage_start_date": "2025-12-05T07:00:00Z",
    }
    rows = [line("10", line_item_usage_account_id=each, **december) for each in ACCOUNTS.values()]
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *DECEMBER).status == 0
    for command in ("bill", "approve"):
        assert rebill(command, *DECEMBER).status == 0
    return rebill


def issued(rebill: Rebill, client: str, on: str, *more: str) -> str:
    """The number."""
    told = rebill("issue", *DECEMBER, "--client", client, "--on", on, "--json", *more)
    assert told.status == 0, told.err
    [each] = told.json["invoices"]
    number: str = each["number"]
    return number


def test_the_year_is_that_of_the_day_of_issue(approved: Rebill) -> None:
    """Only the first year begins at `start`; each year goes on where it was."""
    early = ("--override", "Agreed with the tax adviser", "--by", "ann")
    assert issued(approved, "acme", "2025-12-31", *early) == "IE-2025-000007"
    assert issued(approved, "bell", "2026-01-05") == "IE-2026-000001"
    assert issued(approved, "colt", "2026-01-05") == "IE-2026-000002"


def test_a_day_of_the_old_year_takes_its_next_number(approved: Rebill) -> None:
    early = ("--override", "Agreed with the tax adviser", "--by", "ann")
    assert issued(approved, "acme", "2026-01-05") == "IE-2026-000007"
    assert issued(approved, "bell", "2025-12-31", *early) == "IE-2025-000001"
    back = approved("issue", *DECEMBER, "--client", "colt", "--on", "2026-01-04")
    assert back.status != 0 and "numbers follow the dates of issue" in back.err
    assert issued(approved, "colt", "2026-01-06") == "IE-2026-000008"


def test_a_series_that_was_spelled_out_goes_on_by_year(approved: Rebill, tmp_path: Path) -> None:
    """Who wrote 2026 into the prefix says where the year is, or hears that a number is taken."""
    assert approved("apply", written(tmp_path, seller=numbering("IE-2026-", 7))).status == 0
    assert issued(approved, "acme", "2026-01-05") == "IE-2026-000007"

    assert approved("apply", written(tmp_path, seller=numbering("IE-{year}-", 7))).status == 0
    taken = approved("issue", *DECEMBER, "--client", "bell", "--on", "2026-01-05")
    assert taken.status != 0 and "number IE-2026-000007 is given already" in taken.err
    assert approved("apply", written(tmp_path, seller=numbering("IE-{year}-", 8))).status == 0
    assert issued(approved, "bell", "2026-01-05") == "IE-2026-000008"


def test_a_start_that_would_change_nothing_is_refused(approved: Rebill, tmp_path: Path) -> None:
    """A new prefix alone does not begin anew: the series goes on."""
    assert approved("apply", written(tmp_path, seller=numbering("IE-", 4))).status == 0
    assert issued(approved, "acme", "2026-01-05") == "IE-000004"

    refused = approved("apply", written(tmp_path, seller=numbering("IE26-", 1)))
    assert refused.status == 2
    assert (
        "seller.numbering.start: documents are numbered already, and the next is 5" in refused.err
    )
    for start in (4, 5):
        assert approved("apply", written(tmp_path, seller=numbering("IE26-", start))).status == 0
    assert issued(approved, "bell", "2026-01-05") == "IE26-000005"


@pytest.mark.parametrize("prefix", ["{month}-", "{year}{year}", "IE_{year}", "{YEAR}"])
def test_what_is_no_prefix_is_one_line(rebill: Rebill, tmp_path: Path, prefix: str) -> None:
    refused = rebill("apply", written(tmp_path, seller=numbering(prefix)))
    assert refused.status == 2 and "seller.numbering.prefix" in refused.err
