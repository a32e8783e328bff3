"""Months and spans of days: where they begin, end, meet and are refused."""

from datetime import date

import pytest

from invoices.periods import BillingPeriod, DaySpan

DECEMBER, JANUARY = BillingPeriod(2026, 12), BillingPeriod(2027, 1)


def test_a_year_ends_with_december() -> None:
    assert (DECEMBER.next, JANUARY.previous) == (JANUARY, DECEMBER)
    assert (BillingPeriod(2026, 1).next, BillingPeriod(2026, 11).next) == (
        BillingPeriod(2026, 2),
        DECEMBER,
    )
    assert (DECEMBER.start, DECEMBER.end) == (date(2026, 12, 1), date(2027, 1, 1))
    assert DECEMBER < JANUARY and str(DECEMBER) == "2026-12"


def test_a_month_has_its_first_day_and_not_the_next_one_s() -> None:
    assert date(2026, 12, 1) in DECEMBER and date(2026, 12, 31) in DECEMBER
    assert date(2026, 11, 30) not in DECEMBER and date(2027, 1, 1) not in DECEMBER
    assert DECEMBER.days == DaySpan(date(2026, 12, 1), date(2027, 1, 1))


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "0000-01", "2026-1", "26-01", "2026-10-01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no billing period"):
        BillingPeriod.parse(text)


@pytest.mark.parametrize("end", [date(2026, 10, 1), date(2026, 9, 30)])
def test_a_span_has_a_day(end: date) -> None:
    with pytest.raises(ValueError, match="must end after it starts"):
        DaySpan(date(2026, 10, 1), end)
    assert date(2026, 10, 1) in DaySpan(date(2026, 10, 1), date(2026, 10, 2))


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (DaySpan(date(2026, 9, 1), date(2026, 10, 1)), False),
        (DaySpan(date(2026, 9, 1), date(2026, 10, 2)), True),
        (DaySpan(date(2026, 10, 10)), False),
        (DaySpan(date(2026, 10, 9)), True),
        (DaySpan(date(2026, 9, 1)), True),
        (DaySpan(date(2026, 10, 3), date(2026, 10, 4)), True),
    ],
)
def test_spans_that_share_a_day_overlap(other: DaySpan, overlaps: bool) -> None:
    span = DaySpan(date(2026, 10, 1), date(2026, 10, 10))

    assert span.overlaps(other) is other.overlaps(span) is overlaps
    assert span.overlaps(span) and DaySpan(span.start).overlaps(DaySpan(other.start))
