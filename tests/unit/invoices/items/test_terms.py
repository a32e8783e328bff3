"""Parts of terms: by the days that are charged, and together the whole, to the last digit."""

import itertools
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.money import exact_sum
from invoices.periods import BillingPeriod, DaySpan
from invoices.pricing.terms import Term


def term(start: str, months: int, first: str, last: str | None = None) -> Term:
    begins = BillingPeriod.parse(start)
    end = date.fromisoformat(last) if last else None
    return Term(begins, begins.after(months), DaySpan(date.fromisoformat(first), end))


@pytest.mark.parametrize(
    ("part", "days", "of", "amount", "charged"),
    [
        # From the 15th on, the 15th itself as well: 17 days are left of October.
        (term("2018-10", 1, "2018-10-15"), 17, 31, "310", "170"),
        # Until the 15th, without it.
        (term("2018-10", 1, "2018-01-01", "2018-10-15"), 14, 31, "310", "140"),
        (term("2024-02", 1, "2024-02-29"), 1, 29, "29", "1"),
        (term("2023-02", 1, "2023-02-28"), 1, 28, "28", "1"),
        # October to December have 92 days, of which the first 14 are not charged.
        (term("2018-10", 3, "2018-10-15"), 78, 92, "920", "780"),
        (term("2018-10", 1, "2018-10-10", "2018-10-11"), 1, 31, "31", "1"),
        (term("2018-10", 1, "2018-10-01", "2018-11-01"), 31, 31, "0.12345678901", "0.12345678901"),
    ],
)  # fmt: skip
def test_a_part_is_by_its_days(part: Term, days: int, of: int, amount: str, charged: str) -> None:
    assert (part.days_charged, part.days_in_all) == (days, of)
    assert part.part_of(Decimal(amount)) == Decimal(charged)


@settings(max_examples=60, deadline=None)
@given(
    st.decimals("0", "1000000", places=12),
    st.integers(0, 400),
    st.integers(1, 12),
    st.sets(st.integers(1, 364), max_size=5),
)
def test_spans_that_follow_each_other_come_to_the_whole(
    amount: Decimal, month: int, months: int, cuts: set[int]
) -> None:
    start = BillingPeriod(2001, 1).after(month)
    end = start.after(months)
    within = {start.start.toordinal() + cut for cut in cuts}
    days = sorted({start.start.toordinal(), end.start.toordinal()} | {
        day for day in within if day < end.start.toordinal()
    })  # fmt: skip
    parts = [
        Term(start, end, DaySpan(date.fromordinal(first), date.fromordinal(last))).part_of(amount)
        for first, last in itertools.pairwise(days)
    ]

    assert exact_sum(parts) == amount
    assert all(part >= 0 for part in parts)
