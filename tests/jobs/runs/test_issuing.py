"""Issuing a stored month: who gets which number, what is frozen, and what stands in the way."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from jobs.environment import Environment
from jobs.runs import engine
from jobs.runs.engine import RunFailed
from kernel.findings import Severity
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.issue_day import IssueDayRefused
from service.actions.billing.issue_invoice import issue_invoice
from service.actions.billing.record_snapshot import record_snapshot
from service.configuration.reading import read_configuration
from service.store.billing import documents, invoices
from service.store.billing.documents import IssueDayToCome
from service.store.billing.snapshots import Snapshot
from tests.conftest import MonthOf, account_of
from tests.support.builders import OCTOBER, PAYER, charge, charges
from tests.support.months import approve_all, ask_to_issue, bill, issue, issued


def test_the_approved_are_numbered_by_client_key_and_rendered_in_every_format(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(3)
    bill(environment)
    approve_all(environment)

    run = issue(environment)

    assert run.outcome("number") == {"numbers": ["INV-000001", "INV-000002", "INV-000003"]}
    assert [(each.number, each.client) for each in issued(environment)] == [
        ("INV-000001", "c00"),
        ("INV-000002", "c01"),
        ("INV-000003", "c02"),
    ]
    first = issued(environment)[0]
    assert (first.issued_on, first.invoice.due_on) == (date(2026, 11, 23), date(2026, 12, 23))
    with environment.database.transaction() as session:
        files = {file.format: file for file in documents.files_of(session, first.id)}
    assert sorted(files) == ["csv", "json", "pdf", "xlsx"]
    assert files["pdf"].content.startswith(b"%PDF-")
    assert json.loads(files["json"].content)["number"] == "INV-000001"
    assert all(hashlib.sha256(f.content).hexdigest() == f.sha256 for f in files.values())


def test_a_day_to_come_by_the_databases_clock_gets_no_number(
    environment: Environment, month_of: MonthOf
) -> None:
    """Whatever says it may: the clock of the machine that asks is years ahead here."""
    month_of(1)
    bill(environment)
    approve_all(environment)
    to_come = date(2999, 12, 31)
    ahead = replace(environment, now=lambda: datetime(2999, 12, 31, tzinfo=UTC))

    with pytest.raises(IssueDayRefused, match="2999-12-31 is still to come"):
        ask_to_issue(ahead, issued_on=to_come)
    with environment.database.transaction() as session:
        (draft,) = invoices.invoices_of(session, OCTOBER)
        with pytest.raises(IssueDayToCome):
            issue_invoice(session, draft.id, issued_on=to_come, actor="test", now=ahead.now())

    issue(environment)
    assert [each.number for each in issued(environment)] == ["INV-000001"]


def test_issuing_again_issues_nothing(environment: Environment, month_of: MonthOf) -> None:
    month_of(2)
    bill(environment)
    approve_all(environment)
    issue(environment)
    before = issued(environment)

    again = issue(environment)

    assert again.outcome("number") == {"numbers": []}
    assert issued(environment) == before


def test_one_client_can_be_issued_alone(environment: Environment, month_of: MonthOf) -> None:
    month_of(3)
    bill(environment)
    approve_all(environment)

    engine.follow(environment, ask_to_issue(environment, client="c01"))

    assert [(each.number, each.client) for each in issued(environment)] == [("INV-000001", "c01")]


def test_a_draft_nobody_approved_gets_no_number(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(1)
    bill(environment)

    assert issue(environment).outcome("number") == {"numbers": []}


def test_a_document_keeps_the_address_it_was_issued_with(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(1)
    bill(environment)
    approve_all(environment)
    issue(environment)
    (before,) = issued(environment)

    moved = """
    clients:
      - {key: c00, name: Client 0 moved, currency: USD, price_book: cost,
         address: {street: 2 Quay, city: Dublin, postcode: D01, country: IE}}
    """
    with environment.database.transaction() as session:
        apply_configuration(session, read_configuration(moved), actor="test", now=environment.now())

    assert issued(environment) == (before,)
    assert before.invoice.buyer.name == "Client 0"


def _month_with(environment: Environment, *, account_id: str, finalized: bool) -> None:
    """October again, one charge of 7 more."""
    rows = [
        charge(account_of(0), "100", invoice_id="1234"),
        charge(account_id, "7", invoice_id="1234"),
    ]
    snapshot = Snapshot(
        id=environment.snapshots.keep(charges(*rows)),
        payer_account_id=PAYER,
        period=OCTOBER,
        dialect="cur2",
        source_rows=2,
        finalized=finalized,
        facts={"sums": {}},
        findings=(),
    )
    with environment.database.transaction() as session:
        record_snapshot(session, snapshot, actor="test", now=environment.now())


def test_nothing_is_issued_while_an_account_is_unassigned(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(1)
    _month_with(environment, account_id="999999999999", finalized=True)
    bill(environment)
    approve_all(environment)

    with pytest.raises(RunFailed, match="Account 999999999999 has 7 USD of charges"):
        issue(environment)

    assert issued(environment) == ()


def test_an_unfinalized_month_is_billed_with_a_warning_and_issued_only_when_allowed(
    environment: Environment, month_of: MonthOf
) -> None:
    month_of(1)
    _month_with(environment, account_id=account_of(0), finalized=False)
    run = bill(environment)
    assert [finding.code for finding in run.findings] == ["unfinalized"]
    approve_all(environment)

    with pytest.raises(RunFailed, match="or issue with --allow-unfinalized"):
        issue(environment)
    assert issued(environment) == ()

    engine.follow(environment, ask_to_issue(environment, allow_unfinalized=True))
    assert [each.invoice.total_minor for each in issued(environment)] == [107_00]


def test_a_parked_client_stops_only_itself(environment: Environment, month_of: MonthOf) -> None:
    month_of(2)
    bill(environment)
    approve_all(environment)
    fee = """
    custom_line_items: [{client: c00, kind: fee, description: Late, amount: "5", from: 2018-10}]
    """
    with environment.database.transaction() as session:
        apply_configuration(session, read_configuration(fee), actor="test", now=environment.now())
    bill(environment)

    run = issue(environment)

    assert [(finding.code, finding.client) for finding in run.findings] == [("not_issued", "c00")]
    assert [(each.number, each.client) for each in issued(environment)] == [("INV-000001", "c01")]


def test_numbers_follow_the_dates_of_issue(environment: Environment, month_of: MonthOf) -> None:
    month_of(2)
    bill(environment)
    approve_all(environment)
    engine.follow(environment, ask_to_issue(environment, client="c00"))

    words = "already issued after 2026-11-22, on 2026-11-23: .* use 2026-11-23 or a later day"
    with pytest.raises(RunFailed, match=words):
        engine.follow(environment, ask_to_issue(environment, issued_on=date(2026, 11, 22)))

    assert len(issued(environment)) == 1
    with environment.database.transaction() as session:
        states = {each.client: each.state for each in invoices.invoices_of(session, OCTOBER)}
    assert states == {"c00": "issued", "c01": "approved"}


def _apply(environment: Environment, configuration: str) -> None:
    wanted = read_configuration(configuration)
    with environment.database.transaction() as session:
        apply_configuration(session, wanted, actor="test", now=environment.now())


LATE_FEE = (
    'custom_line_items: [{client: c00, kind: fee, description: Late, amount: "5", from: 2018-10}]'
)


def test_what_was_configured_after_approval_is_found_before_a_number_is_given(
    environment: Environment, month_of: MonthOf
) -> None:
    """c00 owes 100, and 5 since; nobody billed again. c01 is issued, and the fee reaches c00."""
    month_of(2)
    bill(environment)
    approve_all(environment)
    _apply(environment, LATE_FEE)

    run = issue(environment)

    (finding,) = run.findings
    assert (finding.code, finding.client) == ("not_issued", "c00")
    assert finding.message == (
        "The approved invoice of c00 of 100.00 USD would now be 105.00 (+5.00): withdraw the "
        "approval and bill again to replace it."
    )
    assert [(each.number, each.client) for each in issued(environment)] == [("INV-000001", "c01")]


def test_what_changes_no_figure_of_an_approved_draft_stops_nothing(
    environment: Environment, month_of: MonthOf
) -> None:
    """A fee of next month."""
    month_of(1)
    bill(environment)
    approve_all(environment)
    _apply(environment, LATE_FEE.replace("2018-10", "2018-11"))

    assert issue(environment).findings == ()
    assert [each.invoice.total_minor for each in issued(environment)] == [100_00]


def test_a_delivery_that_came_after_billing_blocks_until_the_month_is_billed_again(
    environment: Environment, month_of: MonthOf
) -> None:
    """Billed and approved 100; then AWS delivers 107. To the proof all of the 100 was there."""
    month_of(1)
    bill(environment)
    approve_all(environment)
    _month_with(environment, account_id=account_of(0), finalized=True)

    with pytest.raises(RunFailed, match="taken in on 2026-11-23, after 2018-10 was billed"):
        issue(environment)
    assert issued(environment) == ()

    # An approval of 100 is none of 107.
    bill(environment)
    (finding,) = issue(environment).findings
    assert "c00 of 100.00 USD would now be 107.00 (+7.00): withdraw" in finding.message
    assert issued(environment) == ()


def test_a_day_that_has_begun_in_the_east_only_is_told_with_what_it_does(
    environment: Environment, month_of: MonthOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """18:00 UTC of the 31st is 8:00 of the 1st in Kiribati: then nothing is dated the 31st."""
    evening = datetime(2018, 12, 31, 18, tzinfo=UTC)
    monkeypatch.setattr(documents, "database_now", lambda _session: evening)
    environment = replace(environment, now=lambda: evening)
    month_of(2)
    bill(environment)
    approve_all(environment)
    new_year, last_day = date(2019, 1, 1), date(2018, 12, 31)

    run = engine.follow(environment, ask_to_issue(environment, client="c00", issued_on=new_year))

    assert [(each.code, each.severity) for each in run.findings] == [
        ("issue_day_ahead", Severity.WARNING)
    ]
    assert run.findings[0].message == (
        "2019-01-01 has begun east of Greenwich only: it is 2018-12-31 18:00 UTC. No later "
        "document of this series can be dated 2018-12-31."
    )
    with pytest.raises(RunFailed, match=r"on 2019-01-01: .* so use 2019-01-01 or"):
        engine.follow(environment, ask_to_issue(environment, issued_on=last_day))
    on_time = engine.follow(environment, ask_to_issue(environment, issued_on=new_year))
    assert len(issued(environment)) == 2 and len(on_time.findings) == 1


def test_today_by_utc_is_no_day_ahead(environment: Environment, month_of: MonthOf) -> None:
    month_of(1)
    bill(environment)
    approve_all(environment)

    assert issue(environment).findings == ()
