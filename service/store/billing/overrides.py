"""Owns what a person knows better than an export: kinds of line types, and findings waived."""

from __future__ import annotations

from sqlmodel import col, select

from invoices.clients import AccountId
from invoices.inputs import LineType, Waiver
from invoices.periods import BillingPeriod
from service.store import tables
from service.store.changes import Change, put
from service.store.session import Session


def put_line_type(session: Session, line_type: LineType) -> list[Change]:
    row = tables.configuration.LineTypeRow(
        name=line_type.name, start_period=str(line_type.start), kind=line_type.kind
    )
    return put(session, row, f"line type {line_type.name} from {line_type.start}")


def line_types(session: Session, period: BillingPeriod) -> dict[str, LineType]:
    """By name, what is in effect in `period`."""
    row = tables.configuration.LineTypeRow
    rows = session.exec(
        select(row)
        .where(col(row.start_period) <= str(period))
        .order_by(col(row.name), col(row.start_period))
    )
    return {
        each.name: LineType(each.name, BillingPeriod.parse(each.start_period), each.kind)
        for each in rows
    }


def put_waiver(session: Session, waiver: Waiver) -> list[Change]:
    row = tables.configuration.WaiverRow(
        payer_account_id=waiver.payer_account_id,
        period=str(waiver.period),
        code=waiver.code,
        client_key=waiver.client,
        reason=waiver.reason,
    )
    whom = f" of {waiver.client}" if waiver.client else ""
    return put(session, row, f"waiver of {waiver.code}{whom} in {waiver.period}")


def waivers(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> tuple[Waiver, ...]:
    row = tables.configuration.WaiverRow
    rows = session.exec(
        select(row)
        .where(col(row.payer_account_id) == payer_account_id, col(row.period) == str(period))
        .order_by(col(row.code), col(row.client_key))
    )
    return tuple(
        Waiver(payer_account_id, period, each.code, each.client_key, each.reason) for each in rows
    )
