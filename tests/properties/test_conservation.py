"""For any month, roster, price book and policy: no money is lost, invented or unexplained."""

import random
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoices.documents.document import canonical_bytes, to_document
from invoices.month import BilledMonth, bill, prove
from tests.support.builders import charges
from tests.support.generated_months import Month, months, second_opinion

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
default_run = settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
long_proof = settings(max_examples=10_000, deadline=None, suppress_health_check=SLOW)


def conserves(month: Month) -> None:
    billed = bill(charges(*month.rows), month.inputs)

    balances = {each.total.currency: each for each in prove(billed).balances}
    assert {*balances} == {row["currency"] for row in month.rows} or not month.rows
    for currency, balance in balances.items():
        paid = total(r["net_billed_cost"] for r in month.rows if r["currency"] == currency)
        borne = total(balance.costs.values()) + total(balance.total.retained.values())
        assert paid == Fraction(balance.total.payer_total)
        assert paid == borne + Fraction(balance.total.unassigned)
        assert balance.difference == Decimal(0)
    agrees_with_the_second_opinion(month, billed)
    every_client_is_drafted_or_parked(billed)


def agrees_with_the_second_opinion(month: Month, billed: BilledMonth) -> None:
    ours = {
        (statement.client, currency): (Fraction(found.cost), Fraction(found.price))
        for statement in billed.statements
        if statement.lines
        for currency, found in statement.amounts.items()
    }
    theirs = second_opinion(month)
    # A statement tells of the payer's currency, be it nothing.
    nothing = {key: (Fraction(0), Fraction(0)) for key in ours.keys() - theirs.keys()}
    assert ours == nothing | theirs and {currency for _, currency in nothing} <= {billed.currency}
    for statement in billed.statements:
        for currency, found in statement.amounts.items():
            assert found.price == sum(
                (
                    Fraction(line.quantity) * Fraction(line.unit_price)
                    for line in statement.lines
                    if line.currency == currency
                ),
                Fraction(0),
            )


def total(amounts: Iterable[Decimal]) -> Fraction:
    return sum((Fraction(each) for each in amounts), Fraction(0))


def every_client_is_drafted_or_parked(billed: BilledMonth) -> None:
    drafted = {draft.client for draft in billed.drafts}
    assert drafted | billed.parked == {statement.client for statement in billed.statements}
    assert not drafted & billed.parked
    assert all(total.closes for total in prove(billed).clients if total.client in drafted)


@default_run
@given(months())
def test_the_payers_money_is_borne_retained_or_unassigned(month: Month) -> None:
    conserves(month)


@pytest.mark.proof
@long_proof
@given(months())
def test_the_payers_money_is_borne_retained_or_unassigned_ten_thousand_times(month: Month) -> None:
    conserves(month)


@settings(default_run, max_examples=40)
@given(months(), st.randoms(use_true_random=False))
def test_the_order_of_charges_does_not_change_a_byte(month: Month, order: random.Random) -> None:
    shuffled = order.sample(month.rows, len(month.rows))

    one, other = (bill(charges(*rows), month.inputs) for rows in (month.rows, shuffled))

    assert as_bytes(one) == as_bytes(other)
    assert one == other


def as_bytes(billed: BilledMonth) -> list[tuple[str, bytes]]:
    return [
        (draft.draft_id, canonical_bytes(to_document(draft.invoice))) for draft in billed.drafts
    ]
