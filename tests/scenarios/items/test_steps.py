"""Percentages in steps: of what is above a limit, or of all once it is reached."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.items.conftest import Contract, amounts, item

AUGUST, SEPTEMBER = "2026-08", "2026-09"


def off(key: str, percent: str, **more: Any) -> dict[str, Any]:
    return item(key, kind="credit", percent=percent, percent_of="price", **more)


def test_each_step_is_off_what_is_above_it(contract: Contract) -> None:
    """5 % above 10,000 and 3 % more above 50,000: of 60,000 2,500 and 300; of 12,000 100."""
    contract.agree(off("first", "5", above="10000"), off("second", "3", above="50000"))

    august = contract.close(AUGUST, "60000")
    assert amounts(august) == {"first": "-2500.00", "second": "-300.00"}
    september = contract.close(SEPTEMBER, "12000")
    assert amounts(september)["first"] == "-100.00"
    assert amounts(september).get("second", "0.00") == "0.00"
    told = contract.rebill("explain", august["number"], "custom/first", "--json").json
    assert told["steps"][0] == "credit of 5 % of the price 60000, of what is above 10000"


@pytest.mark.parametrize(("cost", "given"), [("9999.99", "0.00"), ("10000", "-500.00")])
def test_once_reached_it_is_off_all(contract: Contract, cost: str, given: str) -> None:
    contract.agree(off("volume", "5", reached="10000"))

    assert amounts(contract.close(AUGUST, cost)).get("volume", "0.00") == given


def test_a_step_of_named_services_and_at_most(contract: Contract) -> None:
    """10 % of what 3,000 of boxes are above 1,000 is 200; at most 150."""
    contract.agree(off("boxes", "10", above="1000", services=["AmazonEC2"], maximum="150"))

    document = contract.close(AUGUST, AmazonEC2="3000", AmazonS3="9000")
    assert amounts(document) == {"boxes": "-150.00"}


def test_what_was_applied_changes_nothing_again(contract: Contract) -> None:
    steps = (off("first", "5", above="10000"), off("volume", "1", reached="70000"))
    contract.agree(*steps)

    assert contract.say(*steps).out == "nothing changes\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"above": "1", "reached": "1"}, "give above (of what is above it) or reached"),
        ({"above": "1", "minimum": "1"}, "below its limit it is nothing: leave out minimum"),
        ({"above": "0"}, "above: "),
        ({"percent": None, "percent_of": None, "amount": "1", "above": "1"}, "above goes with"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    contract: Contract, more: dict[str, Any], words: str
) -> None:
    said = {name: each for name, each in (off("step", "5") | more).items() if each is not None}
    answer = contract.say(said)

    assert answer.status == 2
    assert words in answer.err
