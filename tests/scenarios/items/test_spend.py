"""What a client pays at least, and at most: by the month, and by terms whose months are counted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.scenarios.items.conftest import BELL, Contract, amounts, item

JUNE, JULY, AUGUST, SEPTEMBER, OCTOBER = (f"2026-{month:02}" for month in range(6, 11))


def quarter(**more: Any) -> dict[str, Any]:
    """1,000 in three months from July on."""
    return item("commit", minimum_spend="1000", every_months=3, start=JULY, **more)


def maximum(amount: str, **more: Any) -> dict[str, Any]:
    return item("most", kind="credit", maximum_spend=amount, **more)


def test_a_month_below_the_minimum_is_charged_what_is_missing(contract: Contract) -> None:
    """At least 250 a month: 100 used and 150 more; 300 used and nothing more."""
    contract.agree(item("floor", minimum_spend="250"))

    assert amounts(contract.close(AUGUST, "100")) == {"floor": "150.00"}
    assert amounts(contract.close(SEPTEMBER, "300")) == {}


def test_what_counts_is_named_services_or_everything(contract: Contract) -> None:
    """Boxes of 60, disks of 30, a fee of 20 and a goodwill of 5.

    Of boxes 100 are due, and 60 count: 40. Of everything 200: 60 + 30 + 20 - 5 is 105: 95.
    """
    contract.agree(
        item("care", amount="20"),
        item("goodwill", kind="credit", amount="5"),
        item("boxes", minimum_spend="100", services=["AmazonEC2"]),
        item("all", minimum_spend="200", counts="all"),
    )

    document = contract.close(AUGUST, AmazonEC2="60", AmazonS3="30")

    assert amounts(document) == {
        "care": "20.00", "goodwill": "-5.00", "boxes": "40.00", "all": "95.00",
    }  # fmt: skip


def test_a_maximum_is_a_credit_and_a_minimum_counts_what_is_left(contract: Contract) -> None:
    """500 used, at most 400: a credit of 100. At least 450 of everything: 400 count, 50 more."""
    contract.agree(maximum("400"), item("floor", minimum_spend="450", counts="all"))

    document = contract.close(AUGUST, "500")

    assert amounts(document) == {"most": "-100.00", "floor": "50.00"}
    told = contract.rebill("explain", document["number"], "custom/most", "--json").json
    assert told["steps"][0] == "what 500 spent is above 400"


def test_a_minimum_of_part_of_a_month_is_prorated(contract: Contract) -> None:
    """310 a month from the 22nd of August on: 10 of 31 days are 100, of which 60 are used."""
    contract.agree(item("floor", minimum_spend="310", start="2026-08-22", prorate=True))

    document = contract.close(AUGUST, "60")

    assert amounts(document) == {"floor": "40.00"}
    assert document["lines"][-1]["description"] == "Floor (10 of 31 days)"


def test_the_shortfall_of_a_term_is_charged_in_its_last_month(contract: Contract) -> None:
    """200 + 300 + 100 of 1,000: 400 are missing. The next term begins with nothing."""
    contract.agree(quarter())

    assert amounts(contract.close(JULY, "200")) == {}
    assert amounts(contract.close(AUGUST, "300")) == {}
    september = contract.close(SEPTEMBER, "100")
    assert amounts(september) == {"commit": "400.00"}
    told = contract.rebill("explain", september["number"], "custom/commit", "--json").json
    assert told["steps"][0] == "what 600 spent of 3 months is short of 1000 every 3 months"
    assert amounts(contract.close(OCTOBER, "10")) == {}


def test_what_is_above_counts_in_the_next_term_where_that_is_agreed(contract: Contract) -> None:
    """250 are due every two months from May on: May and June come to 400, so 150 go on.

    July and August come to 70 + 150 = 220: 30 are missing, and nothing goes on.
    """
    terms: dict[str, Any] = {"minimum_spend": "250", "every_months": 2, "start": "2026-05"}
    contract.agree(item("carried", carry_over=True, **terms), item("plain", **terms))

    assert amounts(contract.close("2026-05", "300")) == {}
    assert amounts(contract.close(JUNE, "100")) == {}
    assert amounts(contract.close(JULY, "50")) == {}
    assert amounts(contract.close(AUGUST, "20")) == {"carried": "30.00", "plain": "180.00"}


def test_months_billed_elsewhere_are_stated(contract: Contract) -> None:
    """450 until August, 100 in August and 50 in September: 400 are missing."""
    contract.agree(quarter(opening={"amount": "450", "until": AUGUST}))
    contract.close(AUGUST, "100")

    assert amounts(contract.close(SEPTEMBER, "50")) == {"commit": "400.00"}


def test_a_month_without_charges_counts_nothing_and_gets_no_document(contract: Contract) -> None:
    """Only Bell has charges in August, and so it was billed: 200 + 0 + 100 of Acme's."""
    contract.agree(quarter())
    contract.close(JULY, "200")
    contract.take(AUGUST, account=BELL)
    assert contract.bill(AUGUST) == ("draft", "100.00"), "Bell's, and none of Acme's"

    assert amounts(contract.close(SEPTEMBER, "100")) == {"commit": "700.00"}


def test_a_term_of_which_a_month_is_unknown_parks(contract: Contract) -> None:
    contract.agree(quarter())
    contract.close(JULY, "200")
    contract.take(SEPTEMBER)
    contract.rebill("bill", "--period", SEPTEMBER)

    told = contract.findings(SEPTEMBER)["minimum_spend_unknown"]
    assert "spent in 2026-08 is not known to commit" in told


def test_an_ending_term_is_issued_after_its_other_months(contract: Contract) -> None:
    """August is a draft that may still change: what is missing in September is not final."""
    contract.agree(quarter())
    contract.close(JULY, "200")
    for month in (AUGUST, SEPTEMBER):
        contract.take(month, "100")
        contract.bill(month)

    refused = contract.issue(SEPTEMBER)
    assert "counts 2026-08, which is not issued yet" in refused.out + refused.err
    contract.take(AUGUST, "500")
    contract.bill(AUGUST)
    contract.issue(AUGUST)
    contract.rebill("bill", "--period", SEPTEMBER)
    assert contract.bill(SEPTEMBER) == ("approved", "700.00"), "100 and 600 that were missing"
    assert "would now be 300.00" in contract.findings(SEPTEMBER)["approved_invoice_differs"]


def test_a_closed_term_billed_again_is_as_it_was(contract: Contract) -> None:
    contract.agree(quarter(carry_over=True))
    documents = [contract.close(month, "100") for month in (JULY, AUGUST, SEPTEMBER)]

    for month, document in zip((JULY, AUGUST, SEPTEMBER), documents, strict=True):
        assert contract.bill(month)[0] == "issued"
        assert contract.document(month) == document
        assert not {*contract.findings(month)} & {"issued_invoice_differs"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (item("a", minimum_spend="1", kind="credit"), "minimum_spend goes with `kind: fee`"),
        (item("a", maximum_spend="1"), "maximum_spend goes with `kind: credit`"),
        (item("a", minimum_spend="-1"), "minimum_spend"),
        (item("a", minimum_spend="0"), "minimum_spend"),
        (item("a", minimum_spend="1", every_months=12), "`every_months` needs `from`"),
        (item("a", minimum_spend="1", carry_over=True), "`carry_over` needs `from`"),
        (maximum("1", every_months=12, start=JULY), "a maximum_spend is of each month"),
        (maximum("1", carry_over=True), "carry_over goes with minimum_spend"),
        (item("a", amount="1", counts="all"), "counts goes with"),
        (item("a", minimum_spend="1", counts="all", services=["AmazonEC2"]), "leave out `counts"),
        (quarter(opening={"amount": "1", "until": JULY}), "`opening`"),
        (quarter(opening={"amount": "1", "until": OCTOBER}), "`opening`"),
        (quarter(opening={"amount": "1", "until": "2026-05"}), "`opening`"),
        (item("a", minimum_spend="1", amount="1"), "give one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    rebill: Rebill, tmp_path: Any, wrong: dict[str, Any], words: str
) -> None:
    answer = Contract(rebill, tmp_path).say(wrong)

    assert answer.status == 2
    assert words in answer.err


def test_an_item_is_not_ended_with_a_month_that_is_issued_without_what_is_missing(
    contract: Contract,
) -> None:
    """Who agrees in September that the quarter ended with August: no document would have it."""
    contract.agree(quarter())
    for month in (JULY, AUGUST):
        contract.close(month, "100")

    refused = contract.say(quarter(end=SEPTEMBER))
    assert refused.status == 2
    assert "would end with 2026-08, which is issued without what is missing" in refused.err
    assert contract.rebill("apply", contract.file(), "--prune").status == 2
    contract.agree(quarter(end=OCTOBER))
    assert amounts(contract.close(SEPTEMBER, "100")) == {"commit": "700.00"}


def test_others_cases_of_minimum_fees(contract: Contract) -> None:
    """As public trackers have them, with figures of ours.

    A fee of 50 and usage of 30 of at least 100: 20 more (getlago/lago-api 1669). At least 1,000 in
    a month, for 15 of its 31 days, is 483.870967..., less the 30 that are used (994).
    """
    contract.agree(
        item("base", amount="50"),
        item("least", minimum_spend="100", counts="all"),
        item("days", minimum_spend="1000", start="2026-08-17", prorate=True),
    )

    assert amounts(contract.close(AUGUST, "30")) == {
        "base": "50.00", "days": "453.87", "least": "20.00",
    }  # fmt: skip
