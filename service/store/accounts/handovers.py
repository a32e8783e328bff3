"""Owns the questions about hand-overs: what was asked, who approved what, and the final invoice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from accounts.model.handover import Handover, HandoverKind
from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from service.store import tables
from service.store.access.second_person import check_second_person
from service.store.accounts import grants
from service.store.accounts.onboardings import Onboarding
from service.store.billing import months
from service.store.session import Session

CLOSED_FOR = timedelta(days=90)
"""AWS deletes a closed account so much later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHandover:
    """A hand-over as it stands; `asked` is what the next decision is made from."""

    id: int
    onboarding_id: str
    asked: Handover
    asked_at: datetime
    ended_at: datetime | None


def add(session: Session, onboarding_id: str, asked: Handover, now: datetime) -> int:
    row = tables.onboarding.HandoverRow(
        onboarding_id=onboarding_id,
        exit=asked.exit,
        client_email=asked.client_email,
        client_contact=dict(asked.client_contact),
        ends_at=asked.ends_at,
        codes={},
        asked_by=asked.asked_by,
        asked_at=now,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def living_handover(session: Session, onboarding: Onboarding) -> StoredHandover | None:
    row = tables.onboarding.HandoverRow
    found = select(row).where(col(row.onboarding_id) == onboarding.id, col(row.ended_at).is_(None))
    living = session.exec(found.execution_options(populate_existing=True)).first()
    return None if living is None else _from_row(session, living, onboarding)


def handovers(session: Session, onboarding: Onboarding) -> tuple[StoredHandover, ...]:
    """The latest last."""
    row = tables.onboarding.HandoverRow
    found = select(row).where(col(row.onboarding_id) == onboarding.id).order_by(col(row.id))
    return tuple(_from_row(session, each, onboarding) for each in session.exec(found))


def approve(
    session: Session, handover: StoredHandover, item: str, *, approver: str, now: datetime
) -> None:
    """Twice is once. Raises SamePerson."""
    check_second_person(asked_by=handover.asked.asked_by, approver=approver)
    session.merge(
        tables.onboarding.HandoverApprovalRow(
            handover_id=handover.id,
            item=item,
            asked_by=handover.asked.asked_by,
            approved_by=approver,
            approved_at=now,
        )
    )
    session.flush()


def abort(session: Session, handover: StoredHandover, *, actor: str) -> None:
    session.get_one(tables.onboarding.HandoverRow, handover.id).aborted_by = actor
    session.flush()


def end(session: Session, handover: StoredHandover, now: datetime) -> None:
    row = session.get_one(tables.onboarding.HandoverRow, handover.id)
    row.ended_at, row.codes = now, {}
    session.flush()


def give_code(session: Session, handover: StoredHandover, item: str, code: str) -> None:
    row = session.get_one(tables.onboarding.HandoverRow, handover.id, with_for_update=True)
    row.codes = {**row.codes, item: code}
    session.flush()


def codes(session: Session, handover: StoredHandover) -> dict[str, str]:
    """Those that AWS has not answered yet, by item."""
    row = session.get_one(tables.onboarding.HandoverRow, handover.id, populate_existing=True)
    return dict(row.codes)


def spend_code(session: Session, handover: StoredHandover, item: str, code: str) -> None:
    """AWS has answered it. Another one that was given meanwhile stays."""
    row = session.get_one(tables.onboarding.HandoverRow, handover.id, with_for_update=True)
    row.codes = {key: each for key, each in row.codes.items() if (key, each) != (item, code)}
    session.flush()


def _from_row(
    session: Session, row: tables.onboarding.HandoverRow, onboarding: Onboarding
) -> StoredHandover:
    assert row.id is not None
    return StoredHandover(
        id=row.id,
        onboarding_id=row.onboarding_id,
        asked=Handover(
            request=onboarding.request,
            exit=HandoverKind(row.exit),
            asked_by=row.asked_by,
            approvals=_approvals(session, row.id),
            client_email=row.client_email,
            client_contact=row.client_contact,
            registered_roles=grants.registered_roles(session, onboarding.account_id),
            ends_at=row.ends_at,
            asked_at=row.asked_at,
            aborted=row.aborted_by is not None,
            final_invoice_issued=_final_invoice_issued(session, row, onboarding),
        ),
        asked_at=row.asked_at,
        ended_at=row.ended_at,
    )


def _approvals(session: Session, handover_id: int) -> Mapping[str, str]:
    row = tables.onboarding.HandoverApprovalRow
    found = session.exec(select(row).where(col(row.handover_id) == handover_id))
    return {each.item: each.approved_by for each in found}


def _final_invoice_issued(
    session: Session, row: tables.onboarding.HandoverRow, onboarding: Onboarding
) -> bool:
    """The last month, and the next, with which AWS bills late what was used in the last days."""
    if onboarding.departed_at is None:
        return False
    last = BillingPeriod.of(_billed_until(row, onboarding.departed_at).astimezone(UTC).date())
    return all(_is_settled(session, onboarding, period) for period in (last, last.next))


def _billed_until(row: tables.onboarding.HandoverRow, departed_at: datetime) -> datetime:
    """A closed account runs up bills of commitments and subscriptions until AWS deletes it."""
    if row.ends_at is not None:
        return row.ends_at
    return departed_at + CLOSED_FOR if row.exit == HandoverKind.CLOSE else departed_at


def _is_settled(session: Session, onboarding: Onboarding, period: BillingPeriod) -> bool:
    """The client's document is issued, or AWS's final bill asks nothing of the client."""
    payer, client = AccountId(onboarding.payer_account_id), onboarding.request.client_key
    row = tables.documents.DocumentRow
    issued = sa.select(sa.func.count()).where(
        col(row.payer_account_id) == payer,
        col(row.client_key) == client,
        col(row.period) == str(period),
    )
    if session.scalar(issued):
        return True
    try:
        is_final = months.billed_snapshot(session, payer, period).finalized
        bearers = {each.client for each in months.figures(session, payer, period).clients}
    except months.NotBilled:
        return False
    return is_final and (client not in bearers or _owes_nothing(session, payer, client, period))


def _owes_nothing(session: Session, payer: AccountId, client: str, period: BillingPeriod) -> bool:
    """A month of 0.00 of a client that gets no document then."""
    row = tables.months.DraftRow
    found = sa.select(sa.func.count()).where(
        col(row.payer_account_id) == payer,
        col(row.client_key) == client,
        col(row.period) == str(period),
        col(row.state) == tables.months.DraftState.NO_DOCUMENT,
        col(row.total_minor) == 0,
    )
    return bool(session.scalar(found))
