"""Numbers have no gap and no duplicate, whatever issuers do to each other."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from jobs.environment import Environment
from service.actions.billing.issue_invoice import issue_invoice
from service.store.billing import documents, invoices
from service.store.session import Session
from tests.conftest import MonthOf
from tests.support.builders import OCTOBER
from tests.support.months import TODAY, approve_all, bill, issued

ISSUERS = 64


class Aborted(Exception):
    """Something after the number was taken went wrong."""


@pytest.mark.parametrize(
    ("documents", "aborted_percent"),
    [
        (200, 25),
        pytest.param(200, 5, marks=pytest.mark.proof),
        pytest.param(1000, 5, marks=pytest.mark.proof),
    ],
)
def test_64_issuers_of_whom_some_abort_leave_no_gap_and_no_duplicate(
    environment: Environment, month_of: MonthOf, documents: int, aborted_percent: int
) -> None:
    month_of(documents)
    bill(environment)
    assert approve_all(environment) == documents
    with environment.database.transaction() as session:
        drafts = [each.id for each in invoices.invoices_of(session, OCTOBER)]
    dice = random.Random(aborted_percent)
    fates = [(draft, dice.randrange(100) < aborted_percent) for draft in drafts]
    failing = sum(fails for _, fails in fates)

    with ThreadPoolExecutor(ISSUERS) as issuers:
        answers = list(issuers.map(lambda fate: _issue(environment, *fate), fates))

    assert answers.count("") == failing > 0
    numbers = sorted(number for number in answers if number)
    assert numbers == [f"INV-{ordinal:06}" for ordinal in range(1, documents - failing + 1)]

    again = [_issue(environment, draft, False) for draft, fails in fates if fails]
    assert sorted(again) == [f"INV-{n:06}" for n in range(documents - failing + 1, documents + 1)]
    assert len(issued(environment)) == documents


def _issue(environment: Environment, draft_id: int, fails: bool) -> str:
    try:
        with environment.database.transaction() as session:
            document = issue_invoice(
                session, draft_id, issued_on=TODAY, actor="test", now=environment.now()
            )
            if fails:
                raise Aborted
            return document.number
    except Aborted:
        return ""


def test_one_draft_issued_by_64_at_once_is_one_document(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(1)
    bill(environment)
    approve_all(environment)
    with environment.database.transaction() as session:
        (draft,) = invoices.invoices_of(session, OCTOBER)

    with ThreadPoolExecutor(ISSUERS) as issuers:
        answers = list(issuers.map(lambda _: _issue(environment, draft.id, False), range(64)))

    assert set(answers) == {"INV-000001"}
    assert len(issued(environment)) == 1


def test_a_number_taken_in_a_transaction_of_its_own_would_leave_gaps(
    environment: Environment, month_of: MonthOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted bug that the tests above must catch."""
    right = documents._take_ordinal

    def wrong(_session: Session, series_key: str, issued_on: date) -> tuple[int, str]:
        with environment.database.transaction() as its_own:
            return right(its_own, series_key, issued_on)

    monkeypatch.setattr(documents, "_take_ordinal", wrong)
    month_of(8)
    bill(environment)
    approve_all(environment)
    with environment.database.transaction() as session:
        drafts = [each.id for each in invoices.invoices_of(session, OCTOBER)]

    numbers = [_issue(environment, draft, ordinal == 3) for ordinal, draft in enumerate(drafts)]

    assert numbers == [
        "INV-000001", "INV-000002", "INV-000003", "",
        "INV-000005", "INV-000006", "INV-000007", "INV-000008",
    ]  # fmt: skip
