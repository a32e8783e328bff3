"""For any agreements on shared costs and support: nothing is lost, in any order."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoices.allocation.shared_costs.groups import WITHOUT_ACCOUNT, Basis, By, SharedCost
from invoices.allocation.support.plans import PLANS
from invoices.allocation.support.policies import Per, SupportMode, SupportPolicy
from invoices.clients import AccountId, ClientKey
from invoices.inputs import BillingInputs
from invoices.kinds import CostBasis, Kind
from invoices.matching import Match
from invoices.month import bill, prove
from tests.support.builders import OCTOBER, book, charge, charges, client, inputs, owns
from tests.support.generated_months import ACCOUNTS, CLIENTS, DAYS, rosters

COSTS = st.decimals(-20, 100, places=3).map(lambda cost: format(cost, "f"))
KINDS = [
    Kind.USAGE,
    Kind.USAGE,
    Kind.FEE,
    Kind.TAX,
    Kind.CREDIT,
    Kind.SP_FEE,
    Kind.SP_USAGE,
    Kind.SP_NEGATION,
]
SERVICES = ["AmazonEC2", "AmazonS3", "AWSSupportBusiness"]
SUPPORT = [
    SupportPolicy(),
    *map(SupportPolicy, [SupportMode.SUPPRESS, SupportMode.PROPORTIONAL]),
    SupportPolicy(SupportMode.RECOMPUTE, PLANS["business"]),
    SupportPolicy(SupportMode.RECOMPUTE, PLANS["developer"], Per.ACCOUNT, has_minimum=False),
]
MATCHES = st.builds(
    Match,
    service=st.sampled_from(["*", *SERVICES]),
    kind=st.sampled_from(["*", "*", "tax", "credit"]),
)
SPENT = [CostBasis.NET_BILLED, CostBasis.AMORTIZED, CostBasis.BLENDED]
KEYS = st.sets(st.sampled_from([*map(ClientKey, CLIENTS)])).map(lambda keys: tuple(sorted(keys)))


@dataclass(frozen=True)
class SharedMonth:
    rows: list[dict[str, Any]]
    inputs: BillingInputs


@st.composite
def shared_charges(draw: st.DrawFn) -> dict[str, Any]:
    measures = ["net_billed_cost", "amortized_cost", "net_amortized_cost", "blended_cost"]
    return charge(
        draw(st.sampled_from([*ACCOUNTS, WITHOUT_ACCOUNT])),
        draw(COSTS),
        draw(st.sampled_from(KINDS)),
        service=draw(st.sampled_from(SERVICES)),
        service_day=draw(DAYS),
        list_cost=draw(COSTS),
        usage=draw(COSTS),
        unit=draw(st.sampled_from(["GB", "GB", "Hrs"])),
        tags=draw(st.sampled_from(["", *(f'{{"user:client":"{v}"}}' for v in ("a1", "b", "c"))])),
        **{measure: draw(COSTS) for measure in measures},
    )


@st.composite
def groups(draw: st.DrawFn, key: str) -> SharedCost:
    by = draw(st.sampled_from(By))
    is_tagged = by is By.TAGGED or draw(st.booleans())
    percents = {}
    if by is By.PERCENT:
        part = draw(st.decimals("0.01", "99.99", places=2))
        percents = {ClientKey(CLIENTS[0]): part, ClientKey(CLIENTS[1]): 100 - part}
    named = draw(KEYS) if by is not By.PERCENT else ()
    return SharedCost(
        key=key,
        accounts=tuple(draw(st.sets(st.sampled_from([*ACCOUNTS, WITHOUT_ACCOUNT]), min_size=1))),
        basis=Basis(by, draw(MATCHES), draw(st.sampled_from(SPENT)), percents),
        start=OCTOBER,
        match=draw(MATCHES),
        to=named,
        exempt=() if named or percents else draw(KEYS),
        tag="user:client" if is_tagged else "",
        values={ClientKey(CLIENTS[0]): ("a*",), ClientKey(CLIENTS[1]): ("b",)} if is_tagged else {},
    )


@st.composite
def shared_months(draw: st.DrawFn) -> SharedMonth:
    books = [
        book(
            key=key,
            cost_basis=draw(st.sampled_from(CostBasis)),
            credits_passed_percent=passed,
            support=draw(st.sampled_from(SUPPORT)),
        )
        for key, passed in (("one", Decimal(0)), ("two", Decimal(50)))
    ]
    of_clients = [client(key, price_book=draw(st.sampled_from(["one", "two"]))) for key in CLIENTS]
    internal = draw(st.sets(st.sampled_from(ACCOUNTS[-1:])))
    given_ = inputs(*draw(rosters()), clients=of_clients, books=books, internal=internal)
    agreed = tuple(draw(groups(key)) for key in ("first", "second"))
    rows = draw(st.lists(shared_charges(), min_size=1, max_size=12))
    return SharedMonth(rows, replace(given_, shared_costs=agreed))


def conserves(month: SharedMonth) -> None:
    """What the payer pays is the clients', retained or nobody's; a client's charge stays its."""
    billed = bill(charges(*month.rows), month.inputs)

    (balance,) = prove(billed).balances
    paid = sum((Fraction(row["net_billed_cost"]) for row in month.rows), Fraction(0))
    assert paid == Fraction(billed.payer_total)
    assert balance.difference == 0
    if any(group.tag for group in month.inputs.shared_costs):
        return  # Then more is a client's own than without.
    alone = bill(charges(*month.rows), replace(month.inputs, shared_costs=()))
    for statement in alone.statements:
        (after,) = [each for each in billed.statements if each.client == statement.client]
        own = {e.key: (e.cost, e.price) for e in after.lines if "-shared-" not in e.key}
        assert own == {each.key: (each.cost, each.price) for each in statement.lines}


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=30, deadline=None, suppress_health_check=SLOW)
@given(shared_months())
def test_money_is_conserved_and_own_charges_stay_as_they_are(month: SharedMonth) -> None:
    conserves(month)


@pytest.mark.proof
@settings(max_examples=10_000, deadline=None, suppress_health_check=SLOW)
@given(shared_months())
def test_money_is_conserved_ten_thousand_times(month: SharedMonth) -> None:
    conserves(month)


@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@given(shared_months(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(month: SharedMonth, order: random.Random) -> None:
    shuffled = order.sample(month.rows, len(month.rows))

    one = bill(charges(*month.rows), month.inputs)
    other = bill(charges(*shuffled), month.inputs)

    assert one == other


OURS = "999999999999"
SPENT_BY = st.dictionaries(st.sampled_from(ACCOUNTS[:3]), st.integers(1, 10**6), min_size=1)


@settings(max_examples=30, deadline=None, suppress_health_check=SLOW)
@given(SPENT_BY, st.lists(st.decimals(-100, 100, places=4), min_size=1, max_size=5))
def test_parts_are_those_of_fractions(spent: dict[str, int], costs: list[Decimal]) -> None:
    """Each charge by what was spent, a unit of the tenth place more or less."""
    rows = [charge(account, str(cost)) for account, cost in spent.items()]
    rows += [charge(OURS, format(each, "f"), usage_type=str(n)) for n, each in enumerate(costs)]
    group = SharedCost("ours", (AccountId(OURS),), Basis(By.SPEND), OCTOBER)
    known = inputs(*[owns(f"of-{each}", each) for each in spent], internal=[OURS])

    month = bill(charges(*rows), replace(known, shared_costs=(group,)))

    total = sum(map(Fraction, costs), Fraction(0))
    for account, own in spent.items():
        (statement,) = [each for each in month.statements if each.client == f"of-{account}"]
        exact = Fraction(own) + total * own / sum(spent.values())
        assert abs(Fraction(statement.cost) - exact) < len(costs) * Fraction(1, 10**10)
    borne = sum((Fraction(each.cost) for each in month.statements), Fraction(0))
    assert borne == sum(spent.values()) + total
