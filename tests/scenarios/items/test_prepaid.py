"""What a client paid ahead: taken off until nothing is left, once, whatever is billed again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.scenarios.items.conftest import Contract, amounts, item

JULY, AUGUST, SEPTEMBER, OCTOBER = (f"2026-{month:02}" for month in range(7, 11))
VAT = {"category": "standard", "rate_percent": "20"}


def paid(amount: str, key: str = "ahead", start: str = JULY, **more: Any) -> dict[str, Any]:
    return item(key, kind="credit", prepaid=amount, start=start, **more)


def test_a_prepayment_runs_out_and_what_is_left_is_told(contract: Contract) -> None:
    """250 ahead: 100 of July, 100 of August, and the 50 that are left of September."""
    contract.agree(paid("250"))

    july = contract.close(JULY)
    (line,) = (each for each in july["lines"] if "prepaid" in each)
    assert line["description"] == "Ahead (150.00 USD left)"
    assert line["prepaid"] == {"key": "ahead", "left": "150.00"}
    assert (line["amount"], july["subtotal"], july["total"]) == ("-100.00", "0.00", "0.00")
    assert "150 is left" in contract.findings(JULY)["prepaid_left"]
    assert amounts(contract.close(AUGUST)) == {"ahead": "-100.00"}
    assert amounts(contract.close(SEPTEMBER)) == {"ahead": "-50.00"}
    assert "nothing is left" in contract.findings(SEPTEMBER)["prepaid_run_out"]
    assert amounts(contract.close(OCTOBER)) == {}


def test_billed_again_in_any_order_it_is_drawn_once(contract: Contract) -> None:
    """150 ahead of two months of 100: whoever is billed first takes 100, the other 50."""
    contract.agree(paid("150"))
    contract.take(JULY)
    contract.take(AUGUST)

    for _ in range(2):
        assert contract.bill(AUGUST) == ("draft", "0.00")
        assert contract.bill(JULY) == ("draft", "50.00")
    contract.issue(JULY)
    contract.issue(AUGUST)
    for month, total in ((JULY, "50.00"), (AUGUST, "0.00")):
        assert contract.bill(month) == ("issued", total)
        assert "issued_invoice_differs" not in contract.findings(month)


def test_what_later_months_take_does_not_change_what_is_left_of_an_approved_one(
    contract: Contract,
) -> None:
    contract.agree(paid("250"))
    for month in (JULY, AUGUST):
        contract.take(month)
    contract.bill(JULY)
    assert contract.rebill("approve", "--period", JULY).status == 0
    contract.bill(AUGUST)

    assert contract.bill(JULY) == ("approved", "0.00")
    assert "approved_invoice_differs" not in contract.findings(JULY)
    contract.rebill("issue", "--period", JULY)
    (line,) = (each for each in contract.document(JULY)["lines"] if "prepaid" in each)
    assert line["prepaid"]["left"] == "150.00"


def test_a_prepayment_that_was_lowered_since_is_not_issued_as_it_was(contract: Contract) -> None:
    contract.agree(paid("150"))
    contract.take(JULY)
    contract.bill(JULY)
    assert contract.rebill("approve", "--period", JULY).status == 0
    contract.agree(paid("60"))

    refused = contract.rebill("issue", "--period", JULY)

    assert refused.status == 1
    assert "would now be 40.00" in refused.out + refused.err


def test_it_pays_charges_unless_everything_is_agreed_and_lowers_its_own_tax(
    contract: Contract,
) -> None:
    """100 of charges and a fee of 30, at 20 %, and a book of 10 at 5 %.

    80 off the charges leave 20; of everything at 20 % 500 more take the 20 + 30 that are left.
    """
    book = item("book", amount="10", tax=VAT | {"rate_percent": "5"})
    contract.agree(
        paid("80"), item("care", amount="30"), book, paid("500", "more", AUGUST, counts="all"),
        tax=VAT,
    )  # fmt: skip

    july = contract.close(JULY)
    assert amounts(july) == {"ahead": "-80.00", "care": "30.00", "book": "10.00"}
    assert [(e["base"], e["tax"]) for e in july["tax_lines"]] == [
        ("50.00", "10.00"), ("10.00", "0.50"),
    ]  # fmt: skip
    august = contract.close(AUGUST)
    assert amounts(august) == {"care": "30.00", "book": "10.00", "more": "-130.00"}
    assert august["total"] == "10.50"


def test_named_services_are_paid_and_a_credit_among_them_is_not(contract: Contract) -> None:
    """Boxes of 60 less a credit of 20 and disks of 40: of 500, 40 pay the boxes."""
    contract.agree(paid("500", services=["AmazonEC2"]))
    contract.take(JULY, AmazonEC2="60", AmazonS3="40")

    assert contract.bill(JULY) == ("draft", "40.00")


def test_a_minimum_spend_is_met_before_anything_is_taken_off(contract: Contract) -> None:
    """100 used of at least 250: 150 more; 120 ahead pay charges, so the 150 are due."""
    contract.agree(paid("120"), item("floor", minimum_spend="250", counts="all"))

    july = contract.close(JULY)

    assert amounts(july) == {"ahead": "-100.00", "floor": "150.00"}
    assert july["total"] == "150.00"


def test_in_a_months_proof_it_is_told_apart_and_it_is_explained(contract: Contract) -> None:
    contract.agree(paid("80"))
    july = contract.close(JULY)

    proof = contract.rebill("reconcile", "--period", JULY, "--json").json
    (acme,) = proof["clients"]
    assert proof["closes"] and (acme["price"], acme["prepaid"]) == ("100", "-80.00")
    told = contract.rebill("explain", july["number"], "custom/ahead", "--json").json
    assert told["steps"] == [
        "taken off what was prepaid, 80, of which 0.00 USD is left",
        "on the document: -80.00 USD",
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (paid("0"), "prepaid"),
        (paid("-5"), "prepaid"),
        (paid("5", every_months=3), "taken off until it runs out"),
        (item("a", prepaid="5", start=JULY), "prepaid goes with `kind: credit`"),
        (item("a", kind="credit", prepaid="5"), "`prepaid` needs `from`"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    rebill: Rebill, tmp_path: Any, wrong: dict[str, Any], words: str
) -> None:
    answer = Contract(rebill, tmp_path).say(wrong)

    assert answer.status == 2
    assert words in answer.err


def test_a_second_prepayment_begins_where_the_first_runs_out(contract: Contract) -> None:
    """30 of a first, and of a second of 500 the 70 that are left to pay: no line is paid twice."""
    contract.agree(paid("30", "first"), paid("500", "second", AUGUST))
    contract.close(JULY, "10")

    august = contract.close(AUGUST)

    assert amounts(august) == {"first": "-20.00", "second": "-80.00"}
    assert august["total"] == "0.00"


def test_a_difference_that_another_month_made_is_told_as_such(contract: Contract) -> None:
    """Of 150, August took 100 and left 50 to July; August has 20 now, so July takes its 100."""
    contract.agree(paid("150"))
    for month in (AUGUST, JULY):
        contract.take(month)
        contract.bill(month)
    contract.take(AUGUST, "20")
    for month in (AUGUST, JULY):
        contract.bill(month)

    (told,) = contract.rebill("diff", "--period", JULY, "--json").json["payers"]

    (acme,) = (each for each in told["clients"] if each["client"] == "acme")
    (line,) = acme["lines"]
    assert (line["key"], line["causes"]) == ("custom/ahead", ["carried_forward"])
    assert line["difference"] == "-50.00"
