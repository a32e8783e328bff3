"""Pricing: the most specific rule wins, prices are exact, and custom items stand beside them."""

from decimal import Decimal
from typing import Any

import pytest

from invoices.allocation.direct import assign
from invoices.allocation.leftover import RetentionPolicy, allocate
from invoices.clients import AccountId, ClientKey, Roster
from invoices.kinds import CostBasis, Kind
from invoices.matching import specificity
from invoices.periods import BillingPeriod
from invoices.pricing.book import FixedRate, Markup, Match, PriceBook
from invoices.pricing.custom import (
    CustomKind,
    CustomLineItem,
    Flat,
    Percentage,
    PercentOf,
    custom_charges,
)
from invoices.pricing.match import by_specificity, described
from invoices.pricing.rating import rate
from tests.support.builders import (
    A_B_C,
    OCTOBER,
    book,
    charge,
    commitments,
    fixed,
    frame,
    markup,
    owns,
)

ACME = "111111111111"


def prices(
    rows: list[dict[str, Any]], priced_by: PriceBook, *, passed: dict[Kind, Decimal] | None = None
) -> list[Decimal]:
    """The price of every charge, in their order."""
    roster = Roster.of([owns("acme", ACME), *A_B_C])
    assigned = assign(frame(*rows), roster, period=OCTOBER, internal_accounts=frozenset())
    clients = [ClientKey(key) for key in ("acme", "a", "b", "c")]
    policy = RetentionPolicy(priced_by.cost_basis, passed or {})
    borne = allocate(assigned, dict.fromkeys(clients, policy)).borne
    rated = rate(borne, dict.fromkeys(clients, priced_by))
    return [price / 10**22 for price in rated["price_e22"]]


def test_a_markup_is_exact_to_the_last_digit() -> None:
    assert prices([charge(ACME, "0.0000000001")], book(markup("7.5"))) == [
        Decimal("0.0000000001075")
    ]
    assert prices([charge(ACME, "123456789012.3456789012")], book(markup("0.0001"))) == [
        Decimal("123456912469.1346912468789012")
    ]


def test_a_negative_markup_is_a_discount() -> None:
    assert prices([charge(ACME, "80")], book(markup("-12.5"))) == [Decimal(70)]


def test_a_charge_that_no_rule_matches_is_priced_at_its_cost() -> None:
    assert prices([charge(ACME, "80")], book(markup("10", service="AmazonS3"))) == [Decimal(80)]


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (Match(service="AmazonEC2", region="eu-*"), Match(service="AmazonEC2")),
        (Match(service="AmazonEC2"), Match(service="Amazon*", region="eu-*")),
        (Match(service="Amazon*", region="eu-*"), Match(service="Amazon*")),
        (Match(usage_type="EU-Box*"), Match(usage_type="EU-*")),
        (Match(usage_type="EU-?"), Match(usage_type="EU-*")),
        (Match(region=""), Match(region="*")),
        (Match(kind="discount_*"), Match()),
    ],
)
def test_a_match_that_says_more_is_more_specific(more: Match, less: Match) -> None:
    assert specificity(more) > specificity(less)


def test_the_most_specific_rule_wins_wherever_it_stands() -> None:
    rules = [
        markup("5"),
        markup("10", service="Amazon*"),
        markup("20", service="AmazonEC2"),
        markup("30", service="AmazonEC2", region="eu-*"),
    ]
    rows = [
        charge(ACME, "100", service="AmazonEC2", region="eu-west-1"),
        charge(ACME, "100", service="AmazonEC2", region="us-east-1"),
        charge(ACME, "100", service="AmazonS3", region="eu-west-1"),
        charge(ACME, "100", service="AWSLambda", region="eu-west-1"),
    ]
    expected = [Decimal(130), Decimal(120), Decimal(110), Decimal(105)]

    assert prices(rows, book(*rules)) == expected
    assert prices(rows, book(*reversed(rules))) == expected


def test_of_equally_specific_rules_the_first_wins() -> None:
    rules = [markup("1", service="AmazonEC2"), markup("2", region="eu-west-1")]
    row = charge(ACME, "100", service="AmazonEC2", region="eu-west-1")

    assert prices([row], book(*rules)) == [Decimal(101)]
    assert prices([row], book(*reversed(rules))) == [Decimal(102)]
    assert by_specificity(rules) == [0, 1]


def test_a_glob_is_case_sensitive_whole_and_knows_only_star_and_question_mark() -> None:
    def takes(glob: str, usage_type: str) -> bool:
        row = charge(ACME, "100", usage_type=usage_type)
        return prices([row], book(markup("1", usage_type=glob))) == [Decimal(101)]

    assert takes("EU-*", "EU-BoxUsage:m5.large")
    assert takes("*m5.?arge", "EU-BoxUsage:m5.large")
    assert not takes("eu-*", "EU-BoxUsage:m5.large")
    assert not takes("BoxUsage", "EU-BoxUsage")
    assert not takes("m5.large", "m5xlarge")
    assert not takes("[E]U", "EU")
    assert takes("[E]U", "[E]U")
    assert takes("", "") and not takes("", "EU")


@pytest.mark.parametrize("kind", [Kind.TAX, Kind.CREDIT, Kind.DISCOUNT_EDP, Kind.DISCOUNT_OTHER])
def test_tax_credits_and_discounts_are_marked_up_only_by_name(kind: Kind) -> None:
    row = charge(ACME, "-100", kind)

    assert prices([row], book(markup("10"))) == [Decimal(-100)]
    assert prices([row], book(markup("10"), markup("20", kind=kind.value))) == [Decimal(-120)]
    assert prices([row], book(markup("10"), markup("30", kind=kind.value[:3] + "*"))) == [
        Decimal(-130)
    ]


@pytest.mark.parametrize("kind", [Kind.FEE, Kind.SUBSCRIPTION, Kind.RI_FEE, Kind.REFUND])
def test_fees_and_refunds_are_marked_up_like_usage(kind: Kind) -> None:
    assert prices([charge(ACME, "100", kind)], book(markup("10"))) == [Decimal(110)]


def test_a_fixed_rate_prices_usage_whatever_it_costs() -> None:
    row = charge(ACME, "99", usage="1234.5", unit="Hrs")

    assert prices([row], book(fixed("0.0116"))) == [Decimal("14.3202")]
    assert prices([charge(ACME, "9", usage="0.0000000001")], book(fixed("0.000000000001"))) == [
        Decimal("0.0000000000000000000001")
    ]


def test_a_fixed_rate_leaves_fees_to_the_next_rule() -> None:
    rules = [fixed("0.5", service="AmazonEC2"), markup("10")]
    rows = [charge(ACME, "100", usage="8"), charge(ACME, "100", Kind.RI_FEE, usage="744")]

    assert prices(rows, book(*rules)) == [Decimal(4), Decimal(110)]


def test_covered_usage_at_a_fixed_rate_is_not_sold_twice_nor_given_back() -> None:
    rows = [
        charge(ACME, "52", Kind.SP_USAGE, usage="10"),
        charge(ACME, "-52", Kind.SP_NEGATION, usage="10"),
    ]

    assert prices(rows, book(fixed("3"))) == [Decimal(30), Decimal(0)]


def test_a_negation_gets_the_rule_of_the_usage_that_it_cancels() -> None:
    rows = [charge(ACME, "52", Kind.SP_USAGE), charge(ACME, "-52", Kind.SP_NEGATION)]

    found = prices(rows, book(markup("10"), markup("50", kind="sp_usage")))

    assert found == [Decimal(78), Decimal(-78)]


def test_the_worked_month_at_list_is_its_on_demand_equivalent() -> None:
    found = prices(commitments(), book(cost_basis=CostBasis.LIST))

    accounts = [row["account_id"][0] for row in commitments()]
    by_client = {
        key: sum(price for price, account in zip(found, accounts, strict=True) if account == key)
        for key in "abc"
    }
    assert by_client == {"a": 164, "b": 84, "c": 83}
    assert 331 == 277 + 114 - 60


def test_what_has_no_public_price_is_sold_from_its_cost() -> None:
    rows = [
        charge(ACME, "40", list_cost="0", billing_entity="AWS Marketplace"),
        charge(ACME, "29", Kind.FEE, list_cost="0"),
        charge(ACME, "40", list_cost="50"),
    ]

    assert prices(rows, book(markup("10"), cost_basis=CostBasis.LIST)) == [
        Decimal(44),
        Decimal("31.9"),
        Decimal(55),
    ]


def test_a_partly_passed_credit_is_priced_in_part() -> None:
    found = prices([charge(ACME, "-10", Kind.CREDIT)], book(), passed={Kind.CREDIT: Decimal(25)})

    assert found == [Decimal("-2.5")]


def test_a_rule_without_a_label_is_described_in_words() -> None:
    assert described(markup("7.5", service="AmazonEC2", region="eu-*")) == (
        "service=AmazonEC2 region=eu-*: +7.5 %"
    )
    assert described(markup("-3")) == "everything: -3 %"
    assert described(fixed("0.0116")) == "everything: 0.0116 a unit"


def test_figures_too_fine_to_be_exact_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 4 decimal places, not 7\.12345"):
        Markup(Decimal("7.12345"))
    with pytest.raises(ValueError, match="at most 12 decimal places"):
        FixedRate(Decimal("0.0000000000001"))
    with pytest.raises(ValueError, match="at least -100"):
        Markup(Decimal("-100.5"))
    with pytest.raises(ValueError, match="write 0 to 100"):
        book(credits_passed_percent=Decimal(101))


def test_discounts_left_out_are_passed_by_a_net_basis_only() -> None:
    named = {Kind.DISCOUNT_EDP: Decimal(50)}
    gross = book(cost_basis=CostBasis.BILLED, discounts_passed_percent=named)
    net = book(cost_basis=CostBasis.NET_BILLED, discounts_passed_percent=named)

    assert gross.passed_percent(Kind.DISCOUNT_EDP) == net.passed_percent(Kind.DISCOUNT_EDP) == 50
    assert gross.passed_percent(Kind.DISCOUNT_SPP) == 0
    assert net.passed_percent(Kind.DISCOUNT_SPP) == 100
    assert net.passed_percent(Kind.USAGE) == gross.passed_percent(Kind.REFUND) == 100


def item(
    charge: Flat | Percentage, kind: CustomKind = CustomKind.FEE, **other: Any
) -> CustomLineItem:
    known: dict[str, Any] = {"key": "i", "client": ClientKey("acme"), "description": "Fee"}
    return CustomLineItem(
        **{**known, "kind": kind, "charge": charge, "start": BillingPeriod(2018, 1), **other}
    )


def custom_price(*items: CustomLineItem) -> list[Decimal]:
    def base(charge: object) -> Decimal:
        is_cost = isinstance(charge, Percentage) and charge.of is PercentOf.COST
        return Decimal(1000) if is_cost else Decimal(1100)

    return [charge.price for charge in custom_charges(items, period=OCTOBER, base=base)]


def test_flat_and_percentage_items() -> None:
    assert custom_price(item(Flat(Decimal(950)))) == [Decimal(950)]
    assert custom_price(item(Flat(Decimal(50)), CustomKind.CREDIT)) == [Decimal(-50)]
    assert custom_price(item(Percentage(Decimal(3), PercentOf.COST))) == [Decimal(30)]
    assert custom_price(item(Percentage(Decimal("3.3"), PercentOf.PRICE))) == [Decimal("36.3")]


def test_a_minimum_holds_from_below() -> None:
    three = Percentage(Decimal(3), PercentOf.PRICE, minimum=Decimal(100))
    ten = Percentage(Decimal(10), PercentOf.PRICE, minimum=Decimal(100))

    assert custom_price(item(three), item(ten)) == [Decimal(100), Decimal(110)]


def test_a_cap_holds_from_above() -> None:
    three = Percentage(Decimal(3), PercentOf.PRICE, maximum=Decimal(100))
    ten = Percentage(Decimal(10), PercentOf.PRICE, maximum=Decimal(100))

    assert custom_price(item(three), item(ten)) == [Decimal(33), Decimal(100)]


def test_units_are_priced_one_by_one() -> None:
    """Twelve seats at 35.50 are 426; half a day taken off at 800 is -400."""
    seats = item(Flat(Decimal("35.50"), Decimal(12)))
    half_a_day = item(Flat(Decimal(800), Decimal("0.5")), CustomKind.CREDIT)
    found = custom_charges([seats, half_a_day], period=OCTOBER, base=lambda _: None)

    assert [(each.quantity, each.unit_price, each.price) for each in found] == [
        (Decimal(12), Decimal("35.50"), Decimal(426)),
        (Decimal("0.5"), Decimal(-800), Decimal(-400)),
    ]


@pytest.mark.parametrize(
    ("services", "accounts", "service", "account", "is_of"),
    [
        ((), (), "AmazonS3", "1", True),
        (("AmazonEC2", "Amazon*DS"), (), "AmazonRDS", "1", True),
        (("AmazonEC2",), (), "AmazonEC2Extra", "1", False),
        ((), ("2",), "AmazonEC2", "1", False),
        (("AmazonEC2",), ("2",), "AmazonS3", "2", False),
        (("AmazonEC2",), ("2",), "AmazonEC2", "2", True),
    ],
)
def test_a_percentage_is_of_the_services_and_accounts_that_it_names(
    services: tuple[str, ...], accounts: tuple[str, ...], service: str, account: str, is_of: bool
) -> None:
    own = tuple(AccountId(each) for each in accounts)
    share = Percentage(Decimal(3), PercentOf.PRICE, services=services, accounts=own)

    assert share.is_of(account, service) == is_of


def test_items_apply_from_their_start_until_before_their_end_in_order_of_their_keys() -> None:
    flat = Flat(Decimal(1))
    items = [
        item(flat, key="c", start=BillingPeriod(2018, 10)),
        item(flat, key="b", end=BillingPeriod(2018, 10)),
        item(flat, key="d", start=BillingPeriod(2018, 11)),
        item(flat, key="a", end=BillingPeriod(2018, 11)),
    ]

    found = custom_charges(items, period=OCTOBER, base=lambda _: None)

    assert [charge.key for charge in found] == ["a", "c"]
