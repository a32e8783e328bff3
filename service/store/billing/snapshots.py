"""Owns the questions about snapshots: which charge summary a payer's month is billed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, func, select

from invoices.clients import AccountId
from invoices.inputs import ExportLimits
from invoices.periods import BillingPeriod
from kernel.errors import Refused
from kernel.findings import Finding
from service.store import tables
from service.store.plain import from_json, to_json
from service.store.session import Session


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`facts` is what `rebill ingest --json` prints; `id` finds the charges' file."""

    id: str
    payer_account_id: AccountId
    period: BillingPeriod
    dialect: str
    source_rows: int
    finalized: bool
    facts: Mapping[str, Any]
    findings: tuple[Finding, ...]

    @property
    def limits(self) -> ExportLimits:
        """A snapshot of an older version tells of none: ingest it again."""
        facts = self.facts
        return ExportLimits(
            facts.get("unanswerable", {}),
            facts.get("unmatchable", {}),
            facts.get("row_ends_unknown", ""),
            facts.get("on_demand_unknown", {}),
        )


@dataclass(frozen=True, slots=True)
class DeliveryLook:
    """What was at an export for a month: nothing yet, a delivery, or trouble in words."""

    period: BillingPeriod
    location: str
    delivery: str = ""
    """Another for other files."""
    trouble: str = ""
    is_steady: bool = False
    """The same as at the look before."""


@dataclass(frozen=True, slots=True)
class DeliveryWatch:
    """Of a payer's exports, by the schedule."""

    is_stopped: bool = False
    looked_at: datetime | None = None
    looks: tuple[DeliveryLook, ...] = ()


class NoSnapshot(Refused):
    def __init__(self, payer_account_id: str, period: BillingPeriod) -> None:
        super().__init__(
            f"payer account {payer_account_id} has no export of {period} here: ingest it first"
        )


def delivery_watch(session: Session, payer_account_id: AccountId) -> DeliveryWatch:
    row = session.get(tables.months.DeliveryWatchRow, payer_account_id)
    if row is None:
        return DeliveryWatch()
    looks = tuple(from_json(DeliveryLook, each) for each in row.looks)
    return DeliveryWatch(row.is_stopped, row.looked_at, looks)


def note_looks(
    session: Session,
    payer_account_id: AccountId,
    looks: Iterable[DeliveryLook],
    now: datetime,
) -> None:
    row = _watch_row(session, payer_account_id)
    row.looks, row.looked_at = [to_json(each) for each in looks], now
    session.add(row)


def stop_watch(session: Session, payer_account_id: AccountId, *, is_stopped: bool) -> bool:
    """Or start it again; whether it was otherwise before."""
    row = _watch_row(session, payer_account_id)
    was, row.is_stopped = row.is_stopped, is_stopped
    session.add(row)
    return was != is_stopped


def _watch_row(session: Session, payer_account_id: AccountId) -> tables.months.DeliveryWatchRow:
    row = tables.months.DeliveryWatchRow
    known = session.get(row, payer_account_id, with_for_update=True)
    return known or row(payer_account_id=payer_account_id, is_stopped=False, looks=[])


def put_snapshot(session: Session, snapshot: Snapshot, now: datetime) -> bool:
    """Make it the current one of its payer's month; whether it was new."""
    current_since = _after_all_others(session, snapshot, now)
    known = session.get(tables.months.SnapshotRow, snapshot.id)
    if known is not None:
        assert known.period == str(snapshot.period), "one content cannot be of two months"
        known.current_since = current_since
        # Equal charges may come of other files, whose columns say more or less.
        known.facts = dict(snapshot.facts)
        known.findings = [to_json(finding) for finding in snapshot.findings]
        known.finalized = snapshot.finalized
        session.add(known)
        return False
    session.add(
        tables.months.SnapshotRow(
            id=snapshot.id,
            payer_account_id=snapshot.payer_account_id,
            period=str(snapshot.period),
            dialect=snapshot.dialect,
            source_rows=snapshot.source_rows,
            finalized=snapshot.finalized,
            facts=dict(snapshot.facts),
            findings=[to_json(finding) for finding in snapshot.findings],
            ingested_at=now,
            current_since=current_since,
        )
    )
    session.flush()
    return True


def _after_all_others(session: Session, snapshot: Snapshot, now: datetime) -> datetime:
    """Two ingests in one instant, or a clock set back, leave no doubt which came last."""
    row = tables.months.SnapshotRow
    latest = session.exec(
        select(func.max(row.current_since)).where(
            col(row.payer_account_id) == snapshot.payer_account_id,
            col(row.period) == str(snapshot.period),
        )
    ).one()
    return now if latest is None else max(now, latest + timedelta(microseconds=1))


def current_snapshot(session: Session, payer_account_id: str, period: BillingPeriod) -> Snapshot:
    """The one that the latest ingest gave. Raises NoSnapshot."""
    row = tables.months.SnapshotRow
    found = session.exec(
        select(row)
        .where(col(row.payer_account_id) == payer_account_id, col(row.period) == str(period))
        .order_by(col(row.current_since).desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        raise NoSnapshot(payer_account_id, period)
    return _from_row(found)


def snapshot(session: Session, snapshot_id: str) -> Snapshot:
    return _from_row(session.get_one(tables.months.SnapshotRow, snapshot_id))


def current_since(session: Session, snapshot_id: str) -> datetime:
    """When an ingest last gave this snapshot."""
    return session.get_one(tables.months.SnapshotRow, snapshot_id).current_since


def payers_with_snapshot(session: Session, period: BillingPeriod) -> tuple[AccountId, ...]:
    row = tables.months.SnapshotRow
    found = session.exec(select(row.payer_account_id).where(col(row.period) == str(period)))
    return tuple(sorted(map(AccountId, set(found))))


def periods_of(session: Session, payer_account_id: AccountId) -> tuple[BillingPeriod, ...]:
    """Of which there are charges, latest first."""
    row = tables.months.SnapshotRow
    found = session.exec(
        select(row.period).where(col(row.payer_account_id) == payer_account_id).distinct()
    )
    return tuple(BillingPeriod.parse(each) for each in sorted(found, reverse=True))


def _from_row(row: tables.months.SnapshotRow) -> Snapshot:
    return Snapshot(
        id=row.id,
        payer_account_id=AccountId(row.payer_account_id),
        period=BillingPeriod.parse(row.period),
        dialect=row.dialect,
        source_rows=row.source_rows,
        finalized=row.finalized,
        facts=row.facts,
        findings=from_findings(row.findings),
    )


def from_findings(plain: Iterable[Mapping[str, Any]]) -> tuple[Finding, ...]:
    return tuple(from_json(Finding, each) for each in plain)
