"""Upfront fees in equal invoices or by AWS's amortization, over the months of a term."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.jobs.ingest.test_assumptions import focus_line
from tests.scenarios.commitments.rows import (
    account,
    of_month,
    of_reservation,
    planned,
    reservation_fee,
    reserved,
    upfront_fee,
)
from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, payer, written
from tests.support.bills.ingest_builders import PAYER, Row, line


def spread(amount: str) -> dict[str, Any]:
    return {"upfront": {"amount": amount, "from": "2026-10", "months": 12}}


def consumed(number: int, part: str, net: str = "") -> Row:
    """A month's fee of a reservation that was paid upfront, of which nobody used anything."""
    names = ["reservation_amortized_upfront_fee_for_billing_period"]
    names.append("reservation_unused_amortized_upfront_fee_for_billing_period")
    more = dict.fromkeys(names, part)
    if net:
        more |= {name.replace("reservation_", "reservation_net_"): net for name in names}
        more |= {"reservation_net_unused_recurring_fee": "0", "line_item_net_unblended_cost": "0"}
    return reservation_fee(number, "0", **more)


def bill(rebill: Rebill, folder: Path, period: str, rows: list[Row]) -> Any:
    export = exported(folder / period, [of_month(period, row) for row in rows])
    taken = rebill("ingest", export, "--payer", PAYER, "--period", period)
    assert taken.status == 0, taken.err
    return rebill("bill", "--period", period, "--json").json


def totals(billed: Any) -> dict[str, str]:
    return {each["client"]: each["total"] for each in billed["invoices"]}


def parked(billed: Any, code: str) -> dict[str, str]:
    return {each["client"]: each["message"] for each in billed["findings"] if each["code"] == code}


def test_a_fee_is_spread_over_twelve_invoices_to_the_cent(rebill: Rebill, tmp_path: Path) -> None:
    """1,200 is twelve times 100. Of 1,000, four invoices of 83.34 are 333.36, and eight of 83.33
    are 666.64: 1,000.00. Of the third, the file says 1,200 and AWS billed 1,300.
    """
    arns = {reserved(5): spread("1200"), reserved(6): spread("1000"), reserved(7): spread("1200")}
    clients = [client(f"a-{n}", account(f"a-{n}")) for n in (5, 6, 7)]
    books = [book(commitments={"arns": arns})]
    assert rebill("apply", written(tmp_path, clients=clients, price_books=books)).status == 0
    paid = [upfront_fee(5, "1200"), upfront_fee(6, "1000"), upfront_fee(7, "1300")]
    parts = [consumed(5, "100"), consumed(6, "83.3333333333"), consumed(7, "108.3333333333")]

    october = bill(rebill, tmp_path, PERIOD, [*paid, *parts])
    assert totals(october) == {"a-5": "100.00", "a-6": "83.34"}
    told = parked(october, "commitment_upfront_differs")
    assert list(told) == ["a-7"]
    assert "in 12 invoices of 1200 from 2026-10; in 2026-10 AWS billed 1300 of it" in told["a-7"]
    due = {
        "2026-11": ("100.00", "83.34"),
        "2027-01": ("100.00", "83.34"),
        "2027-02": ("100.00", "83.33"),
        "2027-09": ("100.00", "83.33"),
        "2027-10": ("0.00", "0.00"),
    }
    for period, (a, b) in due.items():
        found = totals(bill(rebill, tmp_path, period, parts[:2]))
        assert found == {"a-5": a, "a-6": b}, period
        assert rebill("reconcile", "--period", period).status == 0


def test_after_discounts_a_months_part_is_stated_not_taken_from_before_them(
    rebill: Rebill, tmp_path: Path
) -> None:
    """1,200 before discounts and 1,080 after: 90.00 a month on net cost, and no 100."""
    clients = [client("a-8", account("a-8"))]

    def by(policy: dict[str, Any]) -> None:
        books = [book(basis="net_billed", commitments={"arns": {reserved(8): policy}})]
        assert rebill("apply", written(tmp_path, clients=clients, price_books=books)).status == 0

    rows = [
        upfront_fee(8, "1200", line_item_net_unblended_cost="1080"),
        consumed(8, "100", "90"),
    ]
    by({"upfront": "amortized"})
    told = parked(bill(rebill, tmp_path, PERIOD, rows), "commitment_upfront_unanswerable")
    assert "before them, it is another sum by 10)" in told["a-8"]
    assert "Write its amount after discounts" in told["a-8"]
    assert parked(bill(rebill, tmp_path, "2026-11", rows[1:]), "commitment_upfront_unanswerable")

    by(spread("1080"))
    assert totals(bill(rebill, tmp_path, PERIOD, rows)) == {"a-8": "90.00"}
    assert totals(bill(rebill, tmp_path, "2026-11", rows[1:])) == {"a-8": "90.00"}
    assert rebill("reconcile", "--period", PERIOD).status == 0

    by(spread("1200"))
    differs = parked(bill(rebill, tmp_path, PERIOD, rows), "commitment_upfront_differs")
    assert "AWS billed 1080 of it after discounts" in differs["a-8"]


def test_where_nothing_is_off_the_parts_before_and_after_discounts_are_one(
    rebill: Rebill, tmp_path: Path
) -> None:
    """Net columns that say the same, and a month without any: 100.00 of 1,200."""
    clients = [client("a-8", account("a-8"))]
    said = {"arns": {reserved(8): {"upfront": "amortized"}}}
    books = [book(basis="net_billed", commitments=said)]
    assert rebill("apply", written(tmp_path, clients=clients, price_books=books)).status == 0
    paid = upfront_fee(8, "1200", line_item_net_unblended_cost="1200")

    october = bill(rebill, tmp_path, PERIOD, [paid, consumed(8, "100", "100")])
    assert totals(october) == {"a-8": "100.00"}
    assert totals(bill(rebill, tmp_path, "2026-11", [consumed(8, "100")])) == {"a-8": "100.00"}


@pytest.mark.parametrize("basis", ["billed", "net_billed"])
def test_focus_does_not_tell_a_months_part(rebill: Rebill, tmp_path: Path, basis: str) -> None:
    """1,200 paid once, of which October consumed 60 and left 40: nobody's column says 100."""
    of = {
        "SubAccountId": account("a-9"),
        "CommitmentDiscountId": planned(9),
        "CommitmentDiscountCategory": "Spend",
        "ChargeFrequency": "Recurring",
        "CommitmentDiscountStatus": "",
        "ListCost": "0",
    }
    once = {"ChargeCategory": "Purchase", "ChargeFrequency": "One-Time", "EffectiveCost": "0"}
    rows = [
        focus_line("1200", **(of | once)),
        focus_line("0", EffectiveCost="60", **(of | {"CommitmentDiscountStatus": "Used"})),
        focus_line("0", EffectiveCost="40", **(of | {"CommitmentDiscountStatus": "Unused"})),
    ]
    said = {"arns": {planned(9): {"upfront": "amortized"}}}
    books = [book(basis=basis, commitments=said)]
    clients = [client("a-9", account("a-9"))]
    assert rebill("apply", written(tmp_path, clients=clients, price_books=books)).status == 0
    export = exported(tmp_path / "e", rows, name="focus.csv.gz")
    assert rebill("ingest", export, "--payer", PAYER, "--period", PERIOD).status == 0

    billed = rebill("bill", "--period", PERIOD, "--json").json
    assert list(parked(billed, "commitment_upfront_unanswerable")) == ["a-9"]
    assert totals(billed) == {}


def test_a_part_that_is_billed_to_nobody_is_told(rebill: Rebill, tmp_path: Path) -> None:
    """C has the account from November 16 on, 15 days of 30, and its book spreads nothing; of
    another, the account is ours. Both are told, until C's book has the fee as well: 50 and 50.
    """
    hands = {
        "a-1": {"id": account("a-1"), "from": "2018-01-01", "to": "2026-11-16"},
        "c-1": {"id": account("a-1"), "from": "2026-11-16"},
    }
    clients = [
        client("a-1", accounts=[hands["a-1"]]),
        client("c-1", accounts=[hands["c-1"]], price_book="other"),
    ]
    ours = [payer(PAYER, internal_accounts=[account("a-2")])]
    of_both = {reserved(1): spread("1200"), reserved(2): spread("600")}

    def apply(other: dict[str, Any]) -> None:
        books = [book(commitments={"arns": of_both}), book("other", **other)]
        said = written(tmp_path, clients=clients, price_books=books, payers=ours)
        assert rebill("apply", said).status == 0

    apply({})
    november = bill(rebill, tmp_path, "2026-11", [consumed(1, "100"), consumed(2, "50")])
    assert totals(november) == {"a-1": "50.00", "c-1": "0.00"}
    told = [
        e["message"] for e in november["findings"] if e["code"] == "commitment_upfront_unbilled"
    ]
    assert len(told) == 2
    assert f"of {reserved(1)} over 12 invoices from 2026-10, and in 2026-11 it is c-1's" in told[0]
    assert f"of {reserved(2)} over 12 invoices from 2026-10, and in 2026-11 it is no cl" in told[1]

    apply({"commitments": {"arns": {reserved(1): spread("1200")}}})
    again = rebill("bill", "--period", "2026-11", "--json").json
    assert totals(again) == {"a-1": "50.00", "c-1": "50.00"}


def test_a_fee_goes_on_when_the_commitment_is_given_back(rebill: Rebill, tmp_path: Path) -> None:
    """Of 1,200 AWS gives 1,100 back in November: 2,000 + 100 - 1,100 then, and 5 + 100 in December,
    which has no row of the reservation any more. It is told, and billed until 1,200 are paid.
    """
    clients = [client("a-1", account("a-1"))]
    books = [book(commitments={"arns": {reserved(1): spread("1200")}})]
    assert rebill("apply", written(tmp_path, clients=clients, price_books=books)).status == 0
    of = of_reservation("a-1")
    used = {"line_item_usage_account_id": account("a-1")}

    october = bill(rebill, tmp_path, PERIOD, [upfront_fee(1, "1200"), consumed(1, "100")])
    assert totals(october) == {"a-1": "100.00"}
    given_back = [consumed(1, "100"), line("-1100", "Refund", **of), line("2000", **used)]
    assert totals(bill(rebill, tmp_path, "2026-11", given_back)) == {"a-1": "1000.00"}
    december = bill(rebill, tmp_path, "2026-12", [line("5", **used)])
    assert totals(december) == {"a-1": "105.00"}
    [told] = [e["message"] for e in december["findings"] if e["code"] == "commitment_not_in_month"]
    assert "nothing but its part of the upfront fee is billed by it" in told


def test_a_fee_of_a_misspelt_arn_is_not_billed(rebill: Rebill, tmp_path: Path) -> None:
    """Its account is charged, but in the first month AWS billed no such fee."""
    clients = [client("a-1", account("a-1"))]
    books = [book(commitments={"arns": {reserved(1) + "-x": spread("1200")}})]
    assert rebill("apply", written(tmp_path, clients=clients, price_books=books)).status == 0

    october = bill(rebill, tmp_path, PERIOD, [upfront_fee(1, "1200"), consumed(1, "100")])
    assert totals(october) == {}
    assert "AWS billed 0 of it" in parked(october, "commitment_upfront_differs")["a-1"]
