"""Owns the questions about member accounts: where each stands, and what the watch found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlmodel import col, select

from accounts.model.lifecycle import Stage, has_reached
from accounts.model.observed import ObservedAccount
from accounts.model.organization import OnboardingKind
from accounts.monitoring.membership import KnownAccount
from kernel.findings import Finding, Severity
from service.store import standings, tables
from service.store.session import Session

MEMBERS = frozenset({OnboardingKind.CREATE, OnboardingKind.INVITE, OnboardingKind.ADOPT})
"""Where only the bill is ours, the account is a member of another organization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account as the API shows it."""

    id: str
    name: str
    client: str
    """'' while nobody's."""
    state: str
    """The onboarding's word; `live` for one that was there before Rebill."""
    onboarding_id: str = ""
    external_refs: Mapping[str, str] = field(default_factory=dict)
    """The client's."""


def members(
    session: Session,
    now: datetime,
    *,
    client: str | None = None,
    state: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> tuple[Member, ...]:
    """By account id; `after` is the last one seen."""
    everybody = _everybody(now)
    found = sa.select(everybody).order_by(everybody.c.id).limit(limit)
    if client is not None:
        found = found.where(everybody.c.client == client)
    if state is not None:
        found = found.where(everybody.c.state == state)
    if after is not None:
        found = found.where(everybody.c.id > after)
    return tuple(map(_to_member, session.execute(found).mappings()))


def member(
    session: Session, now: datetime, account_id: str, *, client: str | None = None
) -> Member | None:
    """None where there is no such account, or it is not `client`'s."""
    everybody = _everybody(now)
    found = sa.select(everybody).where(everybody.c.id == account_id)
    if client is not None:
        found = found.where(everybody.c.client == client)
    row = session.execute(found).mappings().first()
    return None if row is None else _to_member(row)


def _to_member(row: sa.RowMapping) -> Member:
    return Member(**{**row, "external_refs": row["external_refs"] or {}})


def _everybody(now: datetime) -> sa.Subquery:
    """The columns of Member: whoever is assigned today, listed by AWS or was ever onboarded."""
    day = now.astimezone(UTC).date()
    assigned, listed = tables.configuration.AssignmentRow, tables.onboarding.MemberAccountRow
    named, client = tables.configuration.AccountRow, tables.configuration.ClientRow
    owner = (
        sa.select(col(assigned.account_id), col(assigned.client_key))
        .where(
            col(assigned.starts_on) <= day,
            sa.or_(col(assigned.ends_on).is_(None), col(assigned.ends_on) > day),
        )
        .subquery()
    )
    latest = standings.latest_by_account().subquery()
    everybody = sa.union(
        sa.select(owner.c.account_id),
        sa.select(latest.c.account_id),
        sa.select(col(listed.account_id)),
    ).subquery()
    account_id = everybody.c.account_id
    whose = sa.func.coalesce(owner.c.client_key, latest.c.client_key, "")
    name = sa.func.coalesce(col(listed.name), col(named.name), latest.c.account_name, "")
    return (
        sa.select(
            account_id.label("id"),
            name.label("name"),
            whose.label("client"),
            sa.func.coalesce(latest.c.state, Stage.LIVE.value).label("state"),
            sa.func.coalesce(latest.c.id, "").label("onboarding_id"),
            col(client.external_refs).label("external_refs"),
        )
        .select_from(everybody)
        .outerjoin(owner, owner.c.account_id == account_id)
        .outerjoin(latest, latest.c.account_id == account_id)
        .outerjoin(listed, col(listed.account_id) == account_id)
        .outerjoin(named, col(named.account_id) == account_id)
        .outerjoin(client, col(client.key) == whose)
        .subquery()
    )


def known_accounts(session: Session, payer_account_id: str, now: datetime) -> list[KnownAccount]:
    """What our registry says of the organization's accounts, for the watch."""
    everybody, listed = _everybody(now), tables.onboarding.MemberAccountRow
    brought, onboarding = standings.latest_by_account(), tables.onboarding.OnboardingRow
    linked = brought.where(
        col(onboarding.payer_account_id) == payer_account_id,
        col(onboarding.kind).in_(sorted(MEMBERS)),
        col(onboarding.stage).in_([each for each in Stage if has_reached(each, Stage.LINKED)]),
    ).subquery()
    found = (
        sa.select(
            everybody.c.id.label("account_id"),
            everybody.c.name,
            everybody.c.client.label("client_key"),
            sa.func.coalesce(linked.c.stage, Stage.LIVE.value).label("stage"),
            sa.func.coalesce(col(listed.state), "ACTIVE").label("state"),
        )
        .select_from(everybody)
        .outerjoin(linked, linked.c.account_id == everybody.c.id)
        .outerjoin(listed, col(listed.account_id) == everybody.c.id)
        .where(
            sa.or_(
                linked.c.account_id.is_not(None), col(listed.payer_account_id) == payer_account_id
            )
        )
        .order_by(everybody.c.id)
    )
    return [
        KnownAccount(**{**row, "stage": Stage(row["stage"])})
        for row in session.execute(found).mappings()
    ]


def note_seen(
    session: Session, payer_account_id: str, accounts: Iterable[ObservedAccount], now: datetime
) -> None:
    """The latest list of AWS, whole: what is not on it is no member."""
    row = tables.onboarding.MemberAccountRow
    listed = tuple(accounts)
    ids = [account.account_id for account in listed]
    session.execute(
        sa.delete(row).where(
            col(row.payer_account_id) == payer_account_id, col(row.account_id).not_in(ids)
        )
    )
    for account in listed:
        session.merge(
            row(
                account_id=account.account_id,
                payer_account_id=payer_account_id,
                name=account.name,
                state=account.state,
                seen_at=now,
            )
        )
    session.flush()


def organization_of(session: Session, account_id: str) -> str:
    """The payer whose list of members had the account when it was last looked at; '' for none."""
    row = session.get(tables.onboarding.MemberAccountRow, account_id)
    return "" if row is None else row.payer_account_id


def last_looked(session: Session, payer_account_id: str) -> datetime | None:
    """When the watch last stored what it saw; None before the first time."""
    row = tables.onboarding.MemberAccountRow
    seen = select(sa.func.max(col(row.seen_at))).where(
        col(row.payer_account_id) == payer_account_id
    )
    return session.exec(seen).one()


def put_findings(
    session: Session,
    payer_account_id: str,
    findings: Iterable[Finding],
    now: datetime,
    *,
    looked_at: Callable[[Finding], bool],
) -> None:
    """What was found today; what was found before, was looked at, and is no more, is settled."""
    row = tables.onboarding.AccountFindingRow
    found = {(each.code, each.where): each for each in findings}
    rows = session.exec(select(row).where(col(row.payer_account_id) == payer_account_id)).all()
    stored = {(each.code, each.place): each for each in rows}
    for key, finding in found.items():
        before = stored.get(key)
        open_before = before is not None and before.settled_at is None
        session.merge(
            row(
                payer_account_id=payer_account_id,
                code=finding.code,
                place=finding.where,
                severity=finding.severity,
                message=finding.message,
                found_at=before.found_at if before is not None and open_before else now,
                seen_at=now,
                settled_at=None,
            )
        )
    for key, gone in stored.items():
        if key not in found and gone.settled_at is None and looked_at(_finding(gone)):
            gone.settled_at = now
    session.flush()


def open_findings(session: Session, payer_account_id: str) -> tuple[Finding, ...]:
    row = tables.onboarding.AccountFindingRow
    found = session.exec(
        select(row).where(
            col(row.payer_account_id) == payer_account_id, col(row.settled_at).is_(None)
        )
    )
    return tuple(sorted(map(_finding, found)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingFinding:
    """A finding that stands, as a person is shown it."""

    finding: Finding
    payer_account_id: str
    found_at: datetime
    seen_at: datetime
    """When it was last observed."""

    @property
    def position(self) -> tuple[str, str, str, str]:
        """The worst first."""
        found = self.finding
        return found.severity.value, found.code, self.payer_account_id, found.where


def standing_findings(
    session: Session,
    *,
    payer_account_id: str | None = None,
    after: tuple[str, str, str, str] | None = None,
    limit: int | None = None,
) -> tuple[StandingFinding, ...]:
    """By `position`; `after` is that of the last one seen."""
    row = tables.onboarding.AccountFindingRow
    # The order of `position`, whatever the database's own: that of code points.
    position = [
        sa.cast(column, sa.Text).collate("C")
        for column in (row.severity, row.code, row.payer_account_id, row.place)
    ]
    found = select(row).where(col(row.settled_at).is_(None)).order_by(*position).limit(limit)
    if payer_account_id is not None:
        found = found.where(col(row.payer_account_id) == payer_account_id)
    if after is not None:
        found = found.where(sa.tuple_(*position) > sa.tuple_(*after))
    return tuple(
        StandingFinding(
            finding=_finding(each),
            payer_account_id=each.payer_account_id,
            found_at=each.found_at,
            seen_at=each.seen_at,
        )
        for each in session.exec(found)
    )


def _finding(row: tables.onboarding.AccountFindingRow) -> Finding:
    return Finding(Severity(row.severity), row.code, row.place, row.message)
