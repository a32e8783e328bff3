"""Owns keeping what a file of AWS's own totals said of a month, and who compared it."""

from __future__ import annotations

from invoices.clients import AccountId
from invoices.control_totals import ControlFileRecord
from invoices.periods import BillingPeriod
from service.store.access import audit
from service.store.billing import control_files
from service.store.session import Session


def record_control_file(
    session: Session,
    record: ControlFileRecord,
    *,
    payer_account_id: AccountId,
    period: BillingPeriod,
) -> None:
    control_files.put_control_file(
        session, record, payer_account_id=payer_account_id, period=period
    )
    audit.record(
        session,
        actor=record.compared_by,
        action="compare_control_file",
        subject=f"snapshot {record.snapshot_id}",
        after={"name": record.name, "sha256": record.sha256, "agrees": not record.differing},
        now=record.compared_at,
    )
