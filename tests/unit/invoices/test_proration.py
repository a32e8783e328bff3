"""What lasts over a change of hands: split by days, told, or nobody's to split."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.allocation.support.policies import SupportMode, SupportPolicy
from invoices.clients import Assignment
from invoices.inputs import Waiver
from invoices.kinds import CostBasis, Kind
from invoices.money import plain
from invoices.month import BilledMonth, bill, prove
from kernel.findings import Severity
from tests.support.builders import OCTOBER, PAYER, book, charge, charges, inputs, owns

SHOP = "111111111111"
FIRST = date(2018, 10, 1)
HANDED_OVER = [
    owns("acme", SHOP, date(2018, 1, 1), date(2018, 10, 15)),
    owns("bell", SHOP, date(2018, 10, 15)),
]
"""The shop is Acme's for 14 days of October, then Bell's for 17."""


def lasting(cost: str, kind: Kind, last_day: str = "2018-10-31", **more: Any) -> dict[str, Any]:
    dated: dict[str, Any] = {"service_day": FIRST, "last_day": last_day}
    return charge(SHOP, cost, kind, **(dated | more))


def billed(
    *rows: dict[str, Any],
    roster: list[Assignment] = HANDED_OVER,
    prorate: bool = False,
    **more: Any,
) -> BilledMonth:
    known = inputs(*roster, books=[book(aws_tax_passed_percent=Decimal(100), **more)])
    return bill(charges(*rows), replace(known, prorates_monthly_fees=prorate))


def costs(month: BilledMonth) -> dict[str, str]:
    assert prove(month).closes
    return costs_even_if_negative(month)


def costs_even_if_negative(month: BilledMonth) -> dict[str, str]:
    return {each.client: plain(each.cost) for each in month.statements if each.lines}


def workings(month: BilledMonth) -> list[tuple[str, str, str]]:
    return [
        (statement.client, plain(each.cost), each.attribution)
        for statement in month.statements
        for line in statement.lines
        for each in line.workings
    ]


def told(month: BilledMonth) -> set[tuple[str, str, bool]]:
    return {
        (each.code, each.client, each.severity is Severity.CRITICAL)
        for each in month.findings
        if "row_" in each.code or "nearest" in each.code
    }


BOTH = {
    ("row_across_change_of_hands", "acme", True),
    ("row_across_change_of_hands", "bell", True),
}
SPLIT = {("row_split_by_days", "", False)}
WHOLE = {("row_across_change_of_hands", "", False)}


@pytest.mark.parametrize("kind", [Kind.RI_FEE, Kind.SP_FEE])
def test_what_accrues_by_the_hour_is_split_by_days_and_says_so(kind: Kind) -> None:
    """100 over 31 days: 45.16129032258… for 14 of them; the last unit is Acme's, by remainder."""
    month = billed(lasting("100", kind))

    assert workings(month) == [
        ("acme", "45.1612903226", "by days: 14 of 31, 2018-10-01 to 2018-10-14"),
        ("bell", "54.8387096774", "by days: 17 of 31, 2018-10-15 to 2018-10-31"),
    ]
    assert prove(month).closes and told(month) == SPLIT
    (finding,) = [each for each in month.findings if each.code == "row_split_by_days"]
    assert "45.1612903226 to acme, 54.8387096774 to bell" in finding.message


def test_every_cost_of_a_reservation_s_fee_is_split() -> None:
    """Of 62 billed, 31 were not used, and 3.10 of an upfront payment are of this month."""
    fee = lasting(
        "62", Kind.RI_FEE, amortized_cost="31", net_amortized_cost="31", trueup="-3.10", usage="744"
    )
    assert costs(billed(fee)) == {"acme": "28", "bell": "34"}
    assert costs(billed(fee, cost_basis=CostBasis.AMORTIZED)) == {"acme": "14", "bell": "17"}


def test_days_on_which_the_account_was_nobodys_have_no_part() -> None:
    """Acme's from the 10th, Bell's from the 20th to the 24th, Acme's again from the 26th."""
    roster = [
        owns("acme", SHOP, date(2018, 10, 10), date(2018, 10, 20)),
        owns("bell", SHOP, date(2018, 10, 20), date(2018, 10, 25)),
        owns("acme", SHOP, date(2018, 10, 26)),
    ]
    month = billed(lasting("21", Kind.RI_FEE), roster=roster)

    assert workings(month) == [
        ("acme", "10", "by days: 10 of 21, 2018-10-10 to 2018-10-19"),
        ("acme", "6", "by days: 6 of 21, 2018-10-26 to 2018-10-31"),
        ("bell", "5", "by days: 5 of 21, 2018-10-20 to 2018-10-24"),
    ]


def test_a_commitment_bought_in_the_month_is_split_over_its_own_days() -> None:
    """The 9th to the 31st are 23 days, six of them Acme's."""
    fee = lasting("23", Kind.RI_FEE, service_day=date(2018, 10, 9))

    assert costs(billed(fee)) == {"acme": "6", "bell": "17"}


def test_a_negative_fee_is_split_alike() -> None:
    assert costs(billed(lasting("-0.0000000003", Kind.SP_FEE))) == {
        "acme": "-0.0000000001",
        "bell": "-0.0000000002",
    }


@pytest.mark.parametrize(
    "kind",
    [
        Kind.USAGE, Kind.RI_USAGE, Kind.SP_USAGE, Kind.SP_NEGATION, Kind.REFUND, Kind.CREDIT,
    ],
)  # fmt: skip
def test_what_accrues_unevenly_is_nobodys_to_split(kind: Kind) -> None:
    month = billed(lasting("310", kind), credits_passed_percent=Decimal(100))

    assert told(month) == BOTH and month.drafts == ()


def test_covered_usage_of_a_month_is_billed_at_0_and_still_costs() -> None:
    """By amortized cost it is 100 that nobody can split, though AWS bills nothing for it."""
    row = lasting("0", Kind.RI_USAGE, amortized_cost="100", net_amortized_cost="100")

    assert told(billed(row, cost_basis=CostBasis.AMORTIZED)) == BOTH
    assert told(billed(lasting("0", Kind.RI_USAGE))) == set()


def test_what_no_client_bears_parks_nobody() -> None:
    """Tax rows of a daily report last the month; a reseller retains them."""
    rows = [lasting("20", Kind.TAX), lasting("-5", Kind.CREDIT)]
    month = bill(charges(*rows), inputs(*HANDED_OVER))

    assert told(month) == set() and month.retained == {"aws_tax": 20, "credits": -5}


S3: dict[str, Any] = {"service": "AmazonS3"}
USED = [
    charge(SHOP, "30", service_day=date(2018, 10, 3)),
    charge(SHOP, "90", service_day=date(2018, 10, 20)),
    charge(SHOP, "40", service_day=date(2018, 10, 20), **S3),
]
"""Acme used 30 of AmazonEC2; Bell 90, and 40 of AmazonS3."""
BY_CHARGES = {("row_split_by_charges", "", False)}


@pytest.mark.parametrize("last_day", ["2018-10-31", "undated"])
@pytest.mark.parametrize(
    ("kind", "more", "acme", "bell"),
    [
        (Kind.TAX, {}, "37.5", "152.5"),
        (Kind.DISCOUNT_EDP, {}, "37.5", "152.5"),
        (Kind.DISCOUNT_SPP, {}, "37.5", "152.5"),
        (Kind.TAX, S3, "30", "160"),
        (Kind.TAX, {"service": "AmazonSNS"}, "35.625", "154.375"),
    ],
)
def test_a_percentage_is_split_as_what_it_is_of(
    kind: Kind, more: dict[str, str], acme: str, bell: str, last_day: str
) -> None:
    """30: of AmazonEC2 7.50 and 22.50, of AmazonS3 all Bell's; of what is unknown 30 x 30/160."""
    passed = {kind: Decimal(100)} if kind is not Kind.TAX else {}
    month = billed(*USED, lasting("30", kind, last_day, **more), discounts_passed_percent=passed)

    assert costs(month) == {"acme": acme, "bell": bell}
    assert told(month) == BY_CHARGES


def test_the_working_of_a_percentage_says_what_it_is_of() -> None:
    """A third and two thirds of 100 come to 100 at the tenth place."""
    used = [
        charge(SHOP, "30", service_day=FIRST),
        charge(SHOP, "60", service_day=date(2018, 10, 15)),
    ]
    month = billed(*used, lasting("100", Kind.TAX))

    assert [each for each in workings(month) if each[2]] == [
        ("acme", "33.3333333333", "by charges: 30 of 90"),
        ("bell", "66.6666666667", "by charges: 60 of 90"),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [lasting("20", Kind.TAX)],
        [*USED, lasting("20", Kind.TAX, "2018-10-20")],
        [
            charge(SHOP, "-5", service_day=date(2018, 10, 3)),
            charge(SHOP, "9", service_day=date(2018, 10, 20)),
            lasting("20", Kind.TAX),
        ],
    ],
)
def test_a_percentage_of_what_cannot_be_known_is_nobodys_to_split(
    rows: list[dict[str, Any]],
) -> None:
    """Of no charges, of a part of the month, of charges that are money back."""
    assert told(billed(*rows)) == BOTH


def test_a_volume_discount_is_split_as_the_fees_it_is_upon() -> None:
    row = lasting("-31", Kind.DISCOUNT_RI_VOLUME)
    month = billed(row, discounts_passed_percent={Kind.DISCOUNT_RI_VOLUME: Decimal(100)})

    assert costs_even_if_negative(month) == {"acme": "-14", "bell": "-17"}


def test_a_waiver_bills_it_whole_as_of_its_first_day_and_the_working_says_so() -> None:
    waiver = Waiver(PAYER, OCTOBER, "row_across_change_of_hands", "", "agreed by both")
    known = replace(inputs(*HANDED_OVER), waivers=(waiver,))
    month = bill(charges(lasting("310", Kind.USAGE)), known)

    words = "whole, as of its first day; it lasts 2018-10-01 to 2018-10-31"
    assert workings(month) == [("acme", "310", words)]
    assert [draft.client for draft in month.drafts] == ["acme"]


SUPPORT = {"service": "AWSSupportBusiness"}
REGISTRAR = {"service": "AmazonRegistrar"}
MARKETPLACE = {"billing_entity": "AWS Marketplace", "seller": "Datadog"}


@pytest.mark.parametrize("more", [SUPPORT, MARKETPLACE, {}])
@pytest.mark.parametrize("kind", [Kind.FEE, Kind.SUBSCRIPTION])
def test_a_monthly_fee_is_its_first_owner_s_or_prorated_by_the_switch(
    kind: Kind, more: dict[str, str]
) -> None:
    fee = lasting("310", kind, **more)

    assert costs(billed(fee)) == {"acme": "310"} and told(billed(fee)) == WHOLE
    assert costs(billed(fee, prorate=True)) == {"acme": "140", "bell": "170"}
    assert told(billed(fee, prorate=True)) == SPLIT


@pytest.mark.parametrize("last_day", ["2018-10-31", "undated", ""])
def test_support_is_of_the_month_however_it_is_dated(last_day: str) -> None:
    fee = lasting("310", Kind.FEE, last_day, **SUPPORT)

    assert costs(billed(fee)) == {"acme": "310"}
    assert told(billed(fee)) == WHOLE
    assert costs(billed(fee, prorate=True)) == {"acme": "140", "bell": "170"}


@pytest.mark.parametrize("mode", [SupportMode.SUPPRESS, SupportMode.PROPORTIONAL])
def test_support_that_contracts_keep_or_share_is_not_told_as_billed_whole(
    mode: SupportMode,
) -> None:
    fee = lasting("310", Kind.FEE, **SUPPORT)
    books = [book(support=SupportPolicy(mode))]
    rows = [fee, charge(SHOP, "10", service_day=date(2018, 10, 3))]

    assert told(bill(charges(*rows), inputs(*HANDED_OVER, books=books))) == set()


@pytest.mark.parametrize(
    ("kind", "last_day", "more"),
    [
        (Kind.FEE, "2019-09-30", MARKETPLACE),
        (Kind.FEE, "2018-10-31", REGISTRAR),
        (Kind.RI_UPFRONT, "2018-10-31", {}),
        (Kind.SP_UPFRONT, "2018-10-31", {}),
    ],
)
def test_what_is_bought_once_is_its_first_owner_s_by_the_switch_or_not(
    kind: Kind, last_day: str, more: dict[str, str]
) -> None:
    """A contract of a year, a domain, and commitments paid upfront."""
    for prorate in (False, True):
        month = billed(lasting("310", kind, last_day, **more), prorate=prorate)
        assert costs(month) == {"acme": "310"} and told(month) == WHOLE


def test_the_switch_asks_who_had_the_account_in_the_month_not_who_was_nearest() -> None:
    """It joined on the 10th, and was handed over on the 20th: 10 and 12 days of membership."""
    roster = [
        owns("acme", SHOP, date(2018, 10, 10), date(2018, 10, 20)),
        owns("bell", SHOP, date(2018, 10, 20)),
    ]
    fee = lasting("22", Kind.FEE, **SUPPORT)

    whole = billed(fee, roster=roster)
    words = "dated 2018-10-01, when the account was nobody's: whose it was nearest in time"
    assert workings(whole) == [("acme", "22", words)]
    assert told(whole) == WHOLE | {("charged_to_nearest_owner", "", False)}
    assert costs(billed(fee, roster=roster, prorate=True)) == {"acme": "10", "bell": "12"}


def test_a_fee_that_ends_on_its_day_is_of_its_day() -> None:
    month = billed(lasting("310", Kind.FEE, ""), lasting("7", Kind.RI_FEE, ""), prorate=True)

    assert costs(month) == {"acme": "317"} and told(month) == set()


def test_our_own_accounts_are_not_split() -> None:
    known = inputs(*HANDED_OVER, internal=[SHOP])
    month = bill(charges(lasting("100", Kind.RI_FEE)), known)

    assert month.retained == {"internal_accounts": 100} and told(month) == set()


def test_an_invoice_is_of_the_parts_rounded_and_shows_nothing_of_how_they_came_about() -> None:
    """45.1612903226 and 54.8387096774: no cent is lost."""
    month = billed(lasting("100", Kind.RI_FEE))

    totals = {draft.client: draft.invoice.total_minor for draft in month.drafts}
    assert totals == {"acme": 45_16, "bell": 54_84}
    assert "by days" not in str([draft.invoice for draft in month.drafts])
