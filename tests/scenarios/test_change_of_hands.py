"""An account that changes hands amid a month, in exports whose rows last longer than a day."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from service.store.billing import invoices
from service.store.database import Database
from tests.scenarios.conftest import Answer, Rebill
from tests.support.bills.front_door import PERIOD, client, payer, written
from tests.support.bills.ingest_builders import PAYER, Row, gzipped, line, put

SHOP, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)


def lasting(cost: str, start: str, end: str, line_type: str = "Usage", **more: str) -> Row:
    times = {"line_item_usage_start_date": start, "line_item_usage_end_date": end}
    return line(cost, line_type, line_item_usage_account_id=SHOP, **times, **more)


DAY, NEXT_DAY = "2026-10-02T00:00:00Z", "2026-10-03T00:00:00Z"


def billed(
    rebill: Rebill, tmp_path: Path, *rows: Row, moved: str = "2026-10-15", **configured: Any
) -> Answer:
    """The shop is Acme's until that day, then Bell's."""
    clients: list[dict[str, Any]] = [client("acme"), client("bell", BELL)]
    clients[0]["accounts"] = [{"id": SHOP, "from": "2018-01-01", "to": moved}]
    clients[1]["accounts"].append({"id": SHOP, "from": moved})
    assert rebill("apply", written(tmp_path, clients=clients, **configured)).status == 0
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


SUPPORT = {"line_item_product_code": "AWSSupportBusiness"}


@pytest.mark.parametrize("prorate", [False, True])
def test_the_payer_s_switch_prorates_it_and_the_draft_s_working_says_so(
    rebill: Rebill, database: Database, tmp_path: Path, prorate: bool
) -> None:
    """Three fees of support, as reports date them: 310 over 31 days are 140 and 170."""
    first = "2026-10-01T00:00:00Z"
    ends = [("2026-11-01T00:00:00Z", "a"), ("2026-10-31T23:59:59Z", "b"), ("", "c")]
    fees = [
        lasting("310", first, end, "Fee", line_item_line_item_description=words, **SUPPORT)
        for end, words in ends
    ]
    answer = billed(rebill, tmp_path, *fees, payers=[payer(prorate_monthly_fees=prorate)])

    totals = {each["client"]: each["total"] for each in answer.json["invoices"]}
    split = {"acme": "420.00", "bell": "511.00"}
    assert totals == (split if prorate else {"acme": "930.00", "bell": "1.00"})
    with database.transaction() as session:
        drafts = [each["id"] for each in answer.json["invoices"]]
        workings = [invoices.working(session, each) for each in drafts]
    words = {
        each["attribution"]
        for working in workings
        for line in working["statement"]["lines"]
        for each in line["workings"]
    }
    assert words == (
        {
            "",
            "by days: 14 of 31, 2026-10-01 to 2026-10-14",
            "by days: 17 of 31, 2026-10-15 to 2026-10-31",
        }
        if prorate
        else {"", "whole, as of its first day; it lasts 2026-10-01 to 2026-10-31"}
    )


def test_an_undated_refund_of_it_is_nobodys_to_give_until_somebody_answers_for_it(
    rebill: Rebill, tmp_path: Path
) -> None:
    """Reservations that are cancelled are refunded without a time."""
    rows = [lasting("100", DAY, NEXT_DAY), lasting("-8.44", "", "", "Refund")]
    code = "row_across_change_of_hands"
    answer = billed(rebill, tmp_path, *rows)
    assert codes(answer) == {(code, "acme"), (code, "bell")}

    waiver = {"payer": PAYER, "period": PERIOD, "code": code, "reason": "Acme bought it"}
    answer = billed(rebill, tmp_path, *rows, waivers=[waiver])
    totals = {each["client"]: each["total"] for each in answer.json["invoices"]}
    assert totals == {"acme": "91.56", "bell": "1.00"}


def test_an_export_by_the_month_without_ends_of_rows_parks_both(
    rebill: Rebill, tmp_path: Path
) -> None:
    """A query may leave the column out; then only the days tell an export by the month."""
    rows = [lasting("310", "2026-10-01T00:00:00Z", "")]
    for row in rows:
        del row["line_item_usage_end_date"]
    clients: list[dict[str, Any]] = [client("acme"), client("bell")]
    clients[0]["accounts"] = [{"id": SHOP, "from": "2018-01-01", "to": "2026-10-15"}]
    clients[1]["accounts"] = [{"id": SHOP, "from": "2026-10-15"}]
    assert rebill("apply", written(tmp_path, clients=clients)).status == 0
    export = put(tmp_path / "e/cur.csv.gz", gzipped(rows))
    facts = rebill("ingest", export, "--payer", PAYER, *MONTH, "--json").json
    answer = rebill("bill", *MONTH, "--json")

    assert facts["row_ends_unknown"] == "no column line_item_usage_end_date"
    code = "row_across_change_of_hands"
    assert codes(answer) == {(code, "acme"), (code, "bell")} and answer.json["invoices"] == []
    assert "no column line_item_usage_end_date" in answer.out


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
