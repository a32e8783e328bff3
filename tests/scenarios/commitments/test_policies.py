"""Whose the benefit of a commitment is, by contract: the smallest months, worked by hand.

A bought the commitment, and B used some of it as well. On demand A's usage is 60 and B's 40; by AWS
they cost 20 and 30, so that the commitment saves 40 and 10.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.scenarios.commitments.rows import (
    account,
    of_month,
    plan_fee,
    planned,
    planned_usage,
    reservation_fee,
    reserved,
    reserved_usage,
)
from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, Row, line

MONTH = ("--period", PERIOD)
POOL = {"policy": "pro_rata", "pool": "shared"}


def both(number: int, a: str = "20", b: str = "30") -> list[Row]:
    return [
        reserved_usage(f"a-{number}", "60", a),
        reserved_usage(f"b-{number}", "40", b),
    ]


CASES: dict[int, tuple[Any, list[Row], dict[str, str]]] = {
    # The pool saves 50: 30 are A's, by 60 of 100, and 20 B's.
    1: (
        POOL | {"owner_first": False},
        [*both(1), reservation_fee(1, "50")],
        {"a-1": "30.00", "b-1": "20.00"},
    ),
    # A keeps its 40, and has no part of the 10 that are left.
    2: (POOL, [*both(2), reservation_fee(2, "50")], {"a-2": "20.00", "b-2": "30.00"}),
    # B pays 40, and A has its 10.
    3: ("owner_client", [*both(3), reservation_fee(3, "50")], {"a-3": "10.00", "b-3": "40.00"}),
    # The same of a savings plan, whose usage is billed and taken back.
    4: (
        "owner_client",
        [
            *planned_usage("a-4", "60", "20"),
            *planned_usage("b-4", "40", "30"),
            plan_fee(4, "50", "50"),
        ],
        {"a-4": "10.00", "b-4": "40.00"},
    ),
    # Nobody used 15: 9 are A's and 6 are B's, on top of what each would cost on demand.
    10: (
        {"policy": "retained", "unused": "pool", "pool": "shared"},
        [*both(10), reservation_fee(10, "65", "15")],
        {"a-10": "69.00", "b-10": "46.00"},
    ),
    # B's loss of 5 is A's.
    11: (
        "capped_on_demand",
        [*both(11, "50", "45"), reservation_fee(11, "95")],
        {"a-11": "55.00", "b-11": "40.00"},
    ),
    # The account was A's for 14 days of 31, and then C's.
    12: ("owner_client", [reservation_fee(12, "31", "31")], {"a-12": "14.00", "c-12": "17.00"}),
    # What nobody used is less than nothing where AWS's amortization is rounded up on the usage: of
    # 50 paid, 50.50 is found on it. A: 30.50 - 20 of B's benefit - 0.50.
    18: (
        "owner_client",
        [*both(18, "30.5", "20"), reservation_fee(18, "50", "-0.5")],
        {"a-18": "10.00", "b-18": "40.00"},
    ),
    # The same for the pool: 0.30 and 0.20 off.
    19: (
        {"policy": "retained", "unused": "pool", "pool": "shared"},
        [*both(19, "30.5", "20"), reservation_fee(19, "50", "-0.5")],
        {"a-19": "59.70", "b-19": "39.80"},
    ),
    # Owner first: A keeps its benefit and B its own; what is unused they share, 9 and 6.
    20: (
        POOL | {"unused": "pool"},
        [*both(20), reservation_fee(20, "65", "15")],
        {"a-20": "29.00", "b-20": "36.00"},
    ),
    # An owner's unused is shared whoever has the benefit: A 20 - 10 + 9, B 40 + 6.
    21: (
        {"policy": "owner_client", "unused": "pool", "pool": "shared"},
        [*both(21), reservation_fee(21, "65", "15")],
        {"a-21": "19.00", "b-21": "46.00"},
    ),
}


def test_every_policy_comes_to_what_a_calculator_says(rebill: Rebill, tmp_path: Path) -> None:
    due = {name: total for _, _, dues in CASES.values() for name, total in dues.items()}
    hands = {
        "a-12": {"id": account("a-12"), "from": "2018-01-01", "to": "2026-10-15"},
        "c-12": {"id": account("a-12"), "from": "2026-10-15"},
    }
    clients = [
        client(name, accounts=[hands[name]]) if name in hands else client(name, account(name))
        for name in due
    ]
    arns = {
        planned(number) if number == 4 else reserved(number): policy
        for number, (policy, _, _) in CASES.items()
    }
    said = book(basis="amortized", commitments={"arns": arns})
    assert rebill("apply", written(tmp_path, clients=clients, price_books=[said])).status == 0
    rows = [row for _, rows, _ in CASES.values() for row in rows]
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0

    billed = rebill("bill", *MONTH, "--json")
    assert billed.status == 0
    assert {each["client"]: each["total"] for each in billed.json["invoices"]} == due
    proof = rebill("reconcile", *MONTH, "--json")
    assert proof.status == 0
    # Of 10 we keep what was saved, 50; of 19, where usage has 50.50 of 100, 49.50.
    assert proof.json["retained"] == {"commitment_benefit": "-99.5"}

    for command in ("approve", "issue"):
        assert rebill(command, *MONTH).status == 0
    out = tmp_path / "out"
    assert rebill("export", *MONTH, "--format", "json", "--out", out).status == 0
    [file] = (out / PERIOD / "a-3").iterdir()
    document = json.loads(file.read_text())
    [key] = [each["key"] for each in document["lines"] if each["amount"] == "-10.00"]
    told = rebill("explain", document["number"], key)
    assert "owner_client: benefit of what b-3 used" in told.out


def test_a_contract_that_changes_is_each_months_own(rebill: Rebill, tmp_path: Path) -> None:
    """As AWS applied it in October, and the owner's from November on."""
    books = [
        book(basis="amortized"),
        book(basis="amortized", commitments={"default": "owner_client"}) | {"from": "2026-11"},
    ]
    clients = [client("a-3", account("a-3")), client("b-3", account("b-3"))]
    assert rebill("apply", written(tmp_path, clients=clients, price_books=books)).status == 0
    for period in (PERIOD, "2026-11"):
        rows = [of_month(period, row) for row in (*both(3), reservation_fee(3, "50"))]
        export = exported(tmp_path / period, rows)
        assert rebill("ingest", export, "--payer", PAYER, "--period", period).status == 0

    def totals(period: str) -> dict[str, str]:
        billed = rebill("bill", "--period", period, "--json").json
        return {each["client"]: each["total"] for each in billed["invoices"]}

    november = totals("2026-11")
    assert november == {"a-3": "10.00", "b-3": "40.00"}
    assert totals(PERIOD) == {"a-3": "20.00", "b-3": "30.00"}


def test_a_fee_of_the_first_is_the_months_where_no_row_says_how_long_it_lasts(
    rebill: Rebill, tmp_path: Path
) -> None:
    """awslabs/aws-well-architected-labs#991: one row of the first has what a month did not use."""
    row = reservation_fee(12, "31", "31")
    del row["line_item_usage_end_date"]
    hands = [
        client(
            "a-12", accounts=[{"id": account("a-12"), "from": "2018-01-01", "to": "2026-10-15"}]
        ),
        client("c-12", accounts=[{"id": account("a-12"), "from": "2026-10-15"}]),
    ]
    books = [book(basis="amortized", commitments={"default": "owner_client"})]
    assert rebill("apply", written(tmp_path, clients=hands, price_books=books)).status == 0
    assert rebill("ingest", exported(tmp_path / "e", [row]), "--payer", PAYER, *MONTH).status == 0

    billed = rebill("bill", *MONTH, "--json").json
    totals = {each["client"]: each["total"] for each in billed["invoices"]}
    assert totals == {"a-12": "14.00", "c-12": "17.00"}


def test_owners_by_days_a_markup_and_who_is_not_in_the_pool(rebill: Rebill, tmp_path: Path) -> None:
    """1: B's usage of 71 cost 40; the 31 it saved are A's for 14 days and C's for 17, who used 100.
    2: with 10 percent on top B pays 44, and A 22 less 11.
    3: A and B pool what they save, 40 and 10; C, of another book, keeps its 30.
    4: the account was nobody's for 10 days: of 31, 21 are A's, and 10 nobody's but ours.
    """
    owner, pool = {"default": "owner_client"}, {"default": POOL | {"owner_first": False}}
    ten = [{"match": {"service": "AmazonEC2"}, "markup_percent": "10"}]
    books = [
        book(basis="amortized", commitments=owner),
        book("marked-up", "amortized", commitments=owner, rules=ten),
        book("pooled", "amortized", commitments=pool),
        book("alone", "amortized"),
    ]
    moving = account("a-1")
    clients = [
        client("a-1", accounts=[{"id": moving, "from": "2018-01-01", "to": "2026-10-15"}]),
        client("c-1", accounts=[{"id": moving, "from": "2026-10-15"}]),
        client("b-1", account("b-1")),
        *(client(f"{each}-2", account(f"{each}-2"), price_book="marked-up") for each in "ab"),
        *(client(f"{each}-3", account(f"{each}-3"), price_book="pooled") for each in "ab"),
        client("c-3", account("c-3"), price_book="alone"),
        client("a-4", accounts=[{"id": account("a-4"), "from": "2026-10-11"}]),
        client("b-4", account("b-4")),
    ]
    assert rebill("apply", written(tmp_path, clients=clients, price_books=books)).status == 0

    def used(number: int, day: str) -> Row:
        row = {"line_item_usage_account_id": account(f"a-{number}")}
        row["line_item_usage_start_date"] = f"2026-10-{day}T00:00:00.000Z"
        return line("100", **row)

    rows = [
        *(used(1, "05"), used(1, "20"), reserved_usage("b-1", "71", "40")),
        *(used(4, "20"), reserved_usage("b-4", "71", "40")),
        *(*both(2), *both(3), reserved_usage("c-3", "100", "70")),
        *(reservation_fee(n, paid) for n, paid in ((1, "40"), (2, "50"), (3, "120"), (4, "40"))),
    ]
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0

    billed = rebill("bill", *MONTH, "--json").json
    assert {each["client"]: each["total"] for each in billed["invoices"]} == {
        "a-1": "86.00", "b-1": "71.00", "c-1": "83.00",
        "a-2": "11.00", "b-2": "44.00",
        "a-3": "30.00", "b-3": "20.00", "c-3": "70.00",
        "a-4": "79.00", "b-4": "71.00",
    }  # fmt: skip
    proof = rebill("reconcile", *MONTH, "--json")
    assert proof.status == 0 and proof.json["retained"] == {"commitment_benefit": "-10"}
