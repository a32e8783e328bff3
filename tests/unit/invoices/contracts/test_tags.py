"""An account that clients share is split by a tag, and what has none by a rule."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from invoices.allocation.shared_costs.groups import Basis, By, SharedCost
from invoices.allocation.support.plans import PLANS
from invoices.allocation.support.policies import Per, SupportMode, SupportPolicy
from invoices.clients import AccountId, ClientKey
from invoices.inputs import BillingInputs, Waiver
from invoices.kinds import CostBasis, Kind
from invoices.matching import Match
from invoices.month import BilledMonth, bill, prove
from kernel.findings import Severity
from tests.support.builders import OCTOBER, PAYER, book, charge, charges, inputs, markup, owns

A, B, PLATFORM = "111111111111", "222222222222", AccountId("999999999999")
VALUES = {ClientKey("a"): ("acme*",), ClientKey("b"): ("bell", "acme-of-bell")}
TAGGED = Basis(By.TAGGED)


def on_platform(billed: str, client: str = "", kind: Kind = Kind.USAGE, **more: Any) -> Any:
    """With the value of the tag, and of another."""
    tags = {"user:Stage": "prod"} | ({"user:Client": client} if client else {})
    return charge(PLATFORM, billed, kind, tags=json.dumps(tags), **more)


def split(basis: Basis = TAGGED, **other: Any) -> SharedCost:
    return SharedCost(
        *("platform", (PLATFORM,), basis, OCTOBER), tag="user:Client", values=VALUES, **other
    )


def by(*groups: SharedCost, **other: Any) -> BillingInputs:
    given = inputs(owns("a", A), owns("b", B), internal=[PLATFORM], **other)
    return replace(given, shared_costs=groups)


def billed(given: BillingInputs, *rows: dict[str, Any]) -> BilledMonth:
    month = bill(charges(charge(A, "100"), charge(B, "100"), *rows), given)
    assert all(balance.closes for balance in prove(month).balances)
    return month


def costs(month: BilledMonth) -> dict[str, Decimal]:
    return {each.client: each.cost for each in month.statements}


ROWS = [
    on_platform("30", "acme-web"),
    on_platform("8", "bell"),
    on_platform("2", "acme-of-bell"),
    on_platform("20"),
]


@pytest.mark.parametrize(
    ("basis", "a", "b"),
    [
        (TAGGED, 145, 115),
        (Basis(By.EVEN), 140, 120),
        (Basis(By.SPEND), Decimal("130") + Decimal("10.8333333333"), Decimal("119.1666666667")),
    ],
)
def test_what_has_a_clients_value_is_its_own_and_the_rest_is_shared(
    basis: Basis, a: Decimal, b: Decimal
) -> None:
    """30 and 10 are tagged; 20 are not: by these 15 and 5, or by all that is spent, 130 and 110."""
    month = billed(by(split(basis)), *ROWS)

    assert costs(month) == {"a": a, "b": b}
    assert month.findings == ()


def test_a_tagged_charge_is_a_line_as_any_other_and_says_why_it_is_the_clients() -> None:
    month = billed(by(split(), books=[book(markup("10"))]), *ROWS)

    platform = [each for each in month.statements[0].lines if each.account_id == PLATFORM]
    assert [(each.description, each.price) for each in platform] == [
        ("Usage", 33),
        ("Usage (shared: platform)", Decimal("16.5")),
    ]
    assert [w.attribution for each in platform for w in each.workings] == [
        "tag of platform: acme-web",
        "shared cost platform, by tagged: 30 of 40",
    ]


def test_what_is_tagged_is_no_support_that_a_plan_adds() -> None:
    """30 and 10 by the tag; the plan's minimum of 29 on the account is no charge of the tag."""
    plan = SupportPolicy(SupportMode.RECOMPUTE, PLANS["developer"], Per.ACCOUNT)
    month = billed(by(split(), books=[book(support=plan)]), *ROWS)

    shared = {
        each.client: [e.cost for e in each.lines if "-shared-" in e.key]
        for each in month.statements
    }
    assert shared == {"a": [15], "b": [5]}


def test_a_value_of_nobody_is_told_and_shared_as_what_has_no_tag() -> None:
    month = billed(by(split()), *ROWS, on_platform("4", "acne"))

    assert costs(month) == {"a": 148, "b": 116}
    (found,) = month.findings
    assert (found.severity, found.code) == (Severity.WARNING, "tag_value_unknown")
    assert "4 USD of the shared cost platform have user:Client=acne" in found.message


def test_where_nothing_has_the_tag_the_month_is_blocked_and_can_be_waived() -> None:
    """An export that was read before the tag was kept would share everything in silence."""
    given = by(split(Basis(By.EVEN)))
    month = billed(given, on_platform("20"))

    (found,) = month.findings
    assert (found.severity, found.code) == (Severity.CRITICAL, "shared_cost_untagged")
    waiver = Waiver(PAYER, OCTOBER, found.code, "", "none yet")
    (told,) = billed(replace(given, waivers=(waiver,)), on_platform("20")).findings
    assert told.severity is Severity.WARNING


def test_a_negation_without_the_tag_follows_the_usage_that_it_cancels() -> None:
    """60 and 20 of covered usage, of an untagged 20 the rest: of -100, -60, -20 and -20."""
    plan = {"commitment_id": "arn:aws:savingsplans::1:s", "list_cost": "0"}
    amortized = {"amortized_cost": "0", "net_amortized_cost": "0"}
    covered = [
        on_platform("60", "acme", Kind.SP_USAGE, **plan | {"amortized_cost": "40"}),
        on_platform("20", "bell", Kind.SP_USAGE, **plan | {"amortized_cost": "10"}),
        on_platform("20", "", Kind.SP_USAGE, **plan | {"amortized_cost": "15"}),
        on_platform("-100", "", Kind.SP_NEGATION, **plan, **amortized),
    ]

    assert costs(billed(by(split(Basis(By.EVEN))), *covered)) == {"a": 100, "b": 100}
    on_amortized = by(split(Basis(By.EVEN)), books=[book(cost_basis=CostBasis.AMORTIZED)])
    assert costs(billed(on_amortized, *covered)) == {"a": Decimal("147.5"), "b": Decimal("117.5")}


def test_tax_that_has_no_tag_is_kept_or_shared_with_the_rest() -> None:
    month = billed(by(split()), *ROWS, charge(PLATFORM, "8", Kind.TAX))
    assert costs(month) == {"a": 145, "b": 115} and month.retained == {"aws_tax": 8}

    passing = by(split(), books=[book(aws_tax_passed_percent=Decimal(100))])
    assert costs(billed(passing, *ROWS, charge(PLATFORM, "8", Kind.TAX))) == {"a": 151, "b": 117}


def test_only_what_the_entry_matches_is_split() -> None:
    machines = split(match=Match(service="AmazonEC2"))
    month = billed(by(machines), *ROWS, on_platform("7", "acme", service="AmazonS3"))

    assert costs(month) == {"a": 145, "b": 115}
    assert month.retained == {"internal_accounts": 7}


def test_the_value_that_says_most_decides() -> None:
    values = {ClientKey("a"): ("*",), ClientKey("b"): ("b*",), ClientKey("c"): ("bell",)}
    group = replace(split(), values=values)

    assert [group.client_of(value) for value in ("x", "bill", "bell", "")] == ["a", "b", "c", ""]


def test_what_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="tag and values go together"):
        replace(split(), values={})
    with pytest.raises(ValueError, match="goes with a tag"):
        SharedCost("platform", (PLATFORM,), TAGGED, OCTOBER)
    with pytest.raises(ValueError, match="the value x is of two clients"):
        replace(split(), values={ClientKey("a"): ("x",), ClientKey("b"): ("x",)})
