"""Owns what files of AWS's own totals said of a month: each comparison stays with its snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlmodel import col, select

from invoices.clients import AccountId
from invoices.control_totals import ControlFileRecord, ControlTotal
from invoices.periods import BillingPeriod
from service.store import tables
from service.store.plain import from_json, to_json
from service.store.session import Session


def put_control_file(
    session: Session,
    record: ControlFileRecord,
    *,
    payer_account_id: AccountId,
    period: BillingPeriod,
) -> None:
    """The same file beside the same snapshot again only says when it was last compared."""
    session.merge(
        tables.months.ControlFileRow(
            snapshot_id=record.snapshot_id,
            sha256=record.sha256,
            payer_account_id=payer_account_id,
            period=str(period),
            name=record.name,
            column=record.column,
            compared=record.compared,
            theirs=record.theirs,
            ours=record.ours,
            differing=[to_json(total) for total in record.differing],
            compared_at=record.compared_at,
            compared_by=record.compared_by,
        )
    )
    session.flush()


def control_files(
    session: Session,
    payer_account_id: AccountId,
    period: BillingPeriod,
    *,
    snapshot_id: str,
    is_current: bool,
) -> tuple[ControlFileRecord, ...]:
    """All of a month's, the latest last. Those count which are about the month as it is billed.

    Of several by one column the latest does. What confirms, confirms the `snapshot_id` billed, and
    only while no other was delivered (`is_current`).
    """
    row = tables.months.ControlFileRow
    rows = session.exec(
        select(row)
        .where(col(row.payer_account_id) == payer_account_id, col(row.period) == str(period))
        .order_by(col(row.compared_at), col(row.sha256))
    )
    return _counting(map(_from_row, rows), snapshot_id, is_current=is_current)


def _counting(
    records: Iterable[ControlFileRecord], snapshot_id: str, *, is_current: bool
) -> tuple[ControlFileRecord, ...]:
    every = tuple(records)
    latest = {each.column: each for each in every if each.snapshot_id == snapshot_id}
    return tuple(
        replace(
            each, counts=latest.get(each.column) == each and (is_current or bool(each.differing))
        )
        for each in every
    )


def _from_row(row: tables.months.ControlFileRow) -> ControlFileRecord:
    return ControlFileRecord(
        snapshot_id=row.snapshot_id,
        sha256=row.sha256,
        name=row.name,
        column=row.column,
        compared=row.compared,
        theirs=row.theirs,
        ours=row.ours,
        differing=tuple(from_json(ControlTotal, each) for each in row.differing),
        compared_at=row.compared_at,
        compared_by=row.compared_by,
    )
