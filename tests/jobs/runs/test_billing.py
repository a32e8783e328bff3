"""Billing a stored month: what becomes of drafts when it is billed again."""

from __future__ import annotations

import pytest

from invoices.periods import BillingPeriod
from jobs.environment import Environment
from jobs.runs import engine
from jobs.runs.engine import RunFailed
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.request_run import request_billing
from service.actions.billing.withdraw_approval import withdraw_approval
from service.configuration.reading import read_configuration
from service.store.billing import invoices, months
from service.store.billing.invoices import InvoiceRecord
from service.store.billing.sellers import UnknownPayer
from tests.conftest import MonthOf
from tests.support.builders import OCTOBER, PAYER
from tests.support.months import approve_all, ask_to_bill, bill, issue

FEE_FOR_C00 = """
custom_line_items:
  - {client: c00, kind: fee, description: Managed services, amount: "50.00", from: 2018-10}
"""


def _drafts(environment: Environment) -> list[InvoiceRecord]:
    with environment.database.transaction() as session:
        return list(invoices.invoices_of(session, OCTOBER))


def _figures(environment: Environment) -> list[tuple[str, str, int]]:
    return [(each.client, each.state, each.total_minor) for each in _drafts(environment)]


def _apply(environment: Environment, text: str) -> None:
    with environment.database.transaction() as session:
        apply_configuration(session, read_configuration(text), actor="test", now=environment.now())


def test_every_client_is_drafted_and_the_month_closes(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(3)

    run = bill(environment)

    assert run.outcome("drafts") == {
        "currency": "USD",
        "payer_total": "303",
        "drafted": ["c00", "c01", "c02"],
        "unchanged": [],
        "draft_ids": {"c00": 1, "c01": 2, "c02": 3},
        "parked": [],
    }
    assert _figures(environment) == [
        ("c00", "draft", 100_00),
        ("c01", "draft", 101_00),
        ("c02", "draft", 102_00),
    ]
    with environment.database.transaction() as session:
        proof = months.reconciliation(session, PAYER, OCTOBER)
    assert proof.closes
    assert proof.payer_total == 100 + 101 + 102


def test_billed_again_without_a_change_everything_stays_approvals_too(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(2)
    bill(environment)
    approve_all(environment)
    before = _drafts(environment)

    run = bill(environment)

    assert run.outcome("drafts")["unchanged"] == ["c00", "c01"]
    assert _drafts(environment) == before


def test_billed_again_after_a_change_only_what_changed_is_drafted_anew(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(2)
    bill(environment)
    first = {each.client: each.id for each in _drafts(environment)}

    _apply(environment, FEE_FOR_C00)
    run = bill(environment)

    assert run.outcome("drafts")["drafted"] == ["c00"]
    assert run.outcome("drafts")["unchanged"] == ["c01"]
    second = {each.client: each.id for each in _drafts(environment)}
    assert second["c01"] == first["c01"]
    assert second["c00"] != first["c00"]
    assert _figures(environment) == [("c01", "draft", 101_00), ("c00", "draft", 150_00)]


def test_an_approved_draft_is_not_silently_replaced(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(2)
    bill(environment)
    approve_all(environment)
    _apply(environment, FEE_FOR_C00)

    run = bill(environment)

    assert [(f.code, f.client) for f in run.findings] == [("approved_invoice_differs", "c00")]
    assert run.outcome("drafts")["parked"] == ["c00"]
    assert ("c00", "approved", 100_00) in _figures(environment)

    with environment.database.transaction() as session:
        (outdated,) = invoices.invoices_of(session, OCTOBER, client="c00")
        withdraw_approval(session, outdated.id, actor="test", now=environment.now())
    again = bill(environment)

    assert again.findings == ()
    assert ("c00", "draft", 150_00) in _figures(environment)


def test_an_issued_document_stands_and_the_difference_is_proposed(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(2)
    bill(environment)
    approve_all(environment)
    issue(environment)
    _apply(environment, FEE_FOR_C00)

    run = bill(environment)

    assert [(f.code, f.client) for f in run.findings] == [("correction_proposed", "c00")]
    assert ("c00", "issued", 100_00) in _figures(environment)
    assert ("c00", "draft", 50_00) in _figures(environment)
    with environment.database.transaction() as session:
        assert not months.reconciliation(session, PAYER, OCTOBER).closes


def test_what_is_configured_after_the_inputs_are_fixed_waits_for_the_next_run(
    environment: Environment, month_of: MonthOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    month_of(1)
    seen: list[str] = []

    def configure_meanwhile(what: str, _done: int, _total: int) -> None:
        if what == "loading charges" and not seen:
            seen.append(what)
            _apply(environment, FEE_FOR_C00)

    engine.follow(environment, ask_to_bill(environment), configure_meanwhile)
    assert _figures(environment) == [("c00", "draft", 100_00)]

    bill(environment)
    assert _figures(environment) == [("c00", "draft", 150_00)]


def test_a_month_without_an_export_is_refused_in_words(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(1)

    with pytest.raises(RunFailed, match="has no export of 2018-11 here: ingest it first"):
        bill(environment, BillingPeriod(2018, 11))


def test_an_unknown_payer_is_refused_before_a_run_begins(environment: Environment) -> None:
    with (
        pytest.raises(UnknownPayer, match="payer account 836060457634 is not configured"),
        environment.database.transaction() as session,
    ):
        request_billing(session, PAYER, OCTOBER, actor="test", now=environment.now())
