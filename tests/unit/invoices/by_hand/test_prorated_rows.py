"""The rows that proration leaves: each part has its days, its bearer and its share of every sum."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from invoices.allocation.direct import assign
from invoices.allocation.proration import Crossing, prorate
from invoices.charges import MEASURES, with_undated_usage
from invoices.clients import Assignment, Roster
from invoices.kinds import Kind
from tests.support.builders import OCTOBER, charge, charges, frame, owns

SHOP, OTHER = "111111111111", "222222222222"
FIRST, LAST = date(2018, 10, 1), "2018-10-31"


def prorated(
    *rows: dict[str, Any], roster: list[Assignment]
) -> tuple[pl.DataFrame, tuple[Crossing, ...]]:
    known = Roster.of(roster)
    assigned = assign(frame(*rows), known, period=OCTOBER, internal_accounts=frozenset())
    return prorate(assigned, known, period=OCTOBER, fees_by_month=False, has_ends=True)


def test_a_part_has_its_own_days_and_one_of_a_single_day_lasts_no_longer() -> None:
    """31 of October: Acme has 29 of them, Bell the 30th alone, Carl the 31st."""
    roster = [
        owns("acme", SHOP, date(2018, 1, 1), date(2018, 10, 30)),
        owns("bell", SHOP, date(2018, 10, 30), date(2018, 10, 31)),
        owns("carl", SHOP, date(2018, 10, 31)),
    ]
    fee = charge(SHOP, "31", Kind.RI_FEE, service_day=FIRST, last_day=LAST, usage="744")

    rows, (crossing,) = prorated(fee, roster=roster)

    columns = ["client", "service_day", "last_day", "billed_cost", "usage", "is_nearest"]
    assert rows.select(columns).rows() == [
        ("acme", FIRST, "2018-10-29", 29, 696, False),
        ("bell", date(2018, 10, 30), "", 1, 24, False),
        ("carl", date(2018, 10, 31), "", 1, 24, False),
    ]
    assert (crossing.first_day, crossing.last_day) == (FIRST, date(2018, 10, 31))
    assert crossing.clients == ["acme", "bell", "carl"]
    assert crossing.parts == {"acme": 29, "bell": 1, "carl": 1}
    assert (crossing.account_id, crossing.kind, crossing.is_dated) == (SHOP, Kind.RI_FEE, True)
    assert (crossing.owner, crossing.net_billed_cost) == ("acme", Decimal(31))
    assert not crossing.is_free


def test_a_percentage_of_less_than_a_dollar_is_split_as_what_it_is_of() -> None:
    """0.40 and 0.50: four ninths and five of 0.09."""
    roster = [
        owns("acme", SHOP, date(2018, 1, 1), date(2018, 10, 15)),
        owns("bell", SHOP, date(2018, 10, 15)),
    ]
    used = [
        charge(SHOP, "0.40", service_day=FIRST),
        charge(SHOP, "0.50", service_day=date(2018, 10, 15)),
    ]
    tax = charge(SHOP, "0.09", Kind.TAX, service_day=FIRST, last_day=LAST)

    rows, _ = prorated(*used, tax, roster=roster)

    taxed = rows.filter(pl.col("kind") == "tax").sort("client")
    assert taxed.select("client", "billed_cost", "service_day", "last_day").rows() == [
        ("acme", Decimal("0.04"), FIRST, "2018-10-14"),
        ("bell", Decimal("0.05"), date(2018, 10, 15), LAST),
    ]


def test_rows_of_others_and_of_single_days_stay_as_they_were() -> None:
    roster = [
        owns("acme", SHOP, date(2018, 1, 1), date(2018, 10, 15)),
        owns("bell", SHOP, date(2018, 10, 15)),
        owns("carl", OTHER),
    ]
    rows = [
        charge(OTHER, "5", Kind.RI_FEE, service_day=FIRST, last_day=LAST),
        charge(SHOP, "7", service_day=date(2018, 10, 14)),
        charge(SHOP, "9", service_day=date(2018, 10, 15)),
    ]

    found, crossings = prorated(*rows, roster=roster)

    assert crossings == ()
    assert found.select("client", "billed_cost", "last_day").rows() == [
        ("carl", 5, LAST),
        ("acme", 7, ""),
        ("bell", 9, ""),
    ]


@pytest.mark.parametrize(
    ("kind", "last_day"),
    [
        (Kind.USAGE, "undated"),
        (Kind.SP_USAGE, "undated"),
        (Kind.SP_NEGATION, "undated"),
        (Kind.RI_FEE, "2018-10-31"),
        (Kind.TAX, "2018-10-31"),
    ],
)
def test_usage_alone_becomes_undated_where_all_of_it_is_of_one_day(
    kind: Kind, last_day: str
) -> None:
    rows = [
        charge(SHOP, "1", service_day=FIRST),
        charge(SHOP, "2", kind, service_day=FIRST, last_day="2018-10-31", sku="X"),
    ]

    found = with_undated_usage(charges(*rows), FIRST)

    assert dict(found.frame.select("sku", "last_day").iter_rows()) == {"": "undated", "X": last_day}
    assert found.frame.select(MEASURES[1]).to_series().sum() == 3


def test_usage_of_two_days_keeps_them() -> None:
    rows = [charge(SHOP, "1", service_day=FIRST), charge(SHOP, "2", service_day=date(2018, 10, 2))]
    known = charges(*rows)

    assert with_undated_usage(known, FIRST) is known
