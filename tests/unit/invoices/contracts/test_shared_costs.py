"""Shared costs: what our own accounts, or none, are charged goes to clients by what was agreed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.allocation.shared_costs.groups import (
    WITHOUT_ACCOUNT,
    Basis,
    By,
    SharedCost,
    in_effect,
    taken_twice,
)
from invoices.clients import AccountId, ClientKey
from invoices.documents.document import canonical_bytes, to_document
from invoices.inputs import BillingInputs, Waiver
from invoices.kinds import CostBasis, Kind
from invoices.matching import Match
from invoices.month import BilledMonth, bill, prove
from invoices.periods import BillingPeriod
from kernel.findings import Severity
from tests.support.builders import (
    OCTOBER,
    PAYER,
    book,
    charge,
    charges,
    inputs,
    markup,
    owns,
)

A, B, C = "111111111111", "222222222222", "333333333333"
OURS, LOGS = AccountId("999999999999"), AccountId("888888888888")
SPENT = [charge(A, "20"), charge(B, "10"), charge(C, "70")]
SPEND = Basis(By.SPEND)


def group(basis: Basis = SPEND, *accounts: AccountId, **other: Any) -> SharedCost:
    known: dict[str, Any] = {"key": "security", "description": "Security", "start": OCTOBER}
    return SharedCost(accounts=accounts or (OURS,), basis=basis, **(known | other))


def by(*groups: SharedCost, **other: Any) -> BillingInputs:
    known: dict[str, Any] = {"internal": [OURS, LOGS, PAYER]} | other
    return replace(inputs(owns("a", A), owns("b", B), owns("c", C), **known), shared_costs=groups)


def billed(given: BillingInputs, *rows: dict[str, Any]) -> BilledMonth:
    month = bill(charges(*SPENT, *rows), given)
    assert all(balance.closes for balance in prove(month).balances)
    return month


def borne(month: BilledMonth) -> dict[str, Decimal]:
    """What each client bears of shared costs."""
    return {
        each.client: found
        for each in month.statements
        if (found := sum((e.cost for e in each.lines if "-shared-" in e.key), Decimal(0)))
    }


def codes(month: BilledMonth) -> list[str]:
    return [each.code for each in month.findings]


PERCENTS = {ClientKey("a"): Decimal("62.5"), ClientKey("b"): Decimal("37.5")}


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        (group(), {"a": "18", "b": "9", "c": "63"}),
        (group(exempt=(ClientKey("c"),)), {"a": "60", "b": "30"}),
        (group(to=(ClientKey("b"), ClientKey("c"))), {"b": "11.25", "c": "78.75"}),
        (group(Basis(By.EVEN)), {"a": "30", "b": "30", "c": "30"}),
        (group(Basis(By.EVEN), exempt=(ClientKey("a"),)), {"b": "45", "c": "45"}),
        (group(Basis(By.PERCENT, percents=PERCENTS)), {"a": "56.25", "b": "33.75"}),
    ],
)
def test_ninety_are_shared_as_agreed(shared: SharedCost, expected: dict[str, str]) -> None:
    """By a spend of 20, 10 and 70."""
    month = billed(by(shared), charge(OURS, "90"))

    assert borne(month) == {client: Decimal(part) for client, part in expected.items()}
    assert month.retained == {} and month.payer_total == 190
    assert codes(month) == []


def test_what_cannot_be_divided_goes_to_the_largest_remainder_and_all_of_it_goes() -> None:
    month = billed(by(group(Basis(By.EVEN))), charge(OURS, "10"))

    third = Decimal("3.3333333333")
    assert borne(month) == {"a": third + Decimal("1e-10"), "b": third, "c": third}


def test_usage_of_something_is_a_basis() -> None:
    """Of 8, by 30 and 10 gigabytes; the machine hours of c are no storage."""
    storage = Basis(By.USAGE, Match(service="AmazonS3", usage_type="*TimedStorage*"))
    stored: dict[str, Any] = {
        "service": "AmazonS3",
        "usage_type": "EU-TimedStorage",
        "unit": "GB-Mo",
    }
    rows = [
        charge(A, "1", **stored, usage="30"),
        charge(B, "1", **stored, usage="10"),
        charge(C, "1", usage_type="Box", unit="Hrs", usage="700"),
        charge(OURS, "8"),
    ]

    assert borne(billed(by(group(storage)), *rows)) == {"a": 6, "b": 2}


def test_usage_in_two_units_is_not_added_up() -> None:
    storage = Basis(By.USAGE, Match(service="AmazonS3"))
    rows = [
        charge(A, "1", service="AmazonS3", unit="GB-Mo", usage="30"),
        charge(B, "1", service="AmazonS3", unit="Requests", usage="9000"),
        charge(OURS, "8"),
    ]

    month = billed(by(group(storage)), *rows)

    (found,) = month.findings
    assert found.severity is Severity.CRITICAL and found.client == ""
    assert found.message == (
        "Nobody bears the shared cost security (8 USD in 2018-10): the usage of service=AmazonS3 "
        "is in GB-Mo, Requests, which cannot be added up. Write another basis, or waive it and "
        "bear what is of internal accounts yourself."
    )
    assert month.retained == {"internal_accounts": 8}


def test_spend_of_nobody_is_told_blocks_and_can_be_waived() -> None:
    """No client has a database: 90 stay ours."""
    databases = group(Basis(By.SPEND, Match(service="AmazonRDS")))
    given = by(databases)
    month = billed(given, charge(OURS, "90"))

    assert borne(month) == {} and month.retained == {"internal_accounts": 90}
    (found,) = month.findings
    assert (found.severity, found.code) == (Severity.CRITICAL, "shared_cost_without_basis")
    assert "no client that is to bear it has any spend of service=AmazonRDS" in found.message
    waiver = Waiver(PAYER, OCTOBER, found.code, "", "none yet")
    (told,) = billed(replace(given, waivers=(waiver,)), charge(OURS, "90")).findings
    assert told.severity is Severity.WARNING


def test_credits_refunds_discounts_and_tax_are_no_spend_and_money_back_bears_nothing() -> None:
    rows = [
        charge(A, "-15", Kind.CREDIT),
        charge(A, "100", Kind.TAX),
        charge(B, "-3", Kind.DISCOUNT_EDP),
        charge(C, "-7", Kind.REFUND),
        charge(OURS, "90"),
    ]

    assert borne(billed(by(group()), *rows)) == {"a": 18, "b": 9, "c": 63}
    assert borne(billed(by(group()), charge(C, "-70"), charge(OURS, "90"))) == {"a": 60, "b": 30}


def test_spend_may_be_amortized() -> None:
    """a pays 80 for a year upfront, which is 5 of this month's cost: 25, 10 and 70 of 105."""
    upfront = charge(
        A, "80", Kind.RI_UPFRONT, amortized_cost="5", net_amortized_cost="5", upfront="75"
    )
    amortized = group(Basis(By.SPEND, cost=CostBasis.AMORTIZED))

    assert borne(billed(by(group()), upfront, charge(OURS, "90"))) == {"a": 50, "b": 5, "c": 35}
    assert borne(billed(by(amortized), upfront, charge(OURS, "105"))) == {"a": 25, "b": 10, "c": 70}


def test_a_spend_is_taken_before_any_shared_cost_is_added() -> None:
    """a bears all 900 of the logs, and still 20 of 100 of the rest; whatever the keys."""
    logs = group(Basis(By.PERCENT, percents={ClientKey("a"): Decimal(100)}), LOGS)
    rows = [charge(LOGS, "900"), charge(OURS, "90")]

    for key in ("aaa", "zzz"):
        month = billed(by(group(), replace(logs, key=key)), *rows)
        assert borne(month) == {"a": 918, "b": 9, "c": 63}


def test_a_part_is_priced_by_the_book_of_its_client_as_a_charge_of_its_own() -> None:
    """Ten percent on machines, 0.50 a key, none of AWS's tax, half of the credit."""
    rules = [markup("10"), markup("0", service="AWSSupport")]
    priced = book(*rules, credits_passed_percent=Decimal(50))
    rows = [
        charge(OURS, "100"),
        charge(OURS, "10", Kind.FEE, service="AWSSupport", description_key="10% of $900 and more"),
        charge(OURS, "-20", Kind.CREDIT, description_key="PROMO"),
        charge(OURS, "5", Kind.TAX),
    ]

    month = billed(by(group(), books=[priced]), *rows)

    prices = {e.key: e.price for e in month.statements[0].lines if "-shared-" in e.key}
    assert prices == {
        f"{OURS}/AmazonEC2/usage-shared-security": 22,
        f"{OURS}/AWSSupport/fee-shared-security": 2,
        f"{OURS}/AmazonEC2/credit-shared-security": -2,
    }
    assert month.retained == {"aws_tax": 5, "credits": -10}


def test_what_a_group_names_by_kind_is_passed_whole_as_a_rule_prices_it_by_name() -> None:
    """The book keeps tax and credits; the group says that these are to be shared."""
    credits_ = group(SPEND, WITHOUT_ACCOUNT, match=Match(kind="credit"), key="promotion")
    tax = group(match=Match(kind="tax"), key="tax")
    rows = [
        charge("", "-50", Kind.CREDIT),
        charge(OURS, "10", Kind.TAX),
        charge(A, "4", Kind.TAX),
        charge(OURS, "7"),
    ]

    month = billed(by(credits_, tax, books=[book(markup("10"))]), *rows)

    assert borne(month) == {"a": -8, "b": -4, "c": -28}
    assert [each.price for each in month.statements[0].lines] == [-10, 22, 2]
    assert month.retained == {"internal_accounts": 7, "aws_tax": 4}


def test_a_central_marketplace_purchase_is_shared_and_the_rest_of_the_payer_is_not() -> None:
    bought = {"billing_entity": "AWS Marketplace", "seller": "Guard Inc", "service": "guard"}
    sold = Match(billing_entity="AWS Marketplace")
    market = group(Basis(By.EVEN), PAYER, match=sold, key="guard", description="")

    month = billed(by(market), charge(PAYER, "30", Kind.FEE, **bought), charge(PAYER, "11"))

    assert borne(month) == {"a": 10, "b": 10, "c": 10}
    assert month.retained == {"internal_accounts": 11}
    (line,) = [each for each in month.statements[0].lines if each.service == "guard"]
    assert line.description == "Fee (sold by Guard Inc) (shared: guard)"


def test_the_most_specific_group_shares_a_charge() -> None:
    everything = group(Basis(By.EVEN))
    machines = group(key="machines", match=Match(service="AmazonEC2"))
    rows = [charge(OURS, "100"), charge(OURS, "6", service="AmazonS3")]

    assert borne(billed(by(everything, machines), *rows)) == {"a": 22, "b": 12, "c": 72}


def test_neither_document_nor_line_tells_of_another_client() -> None:
    month = billed(by(group()), charge(OURS, "90", Kind.FEE, description_key="1% of $123,456"))

    documents = {each.client: canonical_bytes(to_document(each.invoice)) for each in month.drafts}
    assert b"Fee (shared: Security)" in documents[ClientKey("a")]
    for word in ("123,456", B, C, "by spend"):
        assert word.encode() not in documents[ClientKey("a")]
    (working,) = [w for e in month.statements[0].lines if "-shared-" in e.key for w in e.workings]
    assert working.attribution == "shared cost security, by spend: 20 of 100"


def test_charges_in_another_currency_are_shared_by_the_spend_in_the_payers() -> None:
    rows = [charge(OURS, "100", currency="EUR", billing_entity="AWS Marketplace")]

    month = billed(by(group()), *rows)

    euros = {each.client: each.others["EUR"].cost for each in month.statements}
    assert euros == {"a": 20, "b": 10, "c": 70}


def test_an_account_that_was_a_clients_for_a_while_is_shared_from_then_on() -> None:
    """Until the 10th it is a's, and 4 are a spend of its own: 24, 10 and 70 of 104."""
    roster = (owns("a", A), owns("b", B), owns("c", C))
    given = inputs(*roster, owns("a", OURS, end=date(2018, 10, 10)))
    rows = [
        charge(OURS, "4", service_day=date(2018, 10, 9)),
        charge(OURS, "104", service_day=date(2018, 10, 10)),
    ]

    month = billed(replace(given, shared_costs=(group(),)), *rows)

    assert borne(month) == {"a": 24, "b": 10, "c": 70}
    assert codes(month) == ["shared_account_of_client"]


def test_who_is_named_bears_a_part_without_any_charge_and_one_that_left_is_told() -> None:
    month = billed(
        by(group(Basis(By.EVEN), to=(ClientKey("a"), ClientKey("d")))), charge(OURS, "9")
    )

    assert borne(month) == {"a": Decimal("4.5"), "d": Decimal("4.5")}
    assert codes(month) == ["client_unknown", "shared_cost_of_departed"]


def test_an_account_that_has_no_charge_is_told() -> None:
    assert codes(billed(by(group()))) == ["shared_cost_of_nothing"]


def test_a_spend_that_the_export_does_not_tell_parks_who_bears_by_it() -> None:
    given = by(group(Basis(By.SPEND, cost=CostBasis.AMORTIZED)))
    limits = replace(given.export_limits, bases={"amortized": "it has no such column"})

    month = billed(replace(given, export_limits=limits), charge(OURS, "90"))

    assert month.parked == {"a", "b", "c"}
    assert {*codes(month)} == {"basis_unanswerable"}


def test_the_latest_version_of_a_key_counts_until_it_ends() -> None:
    november, december = BillingPeriod(2018, 11), BillingPeriod(2018, 12)
    old, new = group(), group(Basis(By.EVEN), start=november, end=december)

    assert in_effect([new, old], OCTOBER) == (old,)
    assert in_effect([new, old], november) == (new,)
    assert in_effect([new, old], december) == ()


def test_two_groups_take_the_same_charges_only_while_both_are_in_effect() -> None:
    november = BillingPeriod(2018, 11)
    one, other = group(end=november), group(key="all of it", start=OCTOBER)

    assert [(x.key, y.key, account) for x, y, account in taken_twice([one, other])] == [
        ("all of it", "security", OURS)
    ]
    assert [*taken_twice([one, replace(other, start=november)])] == []
    assert [*taken_twice([one, replace(other, match=Match(kind="tax"))])] == []


def uneven() -> Basis:
    return Basis(
        By.PERCENT, percents={ClientKey("a"): Decimal(50), ClientKey("b"): Decimal("49.9")}
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (uneven, "the percentages add up to 99.9, not to 100"),
        (lambda: Basis(By.SPEND, cost=CostBasis.LIST), "what a client spends has no list"),
        (lambda: group(end=OCTOBER), "must be later than `from`"),
        (lambda: SharedCost("k", (), SPEND, OCTOBER), "say whose charges are shared"),
        (
            lambda: group(to=(ClientKey("a"),), exempt=(ClientKey("b"),)),
            "whoever is not named bears nothing",
        ),
        (
            lambda: group(Basis(By.PERCENT, percents=PERCENTS), to=(ClientKey("a"),)),
            "percent says who bears how much",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
