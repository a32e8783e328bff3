"""Times become days, and ends the last day a row is of: each way to write them, by hand."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from jobs.ingest.reduction.cells import Flags, Rows
from jobs.ingest.reduction.days import days_of, last_days_of
from jobs.ingest.reduction.refusals import BadDay
from jobs.ingest.reduction.sums import Ints

FIRST = date(2026, 10, 1)
OCTOBER_1 = 20_727
"""Days since 1970: 56 years, 14 of them leap years, are 20,454; January to September are 273."""


@dataclass
class Columns:
    """Some rows that begin with the fifth of their file."""

    columns: dict[str, pa.Array]
    first_row: int = 5

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())))

    def column(self, name: str) -> pa.Array:
        return self.columns[name]

    def scan(self, *names: str) -> pl.LazyFrame:
        raise NotImplementedError


def rows_of(**columns: pa.Array | list[str | None]) -> Rows:
    arrays = {name: pa.array(cells) for name, cells in columns.items()}
    return Rows(Columns(arrays), "file")


def starts_of(rows: Rows, if_blank: str) -> tuple[Ints, Flags]:
    return days_of(rows, "start", rows.span.column("start"), if_blank)


def moments(*times: datetime | None, unit: str = "us") -> pa.Array:
    return pa.array(times, pa.timestamp(unit, "UTC"))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-10-01", OCTOBER_1),
        ("2026-10-01T00:00:00Z", OCTOBER_1),
        ("2026-10-01 23:59:59", OCTOBER_1),
        ("2026-10-01T23:59:59.999Z", OCTOBER_1),
        ("1970-01-02", 1),
        ("1969-12-31", -1),
        ("1790812800000", OCTOBER_1),  # 20,727 days of 86,400,000 milliseconds
        ("1790812799999", OCTOBER_1 - 1),
        ("1790812800000000", OCTOBER_1),  # of microseconds
        ("1790812799999999", OCTOBER_1 - 1),
        ("100000000000000", 1_157),  # 10^14 microseconds; of milliseconds it were the year 5138
        ("99999999999999", 1_157_407),
    ],
)
def test_a_text_has_the_day_it_begins_with_and_an_epoch_that_of_its_unit(
    text: str, day: int
) -> None:
    days, is_blank = starts_of(rows_of(start=[text]), "")

    assert (days.tolist(), is_blank.tolist()) == ([day], [False])


@pytest.mark.parametrize("text", ["2026-10-01x", "2026-13-01", "123456789", "1" * 18, "soon"])
def test_what_is_no_time_is_named_with_its_row_and_its_text(text: str) -> None:
    with pytest.raises(BadDay) as refused:
        starts_of(rows_of(start=["2026-10-01", None, text, "later"]), "")
    assert str(refused.value) == f"file: row 7, column start: {text!r} is not a time"


@pytest.mark.parametrize("absent", ["", "null", "NULL", "Null", "-", "\\N", None])
def test_a_row_without_a_time_has_the_other_s(absent: str | None) -> None:
    rows = rows_of(start=["2026-10-03", absent], period=["2026-10-01", "2026-10-02"])

    days, is_blank = starts_of(rows, "period")

    assert days.tolist() == [OCTOBER_1 + 2, OCTOBER_1 + 1]
    assert is_blank.tolist() == [False, True]


@pytest.mark.parametrize("if_blank", ["", "period"])
def test_a_row_without_any_time_is_refused_and_others_are_not_taken_for_it(if_blank: str) -> None:
    rows = rows_of(start=["2026-10-03", "", ""], period=["", "2026-10-01", ""])

    with pytest.raises(BadDay) as refused:
        starts_of(rows, if_blank)
    row = 7 if if_blank else 6
    assert str(refused.value) == f"file: row {row}, column start: '' is not a time"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_unit_have_their_day_and_absent_ones_the_other_s(unit: str) -> None:
    start = moments(
        datetime(2026, 10, 1, 23, 59, 59, tzinfo=UTC),
        None,
        datetime(1969, 12, 31, 23, tzinfo=UTC),
        unit=unit,
    )
    rows = rows_of(start=start, period=["2026-10-01"] * 3)

    days, is_blank = starts_of(rows, "period")

    assert days.tolist() == [OCTOBER_1, OCTOBER_1, -1]
    assert is_blank.tolist() == [False, True, False]


def last_days(end: pa.Array | list[str | None], *, undated: bool = False) -> list[str]:
    """Of rows of the 1st of October; the last of them without a time where `undated`."""
    rows = rows_of(end=end)
    of_first = np.full(len(end), OCTOBER_1)
    is_undated = np.zeros(len(end), bool)
    is_undated[-1] = undated
    return last_days_of(rows, "end", of_first, is_undated).series("last_day").to_list()


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("2026-10-02T00:00:00Z", ""),
        ("2026-10-02T00:00:00.000Z", ""),
        ("2026-10-02 00:00:00", ""),
        ("2026-10-02 00:00", ""),
        ("2026-10-02", ""),
        ("2026-10-02T00:00:01Z", "2026-10-02"),
        ("2026-10-02T00:01:00Z", "2026-10-02"),
        ("2026-10-02T01:00:00Z", "2026-10-02"),
        ("2026-10-03T00:00:00Z", "2026-10-02"),
        ("2026-11-01T00:00:00Z", "2026-10-31"),
        ("2026-09-01T00:00:00Z", ""),
        ("1790899200000", ""),  # the 2nd at midnight, in milliseconds
        ("1790899200001", "2026-10-02"),
        ("1790899200000000", ""),
        ("1790985600000000", "2026-10-02"),
        ("", ""),
        (None, ""),
    ],
)
def test_an_end_is_not_in_the_row_and_one_at_midnight_is_of_the_day_before(
    text: str | None, last: str
) -> None:
    assert last_days(["2026-10-01T01:00:00Z", text]) == ["", last]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_ends_of_any_unit_are_alike(unit: str) -> None:
    ends = moments(
        datetime(2026, 10, 2, tzinfo=UTC),
        datetime(2026, 10, 2, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 10, 3, tzinfo=UTC),
        None,
        unit=unit,
    )

    assert last_days(ends) == ["", "2026-10-02", "2026-10-31", "2026-10-02", ""]


def test_an_end_may_be_a_day() -> None:
    ends = pa.array([date(2026, 10, 2), date(2026, 10, 3)], pa.date32())

    assert last_days(ends) == ["", "2026-10-02"]


def test_a_row_without_a_time_is_undated_beside_those_that_last() -> None:
    ends: list[str | None] = ["2026-11-01", "2026-10-05", "2026-11-01", "2026-11-01"]

    assert last_days(ends, undated=True) == ["2026-10-31", "2026-10-04", "2026-10-31", "undated"]


def test_without_a_column_of_ends_each_row_is_of_its_day() -> None:
    found = last_days_of(rows_of(start=["", ""]), "", np.full(2, 0), np.array([False, True]))

    assert found.series("last_day").to_list() == ["", "undated"]
