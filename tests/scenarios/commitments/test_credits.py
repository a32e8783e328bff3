"""Credits and named discounts by contract: the smallest months, worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.scenarios.commitments.rows import account, of_month
from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, Row, line

MONTH = ("--period", PERIOD)


def used(whose: str, cost: str) -> Row:
    return line(cost, line_item_usage_account_id=account(whose))


def credit(whose: str, cost: str, day: str = "2026-10-05", **more: str) -> Row:
    row = {
        "line_item_usage_account_id": account(whose),
        "line_item_line_item_description": "AWS Activate PROMO_77",
        "line_item_usage_start_date": f"{day}T00:00:00.000Z",
        "pricing_public_on_demand_cost": "0",
    }
    return line(cost, "Credit", **row | more)


def take_in(rebill: Rebill, folder: Path, rows: list[Row], period: str = PERIOD) -> None:
    export = exported(folder / period, rows)
    assert rebill("ingest", export, "--payer", PAYER, "--period", period).status == 0


def totals(billed: Any) -> dict[str, str]:
    return {each["client"]: each["total"] for each in billed["invoices"]}


def test_credits_by_contract(rebill: Rebill, tmp_path: Path) -> None:
    """The same month by three price books; AWS applied each credit to somebody."""
    moved_on = {"credit": "PROMO_77", "client": "a-14", "from": "2026-01", "to": "2026-10-15"}
    books = [
        book(credits="share"),
        book("keeps"),
        book("passes", credits="pass_through"),
        book(
            "owners",
            credits="owner",
            credit_owners=[
                moved_on,
                {"credit": "PROMO_77", "client": "b-14", "from": "2026-10-15"},
            ],
        ),
    ]
    clients = [
        *(client(f"{each}-14", account(f"{each}-14"), price_book="owners") for each in "abc"),
        *(client(f"{each}-15", account(f"{each}-15")) for each in "ab"),
        client("c-15", account("c-15"), price_book="keeps"),
        client("a-16", account("a-16"), price_book="passes", negative_months="carry_forward"),
    ]
    assert rebill("apply", written(tmp_path, clients=clients, price_books=books)).status == 0
    whole_month = {"line_item_usage_end_date": "2026-11-01T00:00:00.000Z"}
    rows = [
        *(used(f"{each}-14", "100") for each in "abc"),
        # AWS applied the promotion to C. It was A's until the 14th: 31 on that day, and 4 of a row
        # that began on the first; and B's from the 15th on: 7 and 2.
        credit("c-14", "-31", "2026-10-14"),
        credit("c-14", "-7", "2026-10-15"),
        credit("c-14", "-2", "2026-10-31"),
        credit("c-14", "-4", "2026-10-01", **whole_month),
        # 30 for those that share, A and B: 20 and 10 by 100 and 50.
        *(used("a-15", "100"), used("b-15", "50"), used("c-15", "150"), credit("a-15", "-30")),
        # 30 more than is charged.
        *(used("a-16", "100"), credit("a-16", "-130")),
    ]
    take_in(rebill, tmp_path, rows)

    billed = rebill("bill", *MONTH, "--json")
    assert billed.status == 0
    assert totals(billed.json) == {
        "a-14": "65.00", "b-14": "91.00", "c-14": "100.00",
        "a-15": "80.00", "b-15": "40.00", "c-15": "150.00",
        "a-16": "-30.00",
    }  # fmt: skip
    assert "a-16 is owed 30 USD" in message_of(billed.json, "carried_forward")
    assert rebill("reconcile", *MONTH).status == 0

    take_in(rebill, tmp_path, [of_month("2026-11", used("a-16", "80"))], "2026-11")
    november = rebill("bill", "--period", "2026-11", "--json").json
    assert totals(november) == {"a-16": "50.00"}
    assert "30 USD is taken off" in message_of(november, "balance_taken")


def message_of(billed: Any, code: str) -> str:
    [found] = [each["message"] for each in billed["findings"] if each["code"] == code]
    return str(found)


def test_a_named_discount_that_is_misspelt_is_told(rebill: Rebill, tmp_path: Path) -> None:
    """Of 100 less 10: nothing is passed by another name, and the month says which there are."""
    rows = [used("a-17", "100"), line("-10", "DistributorDiscount")]
    rows[1]["line_item_usage_account_id"] = account("a-17")
    said: dict[str, Any] = {
        "clients": [client("a-17", account("a-17"))],
        "line_types": [
            {"type": "DistributorDiscount", "kind": "discount_other", "from": "2018-10"}
        ],
    }

    def passing(name: str) -> Any:
        named = [book(discounts={"named": {name: "pass_through"}})]
        assert rebill("apply", written(tmp_path, price_books=named, **said)).status == 0
        return rebill("bill", *MONTH, "--json").json

    export = exported(tmp_path / "e", rows)
    assert rebill("ingest", export, "--payer", PAYER, *MONTH).status == 1, "an unknown line type"
    slipped = passing("DistributorDiscont")
    assert totals(slipped) == {"a-17": "100.00"}
    words = message_of(slipped, "discount_not_mapped")
    assert "DistributorDiscont" in words and "Those mapped: DistributorDiscount." in words

    mended = passing("DistributorDiscount")
    assert totals(mended) == {"a-17": "90.00"}
    assert "discount_not_mapped" not in {each["code"] for each in mended["findings"]}


def test_a_share_of_a_discount_whichever_way_the_export_shows_it(
    rebill: Rebill, tmp_path: Path
) -> None:
    """100 less 10, of which half is ours: 95 where the discount is a row. Where it is a column, its
    kind is not told: all is passed on net cost, nothing before discounts, and both are told.
    """
    net = "line_item_net_unblended_cost"
    account_id = {"line_item_usage_account_id": account("a-18")}
    rows = [line("100", **account_id), line("-10", "EdpDiscount", **account_id)]
    column = [line("100", **account_id, **{net: "90"})]

    def by(basis: str, given: list[Row]) -> tuple[dict[str, str], set[str]]:
        said = [book(basis=basis, discounts={"edp": {"share_percent": "50"}})]
        clients = [client("a-18", account("a-18"))]
        assert rebill("apply", written(tmp_path, clients=clients, price_books=said)).status == 0
        take_in(rebill, tmp_path, given)
        billed = rebill("bill", *MONTH, "--json").json
        return totals(billed), {each["code"] for each in billed["findings"]}

    assert by("billed", rows) == by("net_billed", rows) == ({"a-18": "95.00"}, set())
    assert by("billed", column) == ({"a-18": "100.00"}, {"discounts_without_kind"})
    assert by("net_billed", column) == ({"a-18": "90.00"}, {"discounts_passed_whole"})
