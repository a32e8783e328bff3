"""An account that changes hands amid a month, in exports whose rows last longer than a day."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.scenarios.conftest import Answer, Rebill
from tests.support.bills.front_door import PERIOD, client, written
from tests.support.bills.ingest_builders import PAYER, Row, gzipped, line, put

SHOP, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)


def lasting(cost: str, start: str, end: str, line_type: str = "Usage", **more: str) -> Row:
    times = {"line_item_usage_start_date": start, "line_item_usage_end_date": end}
    return line(cost, line_type, line_item_usage_account_id=SHOP, **times, **more)


def billed(rebill: Rebill, tmp_path: Path, *rows: Row, moved: str = "2026-10-15") -> Answer:
    """The shop is Acme's until that day, then Bell's."""
    clients: list[dict[str, Any]] = [client("acme"), client("bell", BELL)]
    clients[0]["accounts"] = [{"id": SHOP, "from": "2018-01-01", "to": moved}]
    clients[1]["accounts"].append({"id": SHOP, "from": moved})
    assert rebill("apply", written(tmp_path, clients=clients)).status == 0
    other = line(
        "1", line_item_usage_account_id=BELL, line_item_usage_end_date="2026-10-05T08:00:00Z"
    )
    export = put(tmp_path / "e/cur.csv.gz", gzipped([*rows, other]))
    assert rebill("ingest", export, "--payer", PAYER, *MONTH).status == 0
    return rebill("bill", *MONTH, "--json")


def codes(answer: Answer) -> set[tuple[str, str]]:
    found = answer.json["findings"]
    return {(each["code"], each["client"]) for each in found if "hands" in each["code"]}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-10-14T00:00:00Z", "2026-10-16T00:00:00Z"),
        ("2026-10-01", "2026-10-31"),
        ("2026-10-14 23:00:00.000", "2026-10-15 00:00:01.000"),
    ],
)
def test_usage_that_lasts_over_the_change_is_nobodys_to_split(
    rebill: Rebill, tmp_path: Path, start: str, end: str
) -> None:
    answer = billed(rebill, tmp_path, lasting("310", start, end))

    code = "row_across_change_of_hands"
    assert codes(answer) == {(code, "acme"), (code, "bell")}
    assert answer.json["invoices"] == []
    assert "hourly or daily export" in answer.out


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-10-14T00:00:00Z", "2026-10-15T00:00:00Z"),
        ("2026-10-15T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-10-01T00:00:00Z", "2026-10-15T00:00:00.000Z"),
        ("2026-10-14T23:00:00Z", "2026-10-05T01:00:00Z"),
        ("2026-10-14T23:00:00Z", ""),
    ],
)
def test_what_ends_before_or_begins_with_it_is_one_client_s(
    rebill: Rebill, tmp_path: Path, start: str, end: str
) -> None:
    answer = billed(rebill, tmp_path, lasting("310", start, end))

    assert codes(answer) == set()
    totals = {each["client"]: each["total"] for each in answer.json["invoices"]}
    owner = "bell" if start >= "2026-10-15" else "acme"
    assert totals == ({"acme": "310.00", "bell": "1.00"} if owner == "acme" else {"bell": "311.00"})


def test_a_fee_of_the_month_is_billed_to_the_first_and_both_are_told(
    rebill: Rebill, tmp_path: Path
) -> None:
    fee = lasting("100", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "Fee")
    answer = billed(rebill, tmp_path, fee)

    assert codes(answer) == {("row_across_change_of_hands", "")}
    totals = {each["client"]: each["total"] for each in answer.json["invoices"]}
    assert totals == {"acme": "100.00", "bell": "1.00"}


def as_times(rows: list[Row]) -> pl.DataFrame:
    times = ("line_item_usage_start_date", "line_item_usage_end_date")
    return pl.DataFrame(rows).with_columns(
        pl.col(times).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms")
    )


@pytest.mark.parametrize("form", [as_times, pl.DataFrame])
def test_parquet_says_the_same(
    rebill: Rebill, tmp_path: Path, form: Callable[[list[Row]], pl.DataFrame]
) -> None:
    rows = [
        lasting("310", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        lasting("5", "2026-10-02T00:00:00Z", "2026-10-03T00:00:00Z"),
    ]
    file = io.BytesIO()
    form(rows).write_parquet(file)
    export = put(tmp_path / "e/cur.parquet", file.getvalue())
    assert rebill("apply", written(tmp_path, clients=[client("acme", SHOP)])).status == 0

    facts = rebill("ingest", export, "--payer", PAYER, *MONTH, "--json").json
    assert facts["long_rows"] == [
        {
            "account_id": SHOP, "kind": "usage", "first_day": "2026-10-01",
            "last_day": "2026-10-31", "rows": 1, "billed": "310",
        }
    ]  # fmt: skip
