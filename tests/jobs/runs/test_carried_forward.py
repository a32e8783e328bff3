"""Months below and above nothing, billed and issued in any order: every cent is asked for once."""

from __future__ import annotations

import json
import random

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


def take(session: Session, environment: Environment, period: BillingPeriod, cents: int) -> None:
    cost, kind = f"{cents / 100:.2f}", Kind.USAGE if cents >= 0 else Kind.REFUND
    row = charge(
        account_of(0), cost, kind, billing_period=str(period), service_day=period.start,
        invoice_id="1",
    )  # fmt: skip
    snapshot = Snapshot(
        id=environment.snapshots.keep(charges(row)),
        payer_account_id=PAYER,
        period=period,
        dialect="cur2",
        source_rows=1,
        finalized=True,
        facts={"sums": {}},
        findings=(),
    )
    record_snapshot(session, snapshot, actor="test", now=environment.now())


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
