"""Owns the questions about grants that wait for a second person: asked for, approved, withdrawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from kernel.errors import NotFound
from service.store import tables
from service.store.access.second_person import check_second_person
from service.store.accounts.grants import RoleGrant
from service.store.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantProposal:
    grant: RoleGrant
    asked_by: str
    asked_at: datetime


class NoProposal(NotFound):
    def __init__(self, grant: RoleGrant) -> None:
        super().__init__(
            f"nobody asked for {grant.role} in {grant.account_id} for {grant.team}: "
            "grant it first, as another person"
        )


def propose(session: Session, grants: Iterable[RoleGrant], *, actor: str, now: datetime) -> None:
    """Twice is once: the first one who asked stays the one who asked."""
    for each in sorted(grants):
        session.execute(
            insert(tables.onboarding.GrantProposalRow)
            .values(
                team_key=each.team,
                account_id=each.account_id,
                role_name=each.role,
                until=each.until,
                asked_by=actor,
                asked_at=now,
            )
            .on_conflict_do_nothing()
        )


def living_proposals(session: Session, account_id: str | None = None) -> tuple[GrantProposal, ...]:
    """By account, role and team."""
    row = tables.onboarding.GrantProposalRow
    found = select(row).where(col(row.decided_at).is_(None))
    if account_id is not None:
        found = found.where(col(row.account_id) == account_id)
    ordered = found.order_by(col(row.account_id), col(row.role_name), col(row.team_key))
    return tuple(
        GrantProposal(
            grant=RoleGrant(
                team=each.team_key,
                account_id=each.account_id,
                role=each.role_name,
                until=each.until,
            ),
            asked_by=each.asked_by,
            asked_at=each.asked_at,
        )
        for each in session.exec(ordered)
    )


def approve(session: Session, grant: RoleGrant, *, approver: str, now: datetime) -> None:
    """Raises NoProposal, SamePerson."""
    found = [
        each for each in living_proposals(session, grant.account_id) if each.grant == grant
    ]  # fmt: skip
    if not found:
        raise NoProposal(grant)
    check_second_person(asked_by=found[0].asked_by, approver=approver)
    _decide(session, grant, approved_by=approver, decided_at=now)


def withdraw(session: Session, grants: Iterable[RoleGrant], *, actor: str, now: datetime) -> None:
    for each in sorted(grants):
        _decide(session, each, withdrawn_by=actor, decided_at=now)


def _decide(session: Session, grant: RoleGrant, **decided: object) -> None:
    row = tables.onboarding.GrantProposalRow
    session.execute(
        sa.update(row)
        .where(
            col(row.team_key) == grant.team,
            col(row.account_id) == grant.account_id,
            col(row.role_name) == grant.role,
            col(row.decided_at).is_(None),
        )
        .values(**decided)
    )
