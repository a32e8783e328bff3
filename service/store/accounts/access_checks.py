"""Owns the questions about checks of access: who asked, and which role let in whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.errors import NotFound
from service.store import queue, tables
from service.store.accounts.onboardings import Onboarding
from service.store.plain import from_json, to_json
from service.store.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCheck:
    """One AssumeRole: as it should be, or not, with AWS's words."""

    role_arn: str
    expected: str
    """`allowed` or `refused`."""
    is_as_expected: bool
    aws_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessCheck:
    id: int
    account_id: str
    onboarding_id: str
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    results: tuple[RoleCheck, ...]


class NoSuchCheck(NotFound):
    def __init__(self, check_id: int) -> None:
        super().__init__(f"there is no check of access {check_id}")


def add_check(session: Session, onboarding: Onboarding, *, actor: str, now: datetime) -> int:
    row = tables.requests.AccessCheckRow(
        account_id=onboarding.account_id,
        onboarding_id=onboarding.id,
        asked_by=actor,
        asked_at=now,
        results=[],
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    queue.enqueue_access_check(session, row.id)
    return row.id


def access_check(session: Session, check_id: int) -> AccessCheck:
    """Raises NoSuchCheck."""
    row = session.get(tables.requests.AccessCheckRow, check_id, populate_existing=True)
    if row is None:
        raise NoSuchCheck(check_id)
    return AccessCheck(
        id=check_id,
        account_id=row.account_id,
        onboarding_id=row.onboarding_id,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        finished_at=row.finished_at,
        results=tuple(from_json(RoleCheck, each) for each in row.results),
    )


def end_check(session: Session, check_id: int, results: Sequence[RoleCheck], now: datetime) -> None:
    row = session.get_one(tables.requests.AccessCheckRow, check_id)
    row.results, row.finished_at = [to_json(each) for each in results], now
    session.flush()
