"""Invoices are listed by cursor, and found by id and number, from draft to issued."""

from __future__ import annotations

import pytest

from jobs.environment import Environment
from jobs.runs import engine
from service.store.billing import invoices
from service.store.billing.invoices import UnknownInvoice
from tests.conftest import MonthOf
from tests.support.builders import OCTOBER
from tests.support.months import approve_all, ask_to_issue, bill


def test_pages_follow_each_other_without_gap_or_repeat(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(7)
    bill(environment)

    seen: list[str] = []
    after = 0
    with environment.database.transaction() as session:
        while page := invoices.invoices_of(session, after=after, limit=3):
            assert len(page) <= 3
            seen += [each.client for each in page]
            after = page[-1].id

    assert seen == ["c00", "c01", "c02", "c03", "c04", "c05", "c06"]


def test_an_invoice_keeps_its_id_from_draft_to_issued(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(2)
    bill(environment)
    with environment.database.transaction() as session:
        draft, other = invoices.invoices_of(session, OCTOBER)
        assert invoices.document(session, draft.id).number == ""
        assert invoices.document_file(session, draft.id, "pdf") is None
    approve_all(environment)
    engine.follow(environment, ask_to_issue(environment, client=draft.client))

    with environment.database.transaction() as session:
        issued = invoices.invoice(session, draft.id)
        assert (issued.state, issued.number) == ("issued", "INV-000001")
        assert invoices.invoice_numbered(session, "INV-000001") == issued
        assert invoices.document(session, draft.id).number == "INV-000001"
        file = invoices.document_file(session, draft.id, "json")
        assert file is not None and b"INV-000001" in file.content
        assert invoices.document_file(session, draft.id, "exe") is None
        assert invoices.invoice(session, other.id).state == "approved"
        assert invoices.working(session, other.id)["statement"]["client"] == "c01"


def test_what_does_not_exist_is_not_found(environment: Environment) -> None:
    with environment.database.transaction() as session:
        for question in (invoices.invoice, invoices.document, invoices.working):
            with pytest.raises(UnknownInvoice, match="there is no invoice 4711"):
                question(session, 4711)
        with pytest.raises(UnknownInvoice, match="there is no invoice INV-000009"):
            invoices.invoice_numbered(session, "INV-000009")
