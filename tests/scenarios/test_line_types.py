"""A line item type that nobody knows: quarantined until a person says what it is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from service.store.billing.invoices import working
from service.store.database import Database
from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line

ACME = "111111111111"
MONTH = ("--period", PERIOD)
PASSING = book(discounts={"other": "pass_through"}, credits="pass_through")


@pytest.fixture
def taken(rebill: Rebill, tmp_path: Path) -> Rebill:
    """100 of usage, and 7 off by a discount of a type to come."""
    rows = [
        line("100", line_item_usage_account_id=ACME),
        line("-7", "DistributorDiscount", line_item_usage_account_id=ACME),
    ]
    file = written(tmp_path, clients=[client("acme", ACME)], price_books=[PASSING])
    assert rebill("apply", file).status == 0
    ingested = rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH)
    assert ingested.status == 1 and "DistributorDiscount" in ingested.err
    return rebill


def mapped(tmp_path: Path, kind: str, start: str = "2026-10") -> Path:
    line_types = [{"type": "DistributorDiscount", "kind": kind, "from": start}]
    return written(tmp_path, line_types=line_types, price_books=[PASSING])


def test_unmapped_nothing_of_the_month_is_issued(taken: Rebill) -> None:
    billed = taken("bill", *MONTH)
    assert billed.status == 1
    assert taken("approve", *MONTH).status == 0
    assert taken("issue", *MONTH).status != 0


@pytest.mark.parametrize(
    ("kind", "total"),
    [("discount_other", "93.00"), ("credit", "93.00"), ("discount_spp", "100.00")],
)
def test_mapped_the_month_goes_on_without_a_release(
    taken: Rebill, tmp_path: Path, kind: str, total: str
) -> None:
    assert taken("apply", mapped(tmp_path, kind)).status == 0

    billed = taken("bill", *MONTH, "--json")
    assert billed.status == 0
    assert [each["total"] for each in billed.json["invoices"]] == [total]
    told = [each for each in billed.json["findings"] if each["code"] == "unknown_kind"]
    assert [each["severity"] for each in told] == ["warning"]
    assert f"(`line_types`) says: they are {kind}" in told[0]["message"]
    assert taken("reconcile", *MONTH).status == 0
    assert taken("approve", *MONTH).status == 0
    assert taken("issue", *MONTH).status == 0


def test_what_is_mapped_from_a_later_month_is_not_yet(taken: Rebill, tmp_path: Path) -> None:
    assert taken("apply", mapped(tmp_path, "discount_other", "2026-11")).status == 0

    assert taken("bill", *MONTH).status == 1


@pytest.mark.parametrize("kind", ["sp_usage", "unknown", "rebate"])
def test_what_needs_more_than_a_cost_is_no_kind_to_map_to(
    rebill: Rebill, tmp_path: Path, kind: str
) -> None:
    refused = rebill("apply", mapped(tmp_path, kind))
    assert refused.status == 2 and "line_types[0].kind" in refused.err


@pytest.mark.parametrize(
    ("kind", "key", "workings"),
    [
        # A line of its own.
        (
            "discount_other",
            "discount_other-",
            [("-7", "line type DistributorDiscount is discount_other from 2026-09")],
        ),
        # On the line of the usage, whose own part nobody mapped.
        (
            "usage",
            "usage",
            [("100", ""), ("-7", "line type DistributorDiscount is usage from 2026-09")],
        ),
    ],
)
def test_the_working_says_which_mapping_was_used(
    taken: Rebill,
    tmp_path: Path,
    database: Database,
    kind: str,
    key: str,
    workings: list[tuple[str, str]],
) -> None:
    """Of two mappings, the one in effect; which it is stays with the draft."""
    line_types = [
        {"type": "DistributorDiscount", "kind": "credit", "from": "2026-01"},
        {"type": "DistributorDiscount", "kind": kind, "from": "2026-09"},
        {"type": "DistributorDiscount", "kind": "refund", "from": "2026-11"},
    ]
    file = written(tmp_path, line_types=line_types, price_books=[PASSING])
    assert taken("apply", file).status == 0
    billed = taken("bill", *MONTH, "--json").json
    assert any(f"they are {kind} from 2026-09" in each["message"] for each in billed["findings"])

    with database.transaction() as session:
        statement = working(session, billed["invoices"][0]["id"])["statement"]
    [line] = [each for each in statement["lines"] if each["key"].split("/")[2].startswith(key)]
    told = [(each["cost"], each["line_type"]) for each in line["workings"]]
    assert [(Decimal(cost), words) for cost, words in told] == [
        (Decimal(cost), words) for cost, words in workings
    ]


@pytest.mark.parametrize(
    ("passed", "total"), [("pass_through", "93.00"), ({"share_percent": 50}, "96.50")]
)
def test_a_type_called_a_discount_is_passed_as_books_say_of_it_by_that_name(
    taken: Rebill, tmp_path: Path, passed: object, total: str
) -> None:
    """7 off, whole or half of it; 'other' retains it."""
    file = written(
        tmp_path,
        line_types={"DistributorDiscount": {"discount": "distributor"}},
        price_books=[book(discounts={"other": "retain", "distributor": passed})],
    )
    assert taken("apply", file).status == 0

    billed = taken("bill", *MONTH, "--json")
    assert [each["total"] for each in billed.json["invoices"]] == [total]
    assert taken("apply", file).out == "nothing changes\n"


@pytest.mark.parametrize(
    ("line_types", "discounts", "words"),
    [
        (
            {"DistributorDiscount": {"discount": "distributor"}},
            {"distributer": "pass_through"},
            "price_books[0].discounts.distributer: there is no such setting",
        ),
        ({"DistributorDiscount": {"kind": "usage"}}, {}, "line_types[0].from: is required"),
        ({"DistributorDiscount": "distributor"}, {}, "line_types[0]: "),
        (
            {"DistributorDiscount": {"discount": "spp", "kind": "usage", "from": "2026-10"}},
            {},
            "line_types[0].discount: there is no such setting",
        ),
    ],
)
def test_what_no_line_type_is_called_is_no_discount(
    rebill: Rebill, tmp_path: Path, line_types: object, discounts: object, words: str
) -> None:
    file = written(tmp_path, line_types=line_types, price_books=[book(discounts=discounts)])
    answer = rebill("apply", file)

    assert (answer.status, answer.out) == (2, "")
    assert words in answer.err


def test_a_type_is_named_once(rebill: Rebill, tmp_path: Path) -> None:
    """By its own name and by its discount's, it could be said two ways."""
    both = {"distributor": "pass_through", "named": {"DistributorDiscount": "retain"}}
    file = written(
        tmp_path,
        line_types={"DistributorDiscount": {"discount": "distributor"}},
        price_books=[book(discounts=both)],
    )
    answer = rebill("apply", file)

    assert answer.status == 2
    assert "DistributorDiscount is named by its discount already" in answer.err
