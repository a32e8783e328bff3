"""When an item is charged: once, every few months, by day, and each version in its own time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.scenarios.items.conftest import Contract, amounts, item

AUGUST, SEPTEMBER, OCTOBER = "2026-08", "2026-09", "2026-10"


def test_once_each_quarter_and_for_the_days_of_the_first_and_last_month(contract: Contract) -> None:
    """Managed services of 310 from the 15th of August until the 16th of September.

    17 of 31 days are 170; 15 of 30 days are 155. The quarter that begins in July is charged then,
    and again in October.
    """
    contract.agree(
        item("setup", amount="500", start=AUGUST, once=True),
        item("portal", amount="90", start="2026-07", every_months=3),
        item("managed", amount="310", start="2026-08-15", end="2026-09-16", prorate=True),
        item("seats", quantity="31", unit_price="10", start="2026-08-31", prorate=True),
    )

    august = contract.close(AUGUST)
    assert amounts(august) == {"managed": "170.00", "seats": "10.00", "setup": "500.00"}
    words = {each["key"]: each["description"] for each in august["lines"]}
    assert words["custom/managed"] == "Managed (17 of 31 days)"
    assert amounts(contract.close(SEPTEMBER)) == {"managed": "155.00", "seats": "310.00"}
    assert amounts(contract.close(OCTOBER)) == {"portal": "90.00", "seats": "310.00"}


def test_a_new_price_is_a_version_and_the_month_that_is_closed_stays(contract: Contract) -> None:
    """950 a month; 990 from September. August billed again is August as it was."""
    old = item("managed", amount="950", start=AUGUST)
    contract.agree(old)
    assert amounts(contract.close(AUGUST)) == {"managed": "950.00"}
    august = contract.document(AUGUST)
    new = item("managed", amount="990", start=SEPTEMBER)

    refused = contract.say(new)
    assert refused.status == 2
    assert "managed from 2026-08-01 and from 2026-09-01 overlap" in refused.err
    contract.agree(old | {"to": SEPTEMBER}, new)

    assert contract.bill(AUGUST)[0] == "issued"
    assert contract.document(AUGUST) == august
    assert amounts(contract.close(SEPTEMBER)) == {"managed": "990.00"}
    assert contract.say(old | {"to": SEPTEMBER}, new).out.strip() == "nothing changes"


def test_pruned_the_older_version_ends_with_its_last_issued_month(contract: Contract) -> None:
    contract.agree(item("managed", amount="950", start=AUGUST))
    contract.close(AUGUST)
    file = contract.file(item("managed", amount="990", start=SEPTEMBER))

    assert contract.rebill("apply", file, "--prune").status == 0

    assert contract.bill(AUGUST)[0] == "issued"
    assert amounts(contract.close(SEPTEMBER)) == {"managed": "990.00"}


def test_a_price_that_changes_within_a_month_is_two_lines_of_the_month(contract: Contract) -> None:
    """310 a month until the 15th of September, 620 from it on: 14 and 16 of 30 days."""
    contract.agree(
        item("managed", amount="310", start=AUGUST, end="2026-09-15", prorate=True),
        item("managed", amount="620", start="2026-09-15", prorate=True),
    )
    contract.close(AUGUST)

    # 310 x 14/30 is 144.6666666666 to ten places, and 620 less its own 14/30 is 330.6666666667:
    # 475.33 in all, of which the larger remainder has the cent.
    september = contract.close(SEPTEMBER)
    assert amounts(september) == {"managed": "144.66", "managed/2026-09-15": "330.67"}
    assert september["subtotal"] == "575.33"
    told = contract.rebill("explain", september["number"], "custom/managed/2026-09-15", "--json")
    assert told.json["steps"][0] == "fee of 620 a month, for 16 of 30 days"


DAYS: dict[str, Any] = {"start": "2026-08-15", "prorate": True}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (item("a", amount="1", start="2026-08-15"), "`from` is within a month"),
        (item("a", amount="1", start=AUGUST, end="2026-09-02"), "`to` is within a month"),
        (item("a", amount="1", once=True), "`once` needs `from`"),
        (item("a", amount="1", every_months=3), "`every_months` needs `from`"),
        (item("a", amount="1", prorate=True), "`prorate` needs `from`"),
        (item("a", amount="1", start=AUGUST, once=True, end=SEPTEMBER), "leave out `to`"),
        (item("a", amount="1", start=AUGUST, every_months=0), "every_months"),
        (item("a", amount="1", start=AUGUST, every_months=True), "every_months"),
        (item("a", amount="1", start=SEPTEMBER, end=AUGUST), "must be later than `from`"),
        (item("a", amount="1", start="Autumn"), "write a month or a day"),
        (item("a", percent="5", percent_of="price", **DAYS), "nothing is prorated"),
        (
            item("a", percent="5", percent_of="price", start=AUGUST, every_months=2),
            "a percentage is of each month",
        ),
        (
            item("a", percent="101", percent_of="price", kind="credit"),
            "gives back what nobody paid",
        ),
        (item("a", amount="-1"), "amount"),
        (item("a", percent="5", percent_of="price", minimum="-1"), "minimum"),
        (item("a", amount="1", tax={"category": "zero", "rate_percent": "5"}), "only standard"),
        (item("a", amount="1", tax={"category": "standard"}), "it needs one"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    rebill: Rebill, tmp_path: Path, wrong: dict[str, Any], words: str
) -> None:
    answer = Contract(rebill, tmp_path).say(wrong)

    assert answer.status == 2
    assert words in answer.err


def test_versions_that_cannot_follow_each_other_are_refused(contract: Contract) -> None:
    first = item("a", amount="1", start=AUGUST, end=SEPTEMBER)
    for second, words in (
        (item("a", amount="2", start=AUGUST), "a is written twice"),
        (item("a", amount="2", start="2026-08-20", prorate=True), "begins twice in 2026-08"),
        (item("a", amount="2", start=SEPTEMBER, client="bell"), "an item is one client's"),
    ):
        answer = contract.say(first, second)
        assert answer.status == 2 and words in answer.err, words


def test_a_key_that_yaml_reads_as_a_truth_is_told(contract: Contract) -> None:
    file = contract.file(item("a", amount="1"))
    file.write_text(file.read_text().replace("amount:", "on:"))

    refused = contract.rebill("apply", file)
    assert refused.status == 2
    assert "`on` is read as True: write it in quotes" in refused.err and "line" in refused.err


def test_days_are_of_the_month_that_they_are_in(contract: Contract) -> None:
    """Three days of February at 9 a month are 3/28 of it (microsoft/BCApps 5718), not 3/31.

    And who begins on the last day is charged that one day (frappe/erpnext 41672).
    """
    contract.agree(
        item("three", amount="9", start="2026-02-26", end="2026-03", prorate=True),
        item("one", amount="28", start="2026-02-28", prorate=True),
    )

    assert amounts(contract.close("2026-02")) == {"one": "1.00", "three": "0.96"}


def test_a_plan_of_nothing_new_shows_no_difference_in_an_issued_month(contract: Contract) -> None:
    """Of days, of a term that was cut short, and of what was paid ahead."""
    items = [
        item("managed", amount="310", start="2026-08-15", prorate=True),
        item("commit", minimum_spend="900", every_months=12, start=AUGUST, end=OCTOBER),
        item("ahead", kind="credit", prepaid="150", start=AUGUST),
    ]
    contract.agree(*items)
    contract.close(AUGUST)
    assert amounts(contract.close(SEPTEMBER)) == {
        "managed": "310.00", "commit": "700.00", "ahead": "-50.00",
    }  # fmt: skip

    for month in (AUGUST, SEPTEMBER):
        file = contract.file(*items)
        planned = contract.rebill("plan", file, "--period", month, "--json").json
        (acme,) = planned["months"][0]["clients"]
        assert (acme["difference"], acme["parts"]) == ("0.00", [])
