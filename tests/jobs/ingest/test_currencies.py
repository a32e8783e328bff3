"""Several currencies on one bill: their sums are kept apart, and a blank one is never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from invoices.money import plain
from jobs.ingest.run import Ingested
from jobs.ingest.summary.facts import to_json
from kernel.findings import Severity
from tests.jobs.ingest.test_assumptions import focus_line
from tests.support.bills.front_door import exported
from tests.support.bills.ingest_builders import Row, line, take

MARKETPLACE = {"bill_billing_entity": "AWS Marketplace"}


def took(folder: Path, *files: list[Row]) -> Ingested:
    for number, rows in enumerate(files):
        exported(folder / "bill", rows, f"cur-{number}.csv.gz")
    return take(folder / "bill", folder / "cache")


def by_currency(found: Ingested) -> dict[str, str]:
    """Billed, the bill's own currency first."""
    facts = [found.facts.own, *found.facts.others]
    return {each.currency: plain(each.sums["billed"]) for each in facts}


def test_the_sums_of_two_currencies_are_never_one(tmp_path: Path) -> None:
    rows = [
        line("100", bill_invoice_id="1"),
        line("50", line_item_currency_code="EUR", bill_invoice_id="2", **MARKETPLACE),
        line("20.5", line_item_currency_code="EUR", bill_invoice_id="2", **MARKETPLACE),
    ]
    found = took(tmp_path, rows)

    told = to_json(found.facts, "an id")
    (other,) = told["other_currencies"]
    assert (told["currency"], told["sums"]["billed"], told["rows"]) == ("USD", "100", 3)
    assert (other["currency"], other["sums"]["billed"], other["rows"]) == ("EUR", "70.5", 2)
    assert {name: sums["billed"] for name, sums in other["by_invoice"].items()} == {"2": "70.5"}
    assert list(told["by_invoice"]) == ["1"]
    (finding,) = found.facts.findings
    assert (finding.severity, finding.code) == (Severity.WARNING, "mixed_currency")
    assert finding.message.startswith("2 rows of 70.5 EUR, and the bill is in USD")


def test_of_one_currency_nothing_new_is_said(tmp_path: Path) -> None:
    found = took(tmp_path, [line("100")])

    assert "other_currencies" not in to_json(found.facts, "an id")
    assert found.facts.findings == ()


@pytest.mark.parametrize("rows", [[("4", "USD"), ("0", "")], [("0", ""), ("4", "USD"), ("0", "")]])
def test_a_blank_currency_on_what_costs_nothing_is_the_bills(
    tmp_path: Path, rows: list[tuple[str, str]]
) -> None:
    """A tax of 0 has none at times."""
    found = took(tmp_path, [line(cost, "Tax", line_item_currency_code=of) for cost, of in rows])

    assert by_currency(found) == {"USD": "4"}
    assert found.facts.findings == ()


def test_one_that_costs_does_not_take_the_free_ones_with_it(tmp_path: Path) -> None:
    rows = [
        line("100"),
        line("0", "Fee", line_item_currency_code=""),
        line("3", "Tax", line_item_currency_code=""),
        line("0", "Refund", line_item_currency_code="-"),
    ]
    found = took(tmp_path, rows)

    assert by_currency(found) == {"USD": "100", "": "3"}
    (finding,) = found.facts.findings
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith("1 row of 3 name no currency, and the bill is in USD")


def test_a_blank_one_is_the_bills_not_its_files(tmp_path: Path) -> None:
    """The second file has the Marketplace's charges only, and a free row without a currency."""
    euro = line("50", line_item_currency_code="EUR", **MARKETPLACE)
    blank = line("0", "Tax", line_item_currency_code="")
    found = took(tmp_path, [line("100")], [euro, blank])

    assert by_currency(found) == {"USD": "100", "EUR": "50"}
    free = found.charges.frame.filter(found.charges.frame["kind"] == "tax")
    assert free["currency"].to_list() == ["USD"]


def test_a_code_is_the_same_in_small_letters_and_with_spaces(tmp_path: Path) -> None:
    rows = [
        line("1"),
        line("2", line_item_currency_code="usd"),
        line("4", line_item_currency_code=" USD "),
    ]
    found = took(tmp_path, rows)

    assert by_currency(found) == {"USD": "7"}


def test_a_bill_without_any_currency_is_one_of_none(tmp_path: Path) -> None:
    rows = [line("100", line_item_currency_code=""), line("0", line_item_currency_code="")]
    found = took(tmp_path, rows)

    assert by_currency(found) == {"": "100"}
    assert found.facts.findings == ()


def test_what_a_discount_column_hides_is_asked_for_each_currency(tmp_path: Path) -> None:
    """Dollars have discounts as rows, euros in their net column: neither counts them twice."""
    rows = [
        line("10", line_item_net_unblended_cost="10"),
        line("-1", "EdpDiscount", line_item_net_unblended_cost="-1"),
        line("50", line_item_currency_code="EUR", line_item_net_unblended_cost="45"),
    ]
    found = took(tmp_path, rows)

    assert found.facts.quarantined == ()
    assert [plain(each.sums["net_billed"]) for each in (found.facts.own, *found.facts.others)] == [
        "9",
        "45",
    ]


def test_an_amortized_cost_that_is_short_in_euros_is_not_made_up_for_in_dollars(
    tmp_path: Path,
) -> None:
    """A reservation's monthly fee without its true-up, in each: 7 too much and 7 too little."""
    columns = {
        "reservation_reservation_a_r_n": "arn:aws:ec2:eu-west-1:011254002932:reserved-instances/1",
        "reservation_effective_cost": "0",
        "reservation_unused_amortized_upfront_fee_for_billing_period": "0",
        "reservation_amortized_upfront_fee_for_billing_period": "0",
    }
    euros = {"line_item_currency_code": "EUR", **columns}
    rows = [
        line("5"),
        line("10", "RIFee", reservation_unused_recurring_fee="3", **columns),
        line("10", "RIFee", reservation_unused_recurring_fee="17", **euros),
    ]
    found = took(tmp_path, rows)

    residuals = [e.message for e in found.facts.findings if e.code == "identity_1_residual"]
    assert [words.rpartition(" by ")[2] for words in residuals] == ["7", "-7 EUR"]
    assert "amortized" in found.facts.limits.bases


def test_focus_is_added_up_by_the_currency_it_is_billed_in_not_priced_in(tmp_path: Path) -> None:
    """FOCUS 1.2 has both (FOCUS_Spec issue 318); PricingCurrency may be of tokens, too (848).

    4 tokens of 2.50 USD each are 10 USD, and a Marketplace seller bills 50 EUR.
    """
    tokens = {"PricingCurrency": "TOKENS", "PricingQuantity": "4", "PricingUnit": "tokens"}
    seller = {"BillingCurrency": "EUR", "PublisherName": "Datenhaus", "PricingCurrency": "EUR"}
    rows = [
        focus_line("10", PricingCurrencyEffectiveCost="4", **tokens),
        focus_line("50", PricingCurrencyEffectiveCost="50", **seller),
        focus_line("0", BillingCurrency="", ChargeCategory="Tax"),
    ]
    found = took(tmp_path, rows)

    assert (found.facts.dialect, by_currency(found)) == ("focus", {"USD": "10", "EUR": "50"})


def test_a_bill_that_is_paid_in_another_currency_says_nothing_of_it(tmp_path: Path) -> None:
    """AWS converts the invoice, not its line items (FOCUS_Spec issue 1997)."""
    canadian = {"bill_invoicing_entity": "Amazon Web Services Canada, Inc."}
    found = took(tmp_path, [line("100", **canadian), line("13", "Tax", **canadian)])

    assert by_currency(found) == {"USD": "113"}
    assert found.facts.findings == ()
