"""Months below and above nothing, billed and issued in any order: every cent is asked for once."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from invoices.kinds import Kind
from invoices.periods import BillingPeriod
from jobs.environment import Environment
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.record_snapshot import record_snapshot
from service.configuration.reading import read_configuration
from service.store.billing import carry_forward, months
from service.store.billing.snapshots import Snapshot
from service.store.session import Session
from tests.conftest import account_of
from tests.support.builders import PAYER, charge, charges
from tests.support.months import approve_all, bill, issue, issued

MONTHS = [BillingPeriod(2026, month) for month in range(5, 11)]
ADDRESS = {"street": "1 Quay", "city": "Cork", "postcode": "T12", "country": "IE"}
CLIENT = {
    "key": "acme", "name": "Acme", "currency": "USD", "address": ADDRESS, "price_book": "cost",
    "tax": {"category": "standard", "rate_percent": "23"}, "negative_months": "carry_forward",
    "accounts": [{"id": account_of(0), "from": "2018-01-01"}],
}  # fmt: skip
CONFIGURATION = {
    "seller": {"name": "Example Cloud Ltd", "address": ADDRESS, "tax_id": "IE6388047V"},
    "payers": [{"account_id": str(PAYER)}],
    "clients": [CLIENT],
    "price_books": [{"key": "cost", "from": "2018-01", "cost_basis": "billed"}],
}


def take(
    session: Session,
    environment: Environment,
    period: BillingPeriod,
    cents: int,
    euros: str = "0",
) -> None:
    cost, kind = f"{cents / 100:.2f}", Kind.USAGE if cents >= 0 else Kind.REFUND
    of_month: dict[str, Any] = {
        "billing_period": str(period),
        "service_day": period.start,
        "invoice_id": "1",
    }
    row = charge(account_of(0), cost, kind, **of_month)
    foreign = charge(account_of(0), euros, Kind.USAGE, currency="EUR", **of_month)
    snapshot = Snapshot(
        id=environment.snapshots.keep(charges(row, *[foreign] * (euros != "0"))),
        payer_account_id=PAYER,
        period=period,
        dialect="cur2",
        source_rows=1,
        finalized=True,
        facts={"sums": {}},
        findings=(),
    )
    record_snapshot(session, snapshot, actor="test", now=environment.now())


def test_what_a_month_owes_is_owed_still_while_its_client_is_parked(
    environment: Environment,
) -> None:
    """May is -50.00. Then it comes with 1 euro, for which there is no rate, and is parked.

    June's 80.00 less what May owes is 30.00; and 20.00 once May is whole again, and -60.00.
    """
    may, june = MONTHS[:2]

    def taken(period: BillingPeriod, cents: int, euros: str = "0") -> list[str]:
        with environment.database.transaction() as session:
            take(session, environment, period, cents, euros)
        return [finding.code for finding in bill(environment, period).findings]

    def owed_and_asked() -> tuple[list[int], list[int]]:
        bill(environment, june)
        with environment.database.transaction() as session:
            balances = carry_forward.balances_of_month(session, PAYER, may)
            proof = months.reconciliation(session, PAYER, june)
        asked = [total.invoice.subtotal_minor for total in proof.clients if total.invoice]
        return [each.net_minor for each in balances], asked

    with environment.database.transaction() as session:
        configuration = read_configuration(json.dumps(CONFIGURATION))
        apply_configuration(session, configuration, actor="test", now=environment.now())
    taken(may, -50_00)
    taken(june, 80_00)
    assert owed_and_asked() == ([50_00], [30_00])

    assert "parked_month_carried" in taken(may, -50_00, euros="1")
    assert owed_and_asked() == ([50_00], [30_00])

    assert "parked_month_carried" not in taken(may, -60_00)
    assert owed_and_asked() == ([60_00], [20_00])


@pytest.mark.parametrize("seed", range(4))
def test_every_cent_is_asked_for_once_in_whatever_order_months_are_billed(
    environment: Environment, seed: int
) -> None:
    """Before tax: what the documents ask for = the months above nothing - what they take; and what
    is taken + what is open = the months below nothing."""
    dice = random.Random(seed)
    nets = {period: dice.randrange(-100_00, 100_00) for period in MONTHS}
    with environment.database.transaction() as session:
        configuration = read_configuration(json.dumps(CONFIGURATION))
        apply_configuration(session, configuration, actor="test", now=environment.now())
        for period, cents in nets.items():
            take(session, environment, period, cents)

    for period in dice.choices(MONTHS, k=12):
        bill(environment, period)
    for period in MONTHS:  # Numbers follow days; the months in order, each as it stands then.
        bill(environment, period)
        approve_all(environment, period)
        issue(environment, period)
        bill(environment, dice.choice(MONTHS))

    documents = [each.invoice for period in MONTHS for each in issued(environment, period)]
    with environment.database.transaction() as session:
        left = [b for p in MONTHS for b in carry_forward.balances_of_month(session, PAYER, p)]
        assert all(months.reconciliation(session, PAYER, period).closes for period in MONTHS)
    above = [cents for cents in nets.values() if cents >= 0]
    below = [-cents for cents in nets.values() if cents < 0]
    taken = -sum(each.carried_minor for each in documents)
    assert len(documents) == len(above) and len(left) == len(below)
    assert sum(each.subtotal_minor for each in documents) == sum(above) - taken
    assert sum(each.open_minor for each in left) + taken == sum(below)
    assert all(each.open_minor >= 0 for each in left)
    assert all(each.total_minor >= 0 for each in documents)
    # Nobody paid who was owed: in order, each month takes all it can.
    owed = 0
    for period in MONTHS:
        owed -= nets[period]
        owed = max(owed, 0) if nets[period] >= 0 else owed
    assert sum(each.open_minor for each in left) == owed
