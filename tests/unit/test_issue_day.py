"""Which day a document may have; each case is one that invoicing programs had trouble with."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from invoices.periods import BillingPeriod
from service.actions.billing.issue_day import (
    IssueDayFacts,
    IssueDayRefused,
    Override,
    check_issue_day,
)

OCTOBER = BillingPeriod(2026, 10)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANN = Override("The contract says so", "ann")


def facts(
    now: datetime = NOON,
    last_issued_on: date | None = date(2026, 11, 5),
    delivered_on: date | None = date(2026, 11, 20),
) -> IssueDayFacts:
    return IssueDayFacts(now, last_issued_on, delivered_on)


@pytest.mark.parametrize("override", [None, ANN])
@pytest.mark.parametrize(
    "day",
    [
        date(2026, 11, 25),
        date(2027, 4, 17),  # OCA account-financial-tools 1890: a date of five months ahead.
        date(2027, 12, 31),  # The right day of the wrong year.
        date(2062, 11, 23),  # Two digits of the year changed places.
    ],
)
def test_a_day_to_come_is_refused_whoever_answers_for_it(
    day: date, override: Override | None
) -> None:
    """It would hold up all later documents of the series: OCA 1890, bhima 8026."""
    with pytest.raises(IssueDayRefused, match=f"{day} is still to come; issue with today's date"):
        check_issue_day(OCTOBER, day, facts(), override)


@pytest.mark.parametrize(
    ("now", "day", "is_today"),
    [
        (datetime(2026, 11, 23, 9, 59, tzinfo=UTC), date(2026, 11, 24), False),
        (datetime(2026, 11, 23, 10, tzinfo=UTC), date(2026, 11, 24), True),
        (datetime(2026, 11, 23, 23, 59, tzinfo=UTC), date(2026, 11, 24), True),
        (datetime(2026, 11, 23, 23, 59, tzinfo=UTC), date(2026, 11, 25), False),
    ],
)
def test_a_day_that_has_begun_somewhere_is_today(now: datetime, day: date, is_today: bool) -> None:
    """Kiribati is the first to have it: 10 o'clock in UTC is midnight there."""
    if is_today:
        assert check_issue_day(OCTOBER, day, facts(now), None) == ""
    else:
        with pytest.raises(IssueDayRefused):
            check_issue_day(OCTOBER, day, facts(now), None)


@pytest.mark.parametrize("day", [date(2026, 10, 31), date(2026, 10, 22)])
def test_the_end_of_the_month_itself_takes_a_reason(day: date) -> None:
    """Goods of the last day on the first, or the other way round: odoo 25586 has both customs."""
    words = f"2026-10 is not over on {day}; its invoices are dated 2026-11-01 or later"
    with pytest.raises(IssueDayRefused, match=f"{words}; --override REASON"):
        check_issue_day(OCTOBER, day, facts(), None)
    assert check_issue_day(OCTOBER, day, facts(), ANN) == words


@pytest.mark.parametrize("day", [date(2026, 10, 21), date(2026, 9, 30), date(1, 1, 1)])
def test_ten_days_are_the_grace(day: date) -> None:
    with pytest.raises(IssueDayRefused, match="with a reason 2026-10-22 or later"):
        check_issue_day(OCTOBER, day, facts(), ANN)


def test_a_month_of_next_year_is_not_over_today() -> None:
    """February 2028, fifteen months before it was supplied."""
    with pytest.raises(IssueDayRefused, match="2028-02 is not over on 2026-11-23"):
        check_issue_day(BillingPeriod(2028, 2), date(2026, 11, 23), facts(), ANN)


def test_a_clock_that_jumped_ahead_is_asked_about() -> None:
    """It agrees with itself, so the series' last day and the delivery's are what it is held to."""
    jumped = facts(datetime(2030, 1, 1, tzinfo=UTC))
    day = date(2030, 1, 1)
    # From 20 November 2026 it is 42 days to the new year, then 365 + 366 (2028) + 365 = 1138.
    with pytest.raises(IssueDayRefused, match="is 1138 days after all that is known"):
        check_issue_day(OCTOBER, day, jumped, None)
    assert "look whether the clock is right" in check_issue_day(OCTOBER, day, jumped, ANN)


@pytest.mark.parametrize(
    ("last", "delivered", "asks"),
    [
        (date(2026, 9, 24), date(2026, 9, 23), False),  # 60 days
        (date(2026, 9, 23), date(2026, 9, 23), True),  # 61 days
        (date(2026, 9, 23), date(2026, 11, 20), False),  # a fresh delivery
        (date(2026, 11, 20), date(2026, 9, 23), False),  # a series that is in use
        (None, date(2026, 9, 23), True),  # a first document, of an old delivery
        (None, date(2026, 11, 20), False),
        (None, None, False),
    ],
)
def test_what_is_known_is_the_later_of_series_and_delivery(
    last: date | None, delivered: date | None, asks: bool
) -> None:
    known = facts(last_issued_on=last, delivered_on=delivered)
    if asks:
        with pytest.raises(IssueDayRefused, match="61 days after all that is known"):
            check_issue_day(OCTOBER, date(2026, 11, 23), known, None)
    else:
        assert check_issue_day(OCTOBER, date(2026, 11, 23), known, None) == ""
