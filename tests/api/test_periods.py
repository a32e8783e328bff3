"""Periods over HTTP: what confirms a month."""

from __future__ import annotations

from decimal import Decimal

from invoices.clients import AccountId
from invoices.control_totals import ControlFileRecord
from invoices.periods import BillingPeriod
from jobs.environment import Environment
from service.actions.billing.record_control_file import record_control_file
from service.store.billing import months
from tests.api.conftest import Caller

PAYER, OCTOBER = AccountId("836060457634"), BillingPeriod(2018, 10)


def test_a_period_names_the_file_that_confirms_it(
    caller: Caller, environment: Environment, issued_month: None
) -> None:
    """AWS asks for 201.00 in one amount, as we do."""
    with environment.database.transaction() as session:
        snapshot_id = months.billed_snapshot(session, PAYER, OCTOBER).id
        record = ControlFileRecord(
            snapshot_id=snapshot_id,
            sha256="ab" * 32,
            name="aws.csv",
            column="invoice_id",
            compared=1,
            theirs=Decimal("201.00"),
            ours=Decimal(201),
            differing=(),
            compared_at=environment.now(),
            compared_by="finance",
        )
        record_control_file(session, record, payer_account_id=PAYER, period=OCTOBER)

    [item] = caller().get("/v1/periods").json()["items"]
    assert (item["closes"], item["confirmed"]) == (True, True)
    assert item["confirmed_by"] == ["control file aws.csv of 2026-11-23"]
    assert item["control_files"] == [
        {
            "name": "aws.csv",
            "sha256": "ab" * 32,
            "column": "invoice_id",
            "compared": 1,
            "theirs": {"amount": "201", "currency": "USD"},
            "ours": {"amount": "201", "currency": "USD"},
            "agrees": True,
            "compared_at": "2026-11-23T12:00:00+00:00",
            "compared_by": "finance",
            "snapshot": snapshot_id,
            "counts": True,
        }
    ]
