"""Owns the questions about who may enter which account: grants, and every role ever registered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from accounts.model.lifecycle import Stage
from service.store import standings, tables
from service.store.session import Session


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class RoleGrant:
    """`team` may use `role` in the account, `until` then."""

    team: str
    account_id: str
    role: str
    until: datetime | None = None


def living_grants(
    session: Session,
    *,
    account_id: str | None = None,
    team: str | None = None,
    client: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> tuple[RoleGrant, ...]:
    """`client`: of accounts whose latest onboarding is its.

    `limit` counts by account, role and team; `after` is the last one seen, as `account|role|team`.
    """
    row = tables.onboarding.RoleGrantRow
    place = sa.func.concat_ws("|", row.account_id, row.role_name, row.team_key).collate("C")
    found = select(row).where(col(row.revoked_at).is_(None)).order_by(place).limit(limit)
    if client is not None:
        latest = standings.latest_by_account().subquery()
        found = found.join(latest, latest.c.account_id == col(row.account_id))
        found = found.where(latest.c.client_key == client)
    if after is not None:
        found = found.where(place > after)
    if account_id is not None:
        found = found.where(col(row.account_id) == account_id)
    if team is not None:
        found = found.where(col(row.team_key) == team)
    return tuple(
        sorted(
            RoleGrant(
                team=each.team_key,
                account_id=each.account_id,
                role=each.role_name,
                until=each.until,
            )
            for each in session.exec(found)
        )
    )


def accounts_with_ended(session: Session, now: datetime) -> tuple[str, ...]:
    """Live accounts where a grant holds whose time is over."""
    row, latest = tables.onboarding.RoleGrantRow, standings.latest_by_account().subquery()
    found = select(row.account_id).join(latest, latest.c.account_id == col(row.account_id))
    found = found.where(
        col(row.revoked_at).is_(None), col(row.until) <= now, latest.c.stage == Stage.LIVE.value
    )
    return tuple(session.exec(found.distinct().order_by(col(row.account_id))))


def grant(session: Session, grants: Iterable[RoleGrant], *, actor: str, now: datetime) -> None:
    """Twice is once. The team must be there."""
    row = tables.onboarding.RoleGrantRow
    for each in sorted(grants):
        session.execute(
            insert(row)
            .values(
                team_key=each.team,
                account_id=each.account_id,
                role_name=each.role,
                until=each.until,
                granted_by=actor,
                granted_at=now,
            )
            .on_conflict_do_nothing()
        )


def revoke(session: Session, grants: Iterable[RoleGrant], *, actor: str, now: datetime) -> None:
    row = tables.onboarding.RoleGrantRow
    for each in sorted(grants):
        session.execute(
            sa.update(row)
            .where(
                col(row.team_key) == each.team,
                col(row.account_id) == each.account_id,
                col(row.role_name) == each.role,
                col(row.revoked_at).is_(None),
            )
            .values(revoked_by=actor, revoked_at=now)
        )


def register_role(
    session: Session, role_arn: str, *, account_id: str, onboarding_id: str, now: datetime
) -> None:
    """Before it is made, so that no role of ours is ever unknown."""
    session.execute(
        insert(tables.onboarding.RegisteredRoleRow)
        .values(
            role_arn=role_arn,
            account_id=account_id,
            onboarding_id=onboarding_id,
            registered_at=now,
        )
        .on_conflict_do_nothing()
    )


def registered_roles(session: Session, account_id: str) -> tuple[str, ...]:
    """ARNs of every role of ours that was ever to be made in the account."""
    row = tables.onboarding.RegisteredRoleRow
    found = select(row.role_arn).where(col(row.account_id) == account_id)
    return tuple(session.exec(found.order_by(col(row.role_arn))))
