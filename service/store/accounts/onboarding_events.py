"""Owns what happened to an onboarding: every call, attempt and word of AWS; it only grows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from service.store import tables
from service.store.session import Session
from service.store.tables.onboarding import EventKind, EventOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`words` hold AWS's own, or ours; never a secret."""

    id: int = 0
    at: datetime
    kind: EventKind
    step: str
    outcome: EventOutcome | None = None
    words: str = ""
    operation: str = ""
    request_id: str = ""
    actor: str = ""


def record(session: Session, onboarding_id: str, event: Event) -> None:
    """Whoever else records of this onboarding waits until this transaction ends.

    PostgreSQL gives an id before its row can be seen: a reader that had seen the later of two would
    never ask for the earlier one: `tests/store/accounts/test_onboarding_events.py`.
    """
    row = tables.onboarding.OnboardingRow
    taken = select(row.id).where(col(row.id) == onboarding_id).with_for_update(key_share=True)
    session.exec(taken).one()
    session.add(
        tables.onboarding.OnboardingEventRow(
            onboarding_id=onboarding_id,
            at=event.at,
            kind=event.kind,
            step=event.step,
            outcome=event.outcome,
            words=event.words,
            operation=event.operation,
            request_id=event.request_id,
            actor=event.actor,
        )
    )


def events(
    session: Session, onboarding_id: str, *, after: int = 0, limit: int | None = None
) -> tuple[Event, ...]:
    """In order; `after` is the id of the last one seen."""
    row = tables.onboarding.OnboardingEventRow
    found = select(row).where(col(row.onboarding_id) == onboarding_id, col(row.id) > after)
    return tuple(map(_from_row, session.exec(found.order_by(col(row.id)).limit(limit))))


def _from_row(row: tables.onboarding.OnboardingEventRow) -> Event:
    assert row.id is not None
    return Event(
        id=row.id,
        at=row.at,
        kind=EventKind(row.kind),
        step=row.step,
        outcome=EventOutcome(row.outcome) if row.outcome else None,
        words=row.words,
        operation=row.operation,
        request_id=row.request_id,
        actor=row.actor,
    )
