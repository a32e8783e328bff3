"""AWS's own sample month, from its file to two issued invoices, by the runs alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from jobs.aws.cost_explorer import CostGroup
from jobs.environment import Environment
from jobs.reconciliation import reconcile
from jobs.runs import engine
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.request_run import request_ingest
from service.configuration.reading import read_configuration
from service.store.billing import months, snapshots
from service.store.billing.estimates import Answer, put_answer
from service.store.runs import Run
from tests.support.builders import OCTOBER, PAYER
from tests.support.months import approve_all, bill, issue, issued
from tests.support.places import sample

SAMPLE = "workshop-cur-2018-10"
CONFIGURATION = """
seller: {name: Us, tax_id: "", address: {street: a, city: b, postcode: c, country: IE}}
payers: [{account_id: "836060457634"}]
clients:
  - {key: acme, name: Acme, currency: USD, price_book: cost,
     address: {street: a, city: b, postcode: c, country: US},
     accounts: [{id: "836060457634", from: 2018-10-01}]}
  - {key: globex, name: Globex, currency: USD, price_book: cost,
     address: {street: a, city: b, postcode: c, country: US},
     accounts: [{id: "011254002932", from: 2018-10-01}]}
price_books: [{key: cost, from: 2018-10, cost_basis: billed}]
"""


@pytest.fixture
def configured(environment: Environment) -> Environment:
    with environment.database.transaction() as session:
        configuration = read_configuration(CONFIGURATION)
        apply_configuration(session, configuration, actor="test", now=environment.now())
    return environment


def _ingest(environment: Environment) -> Run:
    with environment.database.transaction() as session:
        run_id = request_ingest(
            session,
            PAYER,
            OCTOBER,
            location=str(sample(SAMPLE)),
            dialect="auto",
            actor="test",
            now=environment.now(),
        )
    return engine.follow(environment, run_id)


def test_the_sample_is_split_to_the_last_digit_and_issued(configured: Environment) -> None:
    facts = _ingest(configured).outcome("read")
    assert (facts["rows"], facts["sums"]["billed"]) == (119_307, "4064.4831315379")

    bill(configured)
    assert approve_all(configured) == 2
    issue(configured)

    with configured.database.transaction() as session:
        proof = months.reconciliation(session, PAYER, OCTOBER)
    assert proof.closes
    assert {each.client: each.cost for each in proof.clients} == {
        "acme": Decimal("3993.0273261102"),
        "globex": Decimal("71.4558054277"),
    }
    assert Decimal("4064.4831315379") == Decimal("3993.0273261102") + Decimal("71.4558054277")
    assert [(each.number, each.invoice.total_minor) for each in issued(configured)] == [
        ("INV-000001", 3993_03),
        ("INV-000002", 71_46),
    ]


def test_the_same_export_twice_is_one_snapshot(configured: Environment) -> None:
    first = _ingest(configured).outcome("read")["snapshot"]
    second = _ingest(configured).outcome("read")["snapshot"]

    assert first == second
    with configured.database.transaction() as session:
        assert snapshots.current_snapshot(session, PAYER, OCTOBER).id == first
        count = session.connection().exec_driver_sql("SELECT count(*) FROM snapshot").scalar()
    assert count == 1


def _answer(environment: Environment, *, billed: str, estimated: bool, also_in: str = "") -> None:
    """What Cost Explorer said: one group for each account, and one of 5 in another currency."""
    groups = [
        {
            "account_id": account_id,
            "record_type": "Usage",
            "currency": "USD",
            "estimated": estimated,
            "amounts": {"UnblendedCost": amount},
        }
        for account_id, amount in (("836060457634", billed), ("011254002932", "71.4558054277"))
    ]
    if also_in:
        groups.append({**groups[1], "currency": also_in, "amounts": {"UnblendedCost": "5"}})
    question = {"start": "2018-10-01", "end": "2018-11-01"}
    answer = Answer(question, {"groups": groups}, environment.now())
    with environment.database.transaction() as session:
        put_answer(session, answer, payer_account_id=PAYER, period=OCTOBER)


def test_cost_explorer_is_a_control_total_once_it_is_no_estimate(
    configured: Environment,
) -> None:
    _ingest(configured)
    bill(configured)

    _answer(configured, billed="3990", estimated=True)
    assert reconcile(configured, PAYER, OCTOBER).control_totals == ()

    _answer(configured, billed="3993.0273261102", estimated=False)
    proof = reconcile(configured, PAYER, OCTOBER)
    totals = {total.what: total.difference for total in proof.control_totals}
    assert totals["UnblendedCost"] == 0


def test_what_cost_explorer_says_in_another_currency_is_held_against_nothing(
    configured: Environment,
) -> None:
    _ingest(configured)
    bill(configured)

    _answer(configured, billed="3993.0273261102", estimated=False, also_in="CNY")
    proof = reconcile(configured, PAYER, OCTOBER)
    totals = {total.what: total.difference for total in proof.control_totals}
    assert totals["UnblendedCost"] == 0
    assert "UnblendedCost of account 011254002932" not in totals


def test_a_month_that_cost_explorer_contradicts_does_not_close(configured: Environment) -> None:
    _ingest(configured)
    bill(configured)
    _answer(configured, billed="3994.0273261102", estimated=False)

    proof = reconcile(configured, PAYER, OCTOBER)

    differing = {total.what: total.difference for total in proof.control_totals}
    assert differing["UnblendedCost"] == Decimal(1)
    assert differing["UnblendedCost of account 836060457634"] == Decimal(1)
    assert "UnblendedCost of account 011254002932" not in differing
    assert not proof.closes


def test_cost_explorer_is_asked_again_after_a_later_export(configured: Environment) -> None:
    asked: list[str] = []

    def ask(*, start: str, end: str, metrics: Sequence[str]) -> list[CostGroup]:
        asked.append(f"{start} to {end}")
        amounts = tuple((metric, "3993.0273261102") for metric in metrics)
        return [CostGroup("836060457634", "Usage", amounts, "USD", estimated=False)]

    _ingest(configured)
    bill(configured)
    tomorrow = replace(configured, now=lambda: configured.now() + timedelta(days=1))
    reconcile(tomorrow, PAYER, OCTOBER, ask=ask)
    reconcile(tomorrow, PAYER, OCTOBER, ask=ask)
    assert asked == ["2018-10-01 to 2018-11-01"]

    in_two_days = replace(configured, now=lambda: configured.now() + timedelta(days=2))
    _ingest(in_two_days)
    in_three_days = replace(configured, now=lambda: configured.now() + timedelta(days=3))
    reconcile(in_three_days, PAYER, OCTOBER, ask=ask)
    reconcile(in_three_days, PAYER, OCTOBER, ask=ask)
    assert asked == ["2018-10-01 to 2018-11-01"] * 2
