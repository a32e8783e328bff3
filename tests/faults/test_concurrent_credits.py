"""Parts of an invoice never come to more than it, whoever credits at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from decimal import Decimal
from threading import Barrier

import pytest

from invoices.documents.correction import CreditRefused
from jobs.environment import Environment
from service.actions.billing.credit_invoice import credit_invoice
from service.store.billing import corrections, invoices
from tests.conftest import MonthOf
from tests.support.builders import OCTOBER
from tests.support.months import approve_all, bill, issue, issued

PEOPLE = 8


def _credit(environment: Environment, key: str, amount: str) -> Decimal:
    """What was proposed, which is nothing where it is too much."""
    try:
        with environment.database.transaction() as session:
            proposed = credit_invoice(
                session,
                "INV-000001",
                lines={key: Decimal(amount)},
                reason="goodwill",
                actor="test",
                now=environment.now(),
            )
            return Decimal(proposed.total_minor) / 100
    except CreditRefused:
        return Decimal(0)


def _credited(environment: Environment, month_of: MonthOf) -> list[Decimal]:
    """Of 100.00, eight people credit 30.00 each at once."""
    month_of(1)
    bill(environment)
    approve_all(environment)
    issue(environment)
    (invoice,) = issued(environment)
    (line,) = invoice.invoice.lines
    with ThreadPoolExecutor(PEOPLE) as people:
        return list(people.map(lambda _: _credit(environment, line.key, "30"), range(PEOPLE)))


def test_parts_at_once_do_not_exceed_the_invoice(
    environment: Environment, month_of: MonthOf
) -> None:
    assert sorted(_credited(environment, month_of)) == [0] * 5 + [30] * 3

    assert approve_all(environment) == 3
    issue(environment)
    assert [each.number for each in issued(environment)] == [
        "INV-000001", "CN-000001", "CN-000002", "CN-000003",
    ]  # fmt: skip
    with environment.database.transaction() as session:
        first, *_ = invoices.invoices_of(session, OCTOBER)
        _, left = corrections.left_of(session, first.id)
    assert left.total_minor == 10_00


def test_without_the_lock_they_would(
    environment: Environment, month_of: MonthOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted bug that the test above must catch: all look before any has written."""
    together = Barrier(PEOPLE)
    looked = corrections.left_of

    def wait_for_the_others(session: object, draft_id: int) -> object:
        found = looked(session, draft_id)  # type: ignore[arg-type]
        together.wait(60)
        return found

    monkeypatch.setattr(corrections, "lock_month_of", lambda *_: nullcontext())
    monkeypatch.setattr(corrections, "left_of", wait_for_the_others)

    assert _credited(environment, month_of) == [30] * 8
