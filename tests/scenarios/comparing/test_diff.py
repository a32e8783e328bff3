"""Two billings of a month beside each other: who asks for what else, on which line, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, fee, written
from tests.support.bills.ingest_builders import PAYER, Row, line

ACME, BELL, LAB = "111111111111", "222222222222", "333333333333"
MONTH = ("--period", PERIOD)


def rows(acme: str = "100", bell: str = "200", lab: str = "40") -> list[Row]:
    used = ((acme, ACME), (bell, BELL), (lab, LAB))
    return [line(amount, line_item_usage_account_id=account) for amount, account in used]


def plus(percent: str) -> dict[str, Any]:
    return book(rules=[{"match": {}, "markup_percent": percent}])


def held(lab: str = "acme", **bell: Any) -> list[dict[str, Any]]:
    """Acme has the lab; another has it from October on."""
    clients = [client("acme", ACME), client("bell", BELL, **bell), client("lab")]
    until: dict[str, Any] = {"id": LAB, "from": "2018-01-01"}
    if lab != "acme":
        until |= {"to": "2026-10-01"}
        (taker,) = (each for each in clients if each["key"] == lab)
        taker["accounts"].append({"id": LAB, "from": "2026-10-01"})
    clients[0]["accounts"].append(until)
    return clients


@pytest.fixture
def month(rebill: Rebill, tmp_path: Path) -> Rebill:
    """Acme uses 100 and, in its lab, 40; Bell 200. At 5 percent on top: 147 and 210."""
    configure(rebill, tmp_path)
    deliver(rebill, tmp_path / "first", rows())
    assert rebill("bill", *MONTH).status == 0
    return rebill


def configure(rebill: Rebill, folder: Path, **said: Any) -> None:
    usual: dict[str, Any] = {"clients": held(), "price_books": [plus("5")]}
    assert rebill("apply", written(folder, **usual | said)).status == 0


def deliver(rebill: Rebill, folder: Path, bill: list[Row]) -> None:
    assert rebill("ingest", exported(folder, bill), "--payer", PAYER, *MONTH).status == 0


def changes(rebill: Rebill, *options: object) -> dict[str, list[tuple[Any, ...]]]:
    """By client: account or key, before, after, difference and causes of each line."""
    answer = rebill("diff", *MONTH, *options, "--json")
    assert answer.status == 0, answer.err
    (payer,) = answer.json["payers"]
    return {
        each["client"]: [
            (
                told["account_id"] or told["key"],
                told["before"],
                told["after"],
                told["difference"],
                *told["causes"],
            )
            for told in each["lines"]
        ]
        for each in payer["clients"]
    }


def totals(rebill: Rebill, *options: object) -> list[tuple[str, ...]]:
    (payer,) = rebill("diff", *MONTH, *options, "--json").json["payers"]
    return [tuple(each.values()) for each in payer["totals"]]


def test_a_month_billed_once_has_nothing_to_be_compared_with(month: Rebill) -> None:
    answer = month("diff", *MONTH)
    assert answer.status == 0
    assert "billed once; there is nothing to compare with yet" in answer.out

    assert month("bill", *MONTH).status == 0
    assert changes(month) == {}, "billed twice from the same is no other billing"


def test_other_charges(month: Rebill, tmp_path: Path) -> None:
    """Bell used 20 more, which is 21 with 5 percent; Acme is as it was."""
    deliver(month, tmp_path / "second", rows(bell="220"))
    month("bill", *MONTH)

    assert changes(month) == {"bell": [(BELL, "210.00", "231.00", "21.00", "charges")]}
    assert totals(month) == [("USD", "357.00", "378.00", "21.00")]


def test_another_version_of_the_rules_with_their_words(month: Rebill, tmp_path: Path) -> None:
    """8 percent in place of 5: 3 more of 100, 1.20 more of 40, 6 more of 200."""
    configure(month, tmp_path, price_books=[plus("8")])
    month("bill", *MONTH)

    assert changes(month) == {
        "acme": [
            (ACME, "105.00", "108.00", "3.00", "rule"),
            (LAB, "42.00", "43.20", "1.20", "rule"),
        ],
        "bell": [(BELL, "210.00", "216.00", "6.00", "rule")],
    }
    shown = month("diff", *MONTH, "--client", "bell").out
    assert "rule (everything: +5 % to everything: +8 %)" in shown
    assert "acme" not in shown


def test_an_account_that_is_anothers(month: Rebill, tmp_path: Path) -> None:
    """The lab's 42 go from Acme to Bell; all together is as it was."""
    configure(month, tmp_path, clients=held("bell"))
    month("bill", *MONTH)

    assert changes(month) == {
        "acme": [(LAB, "42.00", None, "-42.00", "roster")],
        "bell": [(LAB, None, "42.00", "42.00", "roster")],
    }
    assert totals(month) == [("USD", "357.00", "357.00", "0.00")]


def test_a_move_and_another_delivery_at_once(month: Rebill, tmp_path: Path) -> None:
    """Bell's 20 more are of the delivery alone; the lab only moved, since it costs the same."""
    configure(month, tmp_path, clients=held("bell"))
    deliver(month, tmp_path / "second", rows(bell="220"))
    month("bill", *MONTH)

    assert changes(month) == {
        "acme": [(LAB, "42.00", None, "-42.00", "roster")],
        "bell": [
            (BELL, "210.00", "231.00", "21.00", "charges"),
            (LAB, None, "42.00", "42.00", "roster"),
        ],
    }


def test_a_move_of_an_account_that_costs_more_too(month: Rebill, tmp_path: Path) -> None:
    configure(month, tmp_path, clients=held("bell"))
    deliver(month, tmp_path / "second", rows(lab="60"))
    month("bill", *MONTH)

    assert changes(month) == {
        "acme": [(LAB, "42.00", None, "-42.00", "charges", "roster")],
        "bell": [(LAB, None, "63.00", "63.00", "charges", "roster")],
    }


def test_a_custom_item_and_a_percentage_of_what_changed(month: Rebill, tmp_path: Path) -> None:
    """10 percent of Bell's 210 are 21; of 231 they are 23.10. A desk for 50 is new by itself."""
    share = {
        "key": "share", "client": "bell", "kind": "fee", "description": "Share",
        "percent_of": "price", "percent": "10", "from": "2018-01",
    }  # fmt: skip
    configure(month, tmp_path, custom_line_items=[share])
    month("bill", *MONTH)
    assert changes(month) == {"bell": [("custom/share", None, "21.00", "21.00", "custom_item")]}

    desk = fee("bell", "50.00", key="desk", **{"from": "2018-01"})
    configure(month, tmp_path, custom_line_items=[share, desk])
    deliver(month, tmp_path / "second", rows(bell="220"))
    month("bill", *MONTH)
    assert changes(month) == {
        "bell": [
            (BELL, "210.00", "231.00", "21.00", "charges"),
            ("custom/desk", None, "50.00", "50.00", "custom_item"),
            ("custom/share", "21.00", "23.10", "2.10", "charges"),
        ]
    }


def rate(value: str) -> list[dict[str, Any]]:
    return [{"period": PERIOD, "from": "USD", "to": "EUR", "rate": value, "source": "agreed"}]


def test_another_rate_and_another_currency(month: Rebill, tmp_path: Path) -> None:
    """210 USD at 0.9 are 189 EUR, at 0.8 they are 168; dollars and euros have no difference."""
    euros = held(currency="EUR")
    configure(month, tmp_path, clients=euros, exchange_rates=rate("0.9"))
    month("bill", *MONTH)
    assert changes(month) == {"bell": [(BELL, "210.00", "189.00", None, "terms")]}
    assert totals(month) == [
        ("EUR", "0.00", "189.00", "189.00"), ("USD", "357.00", "147.00", "-210.00"),
    ]  # fmt: skip

    configure(month, tmp_path, clients=euros, exchange_rates=rate("0.8"))
    month("bill", *MONTH)
    assert changes(month) == {"bell": [(BELL, "189.00", "168.00", "-21.00", "rate")]}


def test_tax_is_told_apart_and_all_of_it_is_the_difference(month: Rebill, tmp_path: Path) -> None:
    """19 percent of 210 are 39.90: no line differs, and the total does."""
    taxed = held(tax={"category": "standard", "rate_percent": "19"})
    configure(month, tmp_path, clients=taxed)
    month("bill", *MONTH)

    (payer,) = month("diff", *MONTH, "--json").json["payers"]
    (bell,) = payer["clients"]
    assert (bell["lines"], bell["tax_before"], bell["tax_after"]) == ([], "0.00", "39.90")
    assert bell["difference"] == "39.90"
    assert totals(month) == [("USD", "357.00", "396.90", "39.90")]


def test_what_is_issued_is_compared_with_the_last_billing(month: Rebill, tmp_path: Path) -> None:
    """Acme is issued at 147; AWS then charges its lab 10 less, and all 8 percent: 137 x 1.08."""
    for command in ("approve", "issue"):
        assert month(command, *MONTH).status == 0
    deliver(month, tmp_path / "second", rows(lab="30"))
    configure(month, tmp_path, price_books=[plus("8")])
    assert month("bill", *MONTH).status == 0

    standing = {
        "acme": [
            (ACME, "105.00", "108.00", "3.00", "rule"),
            (LAB, "42.00", "32.40", "-9.60", "charges", "rule"),
        ],
        "bell": [(BELL, "210.00", "216.00", "6.00", "rule")],
    }
    assert changes(month) == standing
    # Billed again it is as it was: nothing is kept twice.
    month("bill", *MONTH)
    assert changes(month) == standing

    # AWS takes it back, and the prices are those of the invoice again.
    deliver(month, tmp_path / "third", rows())
    configure(month, tmp_path)
    assert month("bill", *MONTH).status == 0
    assert changes(month) == {}


def test_any_two_runs(month: Rebill, tmp_path: Path) -> None:
    """200, 220 and 230 for Bell: runs are found in the answer, and compared either way."""
    for bell in ("220", "230"):
        deliver(month, tmp_path / bell, rows(bell=bell))
        month("bill", *MONTH)
    (payer,) = month("diff", *MONTH, "--json").json["payers"]
    last, middle, first = (each["run"] for each in payer["billings"])

    assert changes(month) == changes(month, "--from", middle, "--to", last)
    assert changes(month, "--from", first, "--to", last) == {
        "bell": [(BELL, "210.00", "241.50", "31.50", "charges")]
    }
    assert changes(month, "--from", last, "--to", middle) == {
        "bell": [(BELL, "241.50", "231.00", "-10.50", "charges")]
    }
    unknown = month("diff", *MONTH, "--from", 999)
    assert (unknown.status, unknown.err.count("\n")) == (2, 1)
    assert f"run 999 is no billing of this month that was kept: there is {last}" in unknown.err


def test_a_client_that_comes_and_one_that_goes(month: Rebill, tmp_path: Path) -> None:
    """Nothing is charged to Bell's account any more; a new client has the lab."""
    configure(month, tmp_path, clients=held("lab"))
    deliver(month, tmp_path / "second", rows()[::2])
    month("bill", *MONTH)

    assert changes(month) == {
        "acme": [(LAB, "42.00", None, "-42.00", "roster")],
        "bell": [(BELL, "210.00", None, "-210.00", "charges")],
        "lab": [(LAB, None, "42.00", "42.00", "roster")],
    }
    assert totals(month) == [("USD", "357.00", "147.00", "-210.00")]


def test_a_period_that_nobody_billed(month: Rebill) -> None:
    assert "2026-09 is not billed yet" in month("diff", "--period", "2026-09").err


def test_a_cent_that_another_line_has_now(rebill: Rebill, tmp_path: Path) -> None:
    """0.334 + 0.333 + 0.333 are 1.00, whose last cent has the largest rest; 0.335 has a larger."""
    configure(rebill, tmp_path, clients=[client("acme", ACME, BELL, LAB)], price_books=[book()])
    for lab in ("0.333", "0.335"):
        deliver(rebill, tmp_path / lab, rows("0.334", "0.333", lab))
        assert rebill("bill", *MONTH).status == 0

    assert changes(rebill) == {
        "acme": [
            (ACME, "0.34", "0.33", "-0.01", "rounding"),
            (LAB, "0.33", "0.34", "0.01", "charges"),
        ]
    }


def test_who_is_parked_is_named_and_not_taken_for_one_who_left(
    month: Rebill, tmp_path: Path
) -> None:
    """Bell is to pay in euros, and there is no rate: what it would pay, nobody knows."""
    configure(month, tmp_path, clients=held(currency="EUR"), price_books=[plus("8")])
    assert month("bill", *MONTH).status == 1

    (payer,) = month("diff", *MONTH, "--json").json["payers"]
    assert payer["parked"] == ["bell"]
    assert [(each["client"], each["difference"]) for each in payer["clients"]] == [("acme", "4.20")]
    assert totals(month) == [("USD", "147.00", "151.20", "4.20")]
    assert "bell: parked, and so not compared" in month("diff", *MONTH).out
