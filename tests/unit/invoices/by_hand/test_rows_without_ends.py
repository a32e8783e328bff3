"""Exports that do not say when rows end: what is of the first day may be the whole month's."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.inputs import ExportLimits
from invoices.kinds import Kind
from invoices.month import BilledMonth, bill
from tests.support.builders import book, charge, charges, inputs, owns
from tests.unit.invoices.test_proration import (
    BOTH,
    BY_CHARGES,
    HANDED_OVER,
    SHOP,
    SPLIT,
    SUPPORT,
    USED,
    WHOLE,
    billed,
    costs,
    lasting,
    told,
)


def test_without_ends_of_rows_a_reservation_s_fee_of_the_first_is_the_month_s() -> None:
    known = inputs(*HANDED_OVER)
    no_ends = replace(
        known, export_limits=ExportLimits(ends="no column of ends"), prorates_monthly_fees=True
    )
    rows = [
        lasting("31", Kind.RI_FEE, ""),
        lasting("5", Kind.RI_FEE, "", service_day=date(2018, 10, 9)),
    ]

    assert costs(bill(charges(*rows), known)) == {"acme": "36"}
    assert costs(bill(charges(*rows), no_ends)) == {"acme": "19", "bell": "17"}
    off = replace(no_ends, prorates_monthly_fees=False)
    assert costs(bill(charges(*rows), off)) == {"acme": "19", "bell": "17"}


def test_without_ends_of_rows_support_and_subscriptions_of_the_first_are_the_month_s() -> None:
    """310 of the first: Acme's, and told; by the switch 14 and 17 days of 31."""
    known = replace(inputs(*HANDED_OVER), export_limits=ExportLimits(ends="no column of ends"))
    prorated = replace(known, prorates_monthly_fees=True)

    for row in (lasting("310", Kind.FEE, "", **SUPPORT), lasting("310", Kind.SUBSCRIPTION, "")):
        whole = bill(charges(row), known)
        assert costs(whole) == {"acme": "310"} and told(whole) == WHOLE
        assert costs(bill(charges(row), prorated)) == {"acme": "140", "bell": "170"}


def without_ends(*rows: dict[str, Any], **more: Any) -> BilledMonth:
    known = inputs(*HANDED_OVER, books=[book(aws_tax_passed_percent=Decimal(100), **more)])
    return bill(charges(*rows), replace(known, export_limits=ExportLimits(ends="no column")))


@pytest.mark.parametrize("kind", [Kind.TAX, Kind.DISCOUNT_EDP, Kind.DISCOUNT_SPP])
def test_without_ends_of_rows_a_rate_of_the_first_only_is_the_month_s(kind: Kind) -> None:
    """30 upon AmazonEC2: Acme used 30 of 120 of it, and Bell 90. Of other days too, each is its
    day's: 31 of the first are all Acme's, with its 30; and 1 of the 20th is Bell's, with its 130.
    """
    passed = {kind: Decimal(100)} if kind is not Kind.TAX else {}
    month = without_ends(*USED, lasting("30", kind, ""), discounts_passed_percent=passed)

    assert costs(month) == {"acme": "37.5", "bell": "152.5"}
    assert told(month) == BY_CHARGES

    each_day = [lasting("31", kind, ""), lasting("1", kind, "", service_day=date(2018, 10, 20))]
    daily = without_ends(*USED, *each_day, discounts_passed_percent=passed)
    assert costs(daily) == {"acme": "61", "bell": "131"} and told(daily) == set()


def test_without_ends_of_rows_discounts_of_single_prices_are_nobody_s_to_split() -> None:
    """A volume discount is split as the fees are that it is upon: 14 and 17 days of -31."""
    bundled, volume = Kind.DISCOUNT_BUNDLED, Kind.DISCOUNT_RI_VOLUME
    passed = {bundled: Decimal(100), volume: Decimal(100)}

    parked = without_ends(*USED, lasting("-3", bundled, ""), discounts_passed_percent=passed)
    assert told(parked) == BOTH and parked.drafts == ()
    split = without_ends(*USED, lasting("-31", volume, ""), discounts_passed_percent=passed)
    assert costs(split) == {"acme": "16", "bell": "113"} and told(split) == SPLIT


@pytest.mark.parametrize(("other_day", "parks"), [(1, True), (9, False)])
def test_usage_that_is_all_of_the_first_day_may_be_a_month_s(other_day: int, parks: bool) -> None:
    """Without ends of rows, an export by the month is told by its days: there is only one."""
    other = charge("222222222222", "1", service_day=date(2018, 10, other_day))
    known = inputs(*HANDED_OVER, owns("carl", "222222222222"))
    no_ends = replace(known, export_limits=ExportLimits(ends="no column of ends"))
    month = bill(charges(lasting("310", Kind.USAGE, ""), other), no_ends)

    assert told(month) == (BOTH if parks else set())
    assert [draft.client for draft in month.drafts] == (["carl"] if parks else ["acme", "carl"])


def test_an_undated_refund_parks_both_and_names_them_and_the_sum() -> None:
    month = billed(lasting("-8", Kind.REFUND, "undated"), charge(SHOP, "100"))

    assert told(month) == BOTH
    words = {each.message for each in month.findings if each.code == "row_across_change_of_hands"}
    (message,) = words
    assert "-8 USD of refund" in message and "have no time" in message
    assert "is acme's until it is bell's from 2018-10-15" in message


def test_an_undated_refund_of_an_account_of_one_client_stops_nobody() -> None:
    month = billed(
        lasting("-8", Kind.REFUND, "undated"), charge(SHOP, "100"), roster=[owns("acme", SHOP)]
    )

    assert told(month) == set() and costs(month) == {"acme": "92"}
