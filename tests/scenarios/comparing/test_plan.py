"""A plan says in money what a file would change, by client and rule, and records nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, fee, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)


def plus(percent: str, **match: str) -> dict[str, Any]:
    return {"match": match, "markup_percent": percent}


CLIENTS = [client("acme", ACME), client("bell", BELL)]
BOOKS = [book(rules=[plus("5")])]


@pytest.fixture
def month(rebill: Rebill, tmp_path: Path) -> Path:
    """Acme uses 100 and Bell 200, each at 5 percent on top: 105 and 210."""
    configuration = written(tmp_path, clients=CLIENTS, price_books=BOOKS)
    assert rebill("apply", configuration).status == 0
    rows = [
        line("100", line_item_usage_account_id=ACME),
        line("200", line_item_usage_account_id=BELL),
    ]
    export = exported(tmp_path / "export", rows)
    assert rebill("ingest", export, "--payer", PAYER, *MONTH).status == 0
    return configuration


def totals(planned: dict[str, Any]) -> dict[str, tuple[str | None, str | None, str | None]]:
    (only,) = planned["months"]
    return {
        each["client"]: (
            each["before"] and each["before"]["total"],
            each["after"] and each["after"]["total"],
            each["difference"],
        )
        for each in only["clients"]
    }


def issue(rebill: Rebill, period: str = PERIOD) -> None:
    for command in ("bill", "approve", "issue"):
        assert rebill(command, "--period", period).status == 0


def take_in(rebill: Rebill, folder: Path, period: str, acme: str = "100") -> None:
    """Acme's usage, and 200 of Bell's."""
    dates = {
        "bill_billing_period_start_date": f"{period}-01T00:00:00.000Z",
        "line_item_usage_start_date": f"{period}-05T07:00:00.000Z",
    }
    rows = [
        line(acme, line_item_usage_account_id=ACME, **dates),
        line("200", line_item_usage_account_id=BELL, **dates),
    ]
    answer = rebill("ingest", exported(folder, rows), "--payer", PAYER, "--period", period)
    assert answer.status == 0


def test_what_is_applied_already_changes_nobody_s_money(rebill: Rebill, month: Path) -> None:
    answer = rebill("plan", month, "--json")

    assert answer.status == 0
    assert answer.json["changes"] == []
    assert totals(answer.json) == {
        "acme": ("105.00", "105.00", "0.00"), "bell": ("210.00", "210.00", "0.00"),
    }  # fmt: skip
    assert rebill("plan", month).out.endswith("nothing changes\n")


def test_each_client_has_its_difference_and_the_rules_that_make_it(
    rebill: Rebill, month: Path, tmp_path: Path
) -> None:
    """Bell gets a fee of 50; 8 percent of 300 in place of 5: 3 more for Acme, 6 for Bell."""
    file = written(
        tmp_path,
        clients=CLIENTS,
        price_books=[book(rules=[plus("8")])],
        custom_line_items=[fee("bell", "50.00", key="desk")],
    )
    planned = rebill("plan", file, "--json")

    assert planned.status == 0
    assert totals(planned.json) == {
        "acme": ("105.00", "108.00", "3.00"), "bell": ("210.00", "266.00", "56.00"),
    }  # fmt: skip
    parts = planned.json["months"][0]["clients"][1]["parts"]
    assert [(each["part"], each["before"], each["after"]) for each in parts] == [
        ("custom line item desk", "0", "50"),
        ("everything: +5 %", "210", "0"),
        ("everything: +8 %", "0", "216"),
    ]
    shown = rebill("plan", file).out
    assert "all clients   315.00 USD   374.00 USD       +59.00" in shown.replace("│", " ")
    assert "acme: everything: +8 %: 0 to 108 USD before tax" in shown


def test_nothing_of_it_is_recorded(rebill: Rebill, month: Path, tmp_path: Path) -> None:
    file = written(tmp_path, clients=CLIENTS, price_books=[book(rules=[plus("8")])])
    first = rebill("plan", file, "--json")

    assert rebill("plan", file, "--json").json == first.json
    billed = rebill("bill", *MONTH, "--json").json["invoices"]
    assert {each["client"]: each["total"] for each in billed} == {
        "acme": "105.00", "bell": "210.00",
    }  # fmt: skip
    assert rebill("apply", file, "--dry-run", "--json").json["changes"] == first.json["changes"]


def test_an_issued_month_shows_what_a_month_like_it_would_come_to(
    rebill: Rebill, month: Path, tmp_path: Path
) -> None:
    """From 2027 on Acme pays 10 percent on top and a fee; October stays as it was issued."""
    issue(rebill)
    file = written(
        tmp_path,
        clients=CLIENTS,
        price_books=[*BOOKS, book(rules=[plus("10")]) | {"from": "2027-01"}],
        custom_line_items=[fee("acme", "7.00", **{"from": "2027-01"})],
    )
    planned = rebill("plan", file, "--json").json

    assert planned["months"][0]["is_issued"]
    assert totals(planned) == {
        "acme": ("105.00", "117.00", "12.00"), "bell": ("210.00", "220.00", "10.00"),
    }  # fmt: skip
    assert rebill("apply", file).status == 0
    assert rebill("reconcile", *MONTH).status == 0, "what begins in 2027 is nothing in October"


def test_who_could_not_be_billed_any_more_is_named(
    rebill: Rebill, month: Path, tmp_path: Path
) -> None:
    clients = [CLIENTS[0], client("bell", BELL, currency="EUR")]
    answer = rebill("plan", written(tmp_path, clients=clients, price_books=BOOKS), "--json")

    assert answer.status == 1
    assert totals(answer.json)["bell"] == ("210.00", None, None)
    assert "exchange_rate_missing [bell]" in answer.err


def test_between_two_currencies_there_is_no_difference_to_take(
    rebill: Rebill, month: Path, tmp_path: Path
) -> None:
    """210 USD at 0.9 are 189 EUR."""
    rate = {"period": PERIOD, "from": "USD", "to": "EUR", "rate": "0.9", "source": "agreed"}
    file = written(
        tmp_path,
        clients=[CLIENTS[0], client("bell", BELL, currency="EUR")],
        price_books=BOOKS,
        exchange_rates=[rate],
    )
    planned = rebill("plan", file)

    assert planned.status == 0
    assert "bell          210.00 USD   189.00 EUR" in planned.out.replace("│", " ")
    assert "all clients   315.00 USD   105.00 USD" in planned.out.replace("│", " ")


def test_past_months_are_billed_as_another_contract_would_have_them(
    rebill: Rebill, month: Path, tmp_path: Path
) -> None:
    """Two months alike; 2 percent in place of 5, and a fee of 50 for Bell, who gets Acme's account.

    October is issued. A month brought 105 and 210 for 100 and 200; it would bring 300 x 1.02 + 50.
    """
    issue(rebill)
    take_in(rebill, tmp_path / "november", "2026-11")
    lost = [{"id": ACME, "from": "2018-01-01", "to": "2026-10-01"}]
    gained = [{"id": BELL, "from": "2018-01-01"}, {"id": ACME, "from": "2026-10-01"}]
    file = written(
        tmp_path,
        clients=[client("acme", accounts=lost), client("bell", accounts=gained)],
        price_books=[book(rules=[plus("2")])],
        custom_line_items=[fee("bell", "50.00", key="desk")],
    )
    answer = rebill("plan", file, "--since", PERIOD, "--json")
    assert answer.status == 0, answer.err
    planned = answer.json

    assert [(each["period"], each["is_issued"]) for each in planned["months"]] == [
        ("2026-11", False), (PERIOD, True),
    ]  # fmt: skip
    for each in planned["months"]:
        acme, bell = each["clients"]
        assert acme["margins"] == [
            {
                "currency": "USD",
                "before": {"price": "105", "cost": "100", "margin": "5"},
                "after": {"price": "0", "cost": "0", "margin": "0"},
            }
        ]
        assert bell["margins"] == [
            {
                "currency": "USD",
                "before": {"price": "210", "cost": "200", "margin": "10"},
                "after": {"price": "356", "cost": "300", "margin": "56"},
            }
        ]
    shown = " ".join(rebill("plan", file, "--since", PERIOD).out.replace("│", " ").split())
    assert "bell 420.00 712.00 400.00 600.00 20.00 112.00 USD" in shown
    assert "all clients 630.00 712.00 600.00 600.00 30.00 112.00 USD" in shown
    assert rebill("reconcile", *MONTH).status == 0, "nothing of it is recorded"


def test_what_is_charged_once_or_each_quarter_is_so_over_all_months_together(
    rebill: Rebill, tmp_path: Path
) -> None:
    """September and October are issued alike; Acme's setup of 50 was September's alone.

    The file has 10 percent in place of 5, and from 2027 on a quarterly 30 for Bell and once 70 for
    Acme. Acme: 105 + 50 is 110 + 50 + 70, then 105 is 110. Bell: 210 is 220 + 30, then 220.
    """
    setup = fee("acme", "50.00", "Setup", key="setup", once=True, **{"from": "2026-09"})
    now = written(tmp_path, clients=CLIENTS, price_books=BOOKS, custom_line_items=[setup])
    assert rebill("apply", now).status == 0
    for period in ("2026-09", PERIOD):
        take_in(rebill, tmp_path / period, period)
        issue(rebill, period)
    file = written(
        tmp_path,
        clients=CLIENTS,
        price_books=[*BOOKS, book(rules=[plus("10")]) | {"from": "2027-01"}],
        custom_line_items=[
            setup,
            fee("bell", "30.00", "Care", key="care", every_months=3, **{"from": "2027-01"}),
            fee("acme", "70.00", "Move", key="move", once=True, **{"from": "2027-02"}),
        ],
    )
    planned = rebill("plan", file, "--since", "2026-09", "--json").json

    assert [totals({"months": [each]}) for each in planned["months"]] == [
        {"acme": ("105.00", "110.00", "5.00"), "bell": ("210.00", "220.00", "10.00")},
        {"acme": ("155.00", "230.00", "75.00"), "bell": ("210.00", "250.00", "40.00")},
    ]


def test_an_issued_month_whose_correction_waits_is_planned_as_issued(
    rebill: Rebill, month: Path, tmp_path: Path
) -> None:
    """AWS restates Acme's 100 as 110: 5 percent on top are 115.50, 10 percent 121."""
    issue(rebill)
    take_in(rebill, tmp_path / "restated", PERIOD, acme="110")
    assert rebill("bill", *MONTH).status == 0
    later = book(rules=[plus("10")]) | {"from": "2027-01"}
    file = written(tmp_path, clients=CLIENTS, price_books=[*BOOKS, later])
    planned = rebill("plan", file, "--json").json

    assert planned["months"][0]["is_issued"]
    assert totals(planned) == {
        "acme": ("115.50", "121.00", "5.50"), "bell": ("210.00", "220.00", "10.00"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--since", "2027-01"), "there are no charges since 2027-01 to plan with yet"),
        (("--since", "2026-13"), "--since: "),
        (("--since", PERIOD, *MONTH), "--period is one month, and --since is from one on"),
        (("--period", "2026-09"), "there are no charges of 2026-09 to plan with yet"),
        (("--payer", "999999999999"), "999999999999"),
    ],
)
def test_what_cannot_be_planned_is_one_line(
    rebill: Rebill, month: Path, arguments: tuple[str, ...], words: str
) -> None:
    answer = rebill("plan", month, *arguments)

    assert answer.status == 2 and answer.out == ""
    assert words in answer.err and answer.err.count("\n") == 1


def test_a_file_that_would_be_refused_is(rebill: Rebill, month: Path, tmp_path: Path) -> None:
    file = written(tmp_path, clients=[client("acme", ACME, price_book="none")])
    answer = rebill("plan", file)

    assert answer.status == 2
    assert "clients.acme.price_book: there is no price book none" in answer.err
