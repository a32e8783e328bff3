"""A process that dies before or after any step of billing or issuing a correction loses nothing."""

from __future__ import annotations

import itertools

import pytest

from jobs.environment import Environment
from jobs.runs import engine
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.credit_invoice import credit_invoice
from service.configuration.reading import read_configuration
from service.store import runs
from service.store.archive.proof import prove_documents
from service.store.billing import documents, months
from tests.conftest import MonthOf
from tests.support.builders import OCTOBER, PAYER
from tests.support.months import approve_all, ask_to_bill, ask_to_issue, bill, issue, issued

FEE = """
custom_line_items:
  - {client: c00, kind: fee, description: Managed services, amount: "50.00", from: 2018-10}
"""


class Killed(BaseException):
    """As a signal is: nothing of the product catches it."""


def _die_at(monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    """At the beginnings and ends of steps, inside their transactions; once."""
    calls = itertools.count()
    for name in ("begin_step", "finish_step"):
        right = getattr(runs, name)

        def wrong(*given: object, _right: object = right, **named: object) -> None:
            assert callable(_right)
            _right(*given, **named)
            if next(calls) == moment:
                raise Killed

        monkeypatch.setattr(runs, name, wrong)


@pytest.mark.parametrize("moment", range(10))
def test_each_boundary_once(
    environment: Environment,
    month_of: MonthOf,
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    """Four moments of billing's two steps, then six of issuing's three."""
    month_of(2)
    bill(environment)
    approve_all(environment)
    issue(environment)
    with environment.database.transaction() as session:
        now = environment.now()
        apply_configuration(session, read_configuration(FEE), actor="test", now=now)
        credit_invoice(session, "INV-000002", reason="goodwill", actor="test", now=now)

    _die_at(monkeypatch, moment)
    deaths = 0
    for ask in (ask_to_bill, ask_to_issue):
        run_id = ask(environment)
        while True:
            try:
                engine.follow(environment, run_id)
                break
            except Killed:
                deaths += 1
        approve_all(environment)
    assert deaths == 1

    found = issued(environment)
    assert [(each.number, each.invoice.total_minor) for each in found] == [
        ("INV-000001", 100_00),
        ("INV-000002", 101_00),
        ("CN-000001", 101_00),
        ("SI-000001", 50_00),
    ]
    with environment.database.transaction() as session:
        for each in found:
            assert len(documents.formats_of(session, each.id)) == 4
        assert prove_documents(session).documents == 4
        assert months.reconciliation(session, PAYER, OCTOBER).closes
