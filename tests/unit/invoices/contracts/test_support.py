"""AWS Support by contract: as AWS charges it, kept, shared by spend, or by a plan."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from invoices.allocation.shared_costs.groups import Basis, By, SharedCost
from invoices.allocation.support.plans import PLANS, SupportPlan, Tier
from invoices.allocation.support.policies import Per, SupportMode, SupportPolicy
from invoices.documents.document import canonical_bytes, to_document
from invoices.inputs import BillingInputs, Waiver
from invoices.kinds import CostBasis, Kind
from invoices.matching import Match
from invoices.month import BilledMonth, bill, prove
from invoices.periods import BillingPeriod
from kernel.findings import Severity
from tests.support.builders import OCTOBER, PAYER, book, charge, charges, client, inputs, owns

A, A2, B = "111111111111", "121212121212", "222222222222"
SUPPORT: dict[str, Any] = {"service": "AWSSupportBusiness", "description_key": "10% of $15,000"}
ROWS = [
    charge(A, "12000"),
    charge(B, "3000"),
    charge(A, "1140", Kind.FEE, **SUPPORT),
    charge(B, "300", Kind.FEE, **SUPPORT),
]
"""Business Support by account: 10 % of 10,000 and 7 % of 2,000; 10 % of 3,000."""
SUPPRESS, SHARE = SupportPolicy(SupportMode.SUPPRESS), SupportPolicy(SupportMode.PROPORTIONAL)


def by_plan(plan: str = "business", **other: Any) -> SupportPolicy:
    """As if it had always been sold: the worked month is of 2018."""
    return SupportPolicy(SupportMode.RECOMPUTE, replace(PLANS[plan], start=None), **other)


def said(*policies: SupportPolicy, **other: Any) -> BillingInputs:
    """Of a, and of b; or one of both."""
    books = [
        book(key=key, support=policy, **other)
        for key, policy in zip("ab", policies * 2, strict=False)
    ]
    clients = [client("a", price_book="a"), client("b", price_book="b")]
    roster = [owns("a", A), owns("a", A2), owns("b", B)]
    return inputs(*roster, clients=clients, books=books, internal=[PAYER])


def billed(given: BillingInputs, *rows: dict[str, Any]) -> BilledMonth:
    month = bill(charges(*(rows or ROWS)), given)
    assert all(balance.closes for balance in prove(month).balances)
    return month


def supported(month: BilledMonth) -> dict[str, Decimal]:
    """By client, what it bears of support."""
    return {
        each.client: sum((e.cost for e in each.lines if "Support" in e.service), Decimal(0))
        for each in month.statements
    }


@pytest.mark.parametrize(
    ("policy", "a", "b", "kept"),
    [
        (SupportPolicy(), "1140", "300", {}),
        (SUPPRESS, "0", "0", {"support": 1440}),
        (SHARE, "1152", "288", {}),
        (by_plan(), "1140", "300", {}),
        (by_plan("developer"), "360", "90", {"support": 990}),
        (by_plan("business_plus"), "1040", "270", {"support": 130}),
        (by_plan("enterprise"), "5000", "5000", {"support": -8560}),
        (by_plan("enterprise", has_minimum=False), "1200", "300", {"support": -60}),
    ],
)
def test_a_thousand_four_hundred_and_forty_of_support(
    policy: SupportPolicy, a: str, b: str, kept: dict[str, int]
) -> None:
    """Shared by 12,000 and 3,000. Business Support+ is 9 % of 10,000 and 7 % of 2,000."""
    month = billed(said(policy))

    assert supported(month) == {"a": Decimal(a), "b": Decimal(b)}
    assert month.retained == kept
    assert month.findings == ()


def test_tiers_and_minimum_of_each_plan_by_hand() -> None:
    """Of 85,000 and 1,200,000: AWS's own examples, 6,150 and 70,500; the rest by their tables."""
    known = [
        ("business", 85_000, "6150"),
        ("enterprise_legacy", 1_200_000, "70500"),
        ("enterprise", 1_200_000, "70500"),
        ("partner_led", 1_200_000, "70500"),
        ("developer", 2_000, "60"),
        ("developer", 10, "29"),
        ("business", 999, "100"),
        ("business", 300_000, "15900"),
        ("business_plus", 300_000, "15800"),
        ("business_plus", 100, "29"),
        ("enterprise_on_ramp", 60_000, "6000"),
        ("enterprise_on_ramp", 54_999, "5500"),
        ("unified_operations", 6_000_000, "390000"),
        ("unified_operations", 100_000, "50000"),
    ]
    for plan, spend, fee in known:
        assert PLANS[plan].fee(Decimal(spend), has_minimum=True)[0] == Decimal(fee), plan


def test_by_account_each_has_its_tiers_and_its_minimum() -> None:
    """a: 12,000 on one account and 500 on another. As one, 10 % of 10,000 and 7 % of 2,500."""
    rows = [*ROWS[:2], charge(A2, "500")]

    whole = billed(said(by_plan()), *rows)
    apart = billed(said(by_plan(per=Per.ACCOUNT)), *rows)

    assert supported(whole) == {"a": 1175, "b": 300}
    assert supported(apart) == {"a": 1240, "b": 300}
    lines = {e.account_id: e.price for e in apart.statements[0].lines if e.key.count("Support")}
    assert lines == {A: 1140, A2: 100}


def test_where_aws_charges_support_there_is_a_minimum_and_where_nothing_is_spent_none() -> None:
    rows = [charge(A, "0"), charge(A2, "0"), charge(B, "1"), charge(A, "100", Kind.FEE, **SUPPORT)]

    assert supported(billed(said(by_plan(per=Per.ACCOUNT)), *rows)) == {"a": 100, "b": 100}
    assert supported(billed(said(by_plan()), *rows[:3])) == {"a": 0, "b": 100}


def test_support_is_of_gross_charges_without_what_aws_leaves_out() -> None:
    """1,000 and an upfront fee of 200 are 10 % of 1,200."""
    market = {"billing_entity": "AWS Marketplace", "service": "guard"}
    rows = [
        charge(A, "1000", net_billed_cost="900"),
        charge(A, "200", Kind.RI_UPFRONT, amortized_cost="0", net_amortized_cost="0"),
        charge(A, "-300", Kind.CREDIT),
        charge(A, "-100", Kind.DISCOUNT_EDP),
        charge(A, "-70", Kind.REFUND),
        charge(A, "190", Kind.TAX),
        charge(A, "5000", Kind.FEE, **market),
        charge(A, "800", Kind.FEE, service="AWSManagedServices"),
        charge(A, "120", Kind.FEE, **SUPPORT),
    ]

    assert supported(billed(said(by_plan()), *rows)) == {"a": 120}
    without = by_plan(excluded_services=("AmazonEC?",))
    assert supported(billed(said(without), *rows)) == {"a": 100}


def test_enterprise_support_on_the_payer_is_shared_by_the_spend_of_all() -> None:
    """15,000 by 12,000, 3,000 and 5,000 of our own: what is ours of it is kept."""
    enterprise = {"service": "AWSSupportEnterprise"}
    rows = [*ROWS[:2], charge(PAYER, "5000"), charge(PAYER, "15000", Kind.FEE, **enterprise)]

    both = billed(said(SHARE), *rows)
    assert supported(both) == {"a": 9000, "b": 2250}
    assert both.retained == {"internal_accounts": 5000, "support": 3750}
    one = billed(said(SHARE, SupportPolicy()), *rows)
    assert supported(one) == {"a": 9000, "b": 0}
    assert one.retained == {"internal_accounts": 5000, "support": 6000}


def test_who_shares_shares_what_is_on_accounts_of_those_who_share() -> None:
    """b's 300 are its own; a's 1,140 have nobody to share with."""
    assert supported(billed(said(SHARE, SupportPolicy()))) == {"a": 1140, "b": 300}


def test_a_part_tells_neither_of_anothers_account_nor_of_what_all_spend() -> None:
    month = billed(said(SHARE))

    document = canonical_bytes(to_document(month.drafts[1].invoice)).decode()
    assert month.drafts[1].client == "b" and B in document
    assert A not in document and "15,000" not in document
    (line,) = [each for each in month.statements[1].lines if "Support" in each.service]
    assert (line.key, line.description) == ("/AWSSupportBusiness/fee", "Fee")
    words = {each.attribution for each in line.workings}
    assert words == {"support by spend: 3000 of 15000"}


@pytest.mark.parametrize(
    ("match", "a", "kept"), [(Match(), "0", "1500"), (Match(service="AWSSupport*"), "30", "1440")]
)
def test_support_of_a_shared_account_is_not_charged_to_who_pays_none_unless_asked(
    match: Match, a: str, kept: str
) -> None:
    """60 of support on our account, evenly; a and b pay no support by contract."""
    ours = charge(PAYER, "60", Kind.FEE, **SUPPORT)
    group = SharedCost("security", (PAYER,), Basis(By.EVEN), OCTOBER, match=match)
    month = billed(replace(said(SUPPRESS), shared_costs=(group,)), *ROWS, ours)

    assert supported(month) == {"a": Decimal(a), "b": Decimal(a)}
    assert month.retained == {"support": Decimal(kept)}


def test_a_discount_on_support_goes_with_it() -> None:
    """40 off: 1,400 remain, by 12,000 and 3,000; the book passes discounts of other kinds on."""
    passed = {"discounts_passed_percent": {Kind.DISCOUNT_SPP: Decimal(100)}}
    discounted = [*ROWS, charge(A, "-40", Kind.DISCOUNT_SPP, **SUPPORT)]

    assert supported(billed(said(SHARE, **passed), *discounted)) == {"a": 1120, "b": 280}
    assert billed(said(SUPPRESS, **passed), *discounted).retained == {"support": 1400}


def test_what_a_seller_calls_support_is_its_own() -> None:
    market = {"billing_entity": "AWS Marketplace", "service": "GuardSupport"}
    month = billed(said(SUPPRESS), charge(A, "50", Kind.FEE, **market))

    assert month.statements[0].cost == 50 and month.retained == {}


@pytest.mark.parametrize("basis", CostBasis)
def test_a_recomputed_fee_is_the_same_on_every_basis_and_priced_as_a_fee(basis: CostBasis) -> None:
    month = billed(said(by_plan("developer"), cost_basis=basis))

    (line,) = [each for each in month.statements[0].lines if "Support" in each.service]
    assert (line.description, line.account_id) == ("Developer Support", A)
    assert line.cost == line.price == 360
    (working,) = line.workings
    assert working.attribution == "support by Developer Support: 3 % of 12000 = 360"


def test_a_minimum_is_said_in_the_working() -> None:
    month = billed(said(by_plan()), charge(A, "50"))

    words = [w.attribution for e in month.statements[0].lines for w in e.workings]
    assert words == ["support by Business Support: 10 % of 50 is less than the minimum 100", ""]


def test_shared_by_nobody_it_stays_and_blocks_and_can_be_waived() -> None:
    given = said(SHARE)
    rows = [charge(A, "10", Kind.TAX), ROWS[2]]
    month = billed(given, *rows)

    assert supported(month) == {"a": 1140}
    (found,) = month.findings
    assert (found.severity, found.code) == (Severity.CRITICAL, "support_without_basis")
    waiver = Waiver(PAYER, OCTOBER, found.code, "", "it is theirs")
    (told,) = billed(replace(given, waivers=(waiver,)), *rows).findings
    assert told.severity is Severity.WARNING


def test_a_plan_that_is_sold_no_more_parks_by_name() -> None:
    given = said(by_plan(), SUPPRESS)
    later = replace(given, period=BillingPeriod(2027, 1))

    month = bill(charges(*ROWS), later)

    assert month.parked == {"a"}
    (found,) = [each for each in month.findings if each.client]
    assert found.code == "support_plan_unsold"
    assert found.message == (
        "a pays support by Business Support, which is sold until 2027-01, and not in 2027-01: "
        "write another plan, from then on, in price book a."
    )
    december = replace(given, period=BillingPeriod(2026, 12))
    assert bill(charges(*ROWS), december).parked == frozenset()


def test_a_plan_in_another_currency_than_the_bill_parks_by_name() -> None:
    month = bill(charges(*[row | {"currency": "CNY"} for row in ROWS]), said(by_plan()))

    assert {each.code for each in month.findings} >= {"support_plan_unanswerable"}


def own(*tiers: Tier) -> SupportPlan:
    return SupportPlan("Desk", "AWSSupport", Decimal(10), tiers)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SupportPolicy(SupportMode.RECOMPUTE), "recompute and a plan go together"),
        (lambda: SupportPolicy(plan=PLANS["business"]), "recompute and a plan go together"),
        (own, "tiers end with one"),
        (lambda: own(Tier(Decimal(1), Decimal(5))), "tiers end with one"),
        (lambda: own(Tier(Decimal(1)), Tier(Decimal(1))), "tiers end with one"),
        (
            lambda: own(*[Tier(Decimal(2), Decimal(5))] * 2, Tier(Decimal(1))),
            "more than the one before",
        ),
        (
            lambda: book(start=BillingPeriod(2027, 1), support=by_plan()),
            "Business Support is sold until 2027-01, and this version begins in 2027-01",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
