"""Owns the questions about turns: which onboardings are to be moved now, and what is ahead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from accounts.model.lifecycle import ENDED, Stage, WaitKind, has_reached
from accounts.model.organization import OnboardingKind
from service.store import tables
from service.store.accounts import onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session

ON_THE_WAY = tuple(s for s in Stage if not has_reached(s, Stage.LINKED) and s not in ENDED)
"""Asked for, and neither linked nor given up."""


def creations_ahead(session: Session, payer_account_ids: Iterable[str]) -> int:
    """Of these payers: accounts asked for that are neither linked nor given up."""
    row = tables.onboarding.OnboardingRow
    found = sa.select(sa.func.count()).where(
        col(row.payer_account_id).in_(list(payer_account_ids)),
        col(row.kind) == OnboardingKind.CREATE,
        col(row.stage).in_(ON_THE_WAY),
    )
    return session.scalar(found) or 0


def due(session: Session, payer_account_id: str, now: datetime) -> tuple[str, ...]:
    """Ids of what is to be moved now, the longest waiting first."""
    row = tables.onboarding.OnboardingRow
    found = select(row.id).where(
        col(row.payer_account_id) == payer_account_id, col(row.next_at) <= now
    )
    return tuple(session.exec(found.order_by(col(row.next_at), col(row.requested_at), col(row.id))))


def _in_queue() -> sa.ColumnElement[bool]:
    """Creations that wait for no hour, but for AWS to have a hand free."""
    row = tables.onboarding.OnboardingRow
    return sa.and_(
        col(row.next_at).is_(None),
        col(row.kind) == OnboardingKind.CREATE,
        col(row.wait_kind) == WaitKind.WAITING_AWS,
        col(row.stage).in_(ON_THE_WAY),
    )


def queued(session: Session, payer_account_id: str, *, limit: int) -> tuple[str, ...]:
    """Ids of the creations whose turn is next, at most so many: who asked first is first."""
    row = tables.onboarding.OnboardingRow
    found = select(row.id).where(col(row.payer_account_id) == payer_account_id, _in_queue())
    in_order = found.order_by(col(row.requested_at), col(row.id)).limit(max(limit, 0))
    return tuple(session.exec(in_order))


def queued_before(session: Session, onboarding: Onboarding) -> int:
    """How many creations in the queue were asked for before this one."""
    row = tables.onboarding.OnboardingRow
    before = sa.tuple_(col(row.requested_at), col(row.id)) < sa.tuple_(
        sa.literal(onboarding.requested_at), sa.literal(onboarding.id)
    )
    found = sa.select(sa.func.count()).where(
        col(row.payer_account_id) == onboarding.payer_account_id, _in_queue(), before
    )
    return session.scalar(found) or 0


def payers_due(session: Session, now: datetime) -> tuple[str, ...]:
    """Those with a queue, too: whoever freed a place may have died before it was taken."""
    row = tables.onboarding.OnboardingRow
    is_due = sa.or_(col(row.next_at) <= now, _in_queue())
    found = select(row.payer_account_id).where(is_due).distinct()
    return tuple(session.exec(found.order_by(col(row.payer_account_id))))


def wake_written_ahead(session: Session, now: datetime) -> None:
    """What a clock that was ahead wrote waits for a time that may be years away: look at it now."""
    row, event = tables.onboarding.OnboardingRow, tables.onboarding.OnboardingEventRow
    written_ahead = select(event.onboarding_id).where(col(event.at) > now)
    session.execute(
        sa.update(row)
        .where(col(row.next_at) > now, col(row.id).in_(written_ahead))
        .values(next_at=now)
    )


def next_due(session: Session, payer_account_id: str) -> datetime | None:
    """When something is due next; what is in the queue is moved on by what is ahead of it."""
    row = tables.onboarding.OnboardingRow
    return session.scalar(
        sa.select(sa.func.min(row.next_at)).where(col(row.payer_account_id) == payer_account_id)
    )


def creations_in_flight(session: Session, payer_account_id: str) -> int:
    """Creations asked for and not linked yet, as far as we know."""
    row = tables.onboarding.OnboardingRow
    asked = sa.func.jsonb_array_length(row.record["intents"]) > sa.cast(
        row.record["forgiven"].astext,
        sa.Integer,
    )
    found = sa.select(sa.func.count()).where(
        col(row.payer_account_id) == payer_account_id,
        col(row.stage) == Stage.CREATING,
        col(row.account_id) == "",
        sa.func.coalesce(col(row.wait_kind), "") != WaitKind.NEEDS_HUMAN,
        asked,
    )
    return session.scalar(found) or 0


def payer_unfit(session: Session, payer_account_id: str) -> Onboarding | None:
    """One that waits for the payer account to be put in order; until then all others do, too."""
    row = tables.onboarding.OnboardingRow
    found = select(row.id).where(col(row.payer_account_id) == payer_account_id, col(row.stops_all))
    stopped = session.exec(found).first()
    return None if stopped is None else onboardings.onboarding(session, stopped)
