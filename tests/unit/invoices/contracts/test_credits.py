"""Credits by contract: where AWS put them, their owner's, or shared by spend."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.allocation.credits import CreditOwner, CreditPolicy
from invoices.clients import ClientKey
from invoices.inputs import BillingInputs
from invoices.kinds import Kind
from invoices.month import BilledMonth, bill, prove
from tests.support.builders import OCTOBER, book, charge, charges, client, inputs, owns

A, B, C = "111111111111", "222222222222", "333333333333"
ROWS = [
    charge(A, "20"),
    charge(B, "10"),
    charge(C, "70"),
    charge(B, "-5", Kind.CREDIT, description_key="AWS Activate PROMO_77", list_cost="0"),
]
"""The credit is a's; AWS applied it to b's account."""


def by(policy: CreditPolicy, **other: Any) -> BillingInputs:
    books = [book(credits=policy, credits_passed_percent=Decimal(100))]
    return inputs(owns("a", A), owns("b", B), owns("c", C), books=books, **other)


def returned(*owners: CreditOwner) -> CreditPolicy:
    return CreditPolicy(returns=True, owners=owners)


def costs(given: BillingInputs) -> dict[str, Decimal]:
    month = billed(given)
    return {each.client: each.cost for each in month.statements}


def billed(given: BillingInputs) -> BilledMonth:
    month = bill(charges(*ROWS), given)
    assert all(balance.closes for balance in prove(month).balances)
    return month


A_OWNS = CreditOwner("PROMO_77", ClientKey("a"), OCTOBER.start)


def test_a_credit_stays_where_aws_put_it_goes_to_its_owner_or_is_shared() -> None:
    """Of -5 by a spend of 20, 10 and 70: -1, -0.50 and -3.50."""
    assert costs(by(CreditPolicy())) == {"a": 20, "b": 5, "c": 70}
    assert costs(by(returned(A_OWNS))) == {"a": 15, "b": 10, "c": 70}
    assert costs(by(CreditPolicy(is_shared=True))) == {
        "a": 19,
        "b": Decimal("9.5"),
        "c": Decimal("66.5"),
    }


def test_only_clients_whose_books_share_have_a_part() -> None:
    """C's book retains: -5 by 20 and 10, the last unit to the largest remainder."""
    shares = book(credits=CreditPolicy(is_shared=True), credits_passed_percent=Decimal(100))
    given = inputs(
        *(owns("a", A), owns("b", B), owns("c", C)),
        clients=[client("a"), client("b"), client("c", price_book="other")],
        books=[shares, book(key="other")],
    )

    assert costs(given) == {"a": Decimal("16.6666666667"), "b": Decimal("8.3333333333"), "c": 70}


def test_an_owner_is_so_for_its_days() -> None:
    """A until October, exclusive; c from then on."""
    before = CreditOwner("PROMO_77", ClientKey("a"), date(2018, 1, 1), OCTOBER.start)
    since = CreditOwner("PROMO_77", ClientKey("c"), OCTOBER.start)

    assert costs(by(returned(before, since))) == {"a": 20, "b": 10, "c": 65}


def test_a_credit_that_nobody_is_said_to_own_parks_whom_aws_gave_it_to() -> None:
    month = billed(by(returned(replace(A_OWNS, credit="PROMO_78"))))

    (told,) = (each for each in month.findings if each.code == "credit_owner_unknown")
    assert "A credit of -5 USD that AWS applied to b (AWS Activate PROMO_77)" in told.message
    assert month.parked == {"b"}
    assert month.statements[1].cost == 5


def test_the_owner_may_be_whom_aws_gave_it_to() -> None:
    given = by(returned(replace(A_OWNS, client=ClientKey("b"))))

    assert costs(given) == {"a": 20, "b": 5, "c": 70}
    assert billed(given).parked == set()


def test_the_working_says_by_which_policy() -> None:
    month = billed(by(returned(A_OWNS)))

    (line,) = (each for each in month.statements[0].lines if each.price < 0)
    assert line.description == "AWS Activate PROMO_77"
    assert line.workings[0].attribution == "owner: a credit that AWS applied to b"


def test_two_owners_of_a_period_are_refused() -> None:
    with pytest.raises(ValueError, match="credit PROMO_77 has two owners on 2018-11-01"):
        returned(A_OWNS, replace(A_OWNS, start=date(2018, 11, 1)))
