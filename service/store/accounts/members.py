"""Owns the questions about member accounts: where each stands, and what the watch found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlmodel import col, select

from accounts.model.lifecycle import Stage
from accounts.model.observed import ObservedAccount
from accounts.model.organization import OnboardingKind
from accounts.monitoring.membership import KnownAccount
from kernel.findings import Finding, Severity
from service.store import tables
from service.store.accounts import onboardings
from service.store.billing import clients
from service.store.session import Session

MEMBERS = frozenset({OnboardingKind.CREATE, OnboardingKind.INVITE})
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


def members(
    session: Session,
    now: datetime,
    *,
    client: str | None = None,
    state: str | None = None,
    after: str | None = None,
    limit: int = 500,
) -> tuple[Member, ...]:
    """By account id; `after` is the last one seen."""
    everybody = sorted(_members(session, now), key=lambda member: member.id)
    return tuple(
        member
        for member in everybody
        if client in (None, member.client)
        and state in (None, member.state)
        and (after is None or member.id > after)
    )[:limit]


def _members(session: Session, now: datetime) -> Iterable[Member]:
    today = now.astimezone(UTC).date()
    names = clients.account_names(session)
    owners = {a.account_id: a.client for a in clients.assignments_on(session, today)}
    seen = _seen(session)
    latest: dict[str, onboardings.Onboarding] = {}
    for each in sorted(onboardings.onboardings(session, limit=1_000_000), key=_when):
        if each.account_id:
            latest[each.account_id] = each
    for account_id in {*owners, *seen, *latest}:
        own = latest.get(account_id)
        row = seen.get(account_id)
        name = row.name if row else names.get(account_id, own.request.account_name if own else "")  # type: ignore[call-overload]  # ids are text
        yield Member(
            id=account_id,
            name=name,
            client=str(owners.get(account_id, own.request.client_key if own else "")),  # type: ignore[call-overload]  # ids are text
            state=own.state if own else Stage.LIVE.value,
            onboarding_id=own.id if own else "",
        )


def _when(onboarding: onboardings.Onboarding) -> tuple[datetime, str]:
    return onboarding.requested_at, onboarding.id


def _seen(session: Session) -> Mapping[str, tables.onboarding.MemberAccountRow]:
    rows = session.exec(select(tables.onboarding.MemberAccountRow))
    return {row.account_id: row for row in rows}


def known_accounts(session: Session, payer_account_id: str, now: datetime) -> list[KnownAccount]:
    """What our registry says of the organization's accounts, for the watch."""
    seen = _seen(session)
    stages = {
        each.account_id: each.stage
        for each in sorted(
            onboardings.onboardings(session, payer_account_id=payer_account_id, limit=1_000_000),
            key=_when,
        )
        if each.account_id and each.is_linked and each.request.kind in MEMBERS
    }
    before = {a for a, row in seen.items() if row.payer_account_id == payer_account_id}
    return [
        KnownAccount(
            account_id=member.id,
            name=member.name,
            client_key=member.client,
            stage=stages.get(member.id, Stage.LIVE),
            state=seen[member.id].state if member.id in seen else "ACTIVE",
        )
        for member in members(session, now, limit=1_000_000)
        if member.id in stages or member.id in before
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
    """When it was last seen to be so."""

    @property
    def position(self) -> tuple[str, str, str, str]:
        """The worst first."""
        found = self.finding
        return found.severity.value, found.code, self.payer_account_id, found.where


def standing_findings(
    session: Session,
    *,
    payer_account_id: str | None = None,
    after: tuple[str, ...] | None = None,
    limit: int = 1_000_000,
) -> tuple[StandingFinding, ...]:
    """By `position`; `after` is that of the last one seen."""
    row = tables.onboarding.AccountFindingRow
    found = (
        StandingFinding(
            finding=_finding(each),
            payer_account_id=each.payer_account_id,
            found_at=each.found_at,
            seen_at=each.seen_at,
        )
        for each in session.exec(select(row).where(col(row.settled_at).is_(None)))
        if payer_account_id in (None, each.payer_account_id)
    )
    in_order = sorted(found, key=lambda each: each.position)
    return tuple(each for each in in_order if after is None or each.position > after)[:limit]


def _finding(row: tables.onboarding.AccountFindingRow) -> Finding:
    return Finding(Severity(row.severity), row.code, row.place, row.message)
