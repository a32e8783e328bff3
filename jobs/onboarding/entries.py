"""Owns the entries of an onboarding in our store: each in the transaction that remembers it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime

from accounts.checks.roles import role_path_of
from accounts.iam.role_catalogue import role_arn
from accounts.model.decision import (
    Adopt,
    Assign,
    Call,
    Entry,
    Reach,
    Reserve,
    RevokeGrants,
    Unassign,
)
from accounts.model.lifecycle import Stage
from accounts.model.observed import ObservedAccount
from accounts.model.organization import OnboardingKind, Reseller
from invoices.clients import AccountId
from service.store.access import audit
from service.store.accounts import grants, onboardings, resellers
from service.store.accounts.grants import RoleGrant
from service.store.accounts.onboardings import Onboarding
from service.store.accounts.resellers import Team
from service.store.billing import assignments, clients
from service.store.changes import Change
from service.store.session import Session


def make_entry(
    session: Session,
    reseller: Reseller,
    onboarding: Onboarding,
    entry: Entry,
    *,
    account: ObservedAccount | None,
    now: datetime,
) -> None:
    """Repeatable; `account` as last seen. Raises OverlappingAssignments, AlreadyOnboarded."""
    changes: Iterable[Change] = ()
    match entry:
        case Reserve(email=email, account_name=name):
            onboardings.reserve(session, onboarding, email=email, account_name=name)
        case Adopt(account_id=account_id):
            _take_on(session, onboarding, account, now)
            _register_first_roles(session, reseller, onboarding, account_id, now)
        case Assign(account_id=account_id, from_on=day):
            changes = _assign(session, onboarding, account_id, day)
        case Unassign(account_id=account_id, until_on=day):
            changes = _unassign(session, onboarding, account_id, day)
        case RevokeGrants(account_id=account_id):
            living = grants.living_grants(session, account_id=account_id)
            grants.revoke(session, living, actor=onboarding.id, now=now)
        case Reach(stage=Stage.LIVE) if onboarding.live_at is None:
            name = _name_on_documents(onboarding, account.name if account else "")
            changes = clients.put_account_name(session, AccountId(onboarding.account_id), name)
            _grant_roles(session, onboarding, now)
        case Reach(stage=Stage.CANCELLED):
            onboardings.release(session, onboarding)
        case Reach():
            pass
    for change in changes:
        audit.record(
            session,
            actor=f"onboarding {onboarding.id}",
            action=type(entry).__name__.lower(),
            subject=change.subject,
            before=change.before,
            after=change.after,
            now=now,
        )


def _take_on(
    session: Session, onboarding: Onboarding, account: ObservedAccount | None, now: datetime
) -> None:
    """A member already, as it is found: a creation of ours may still be looking for it."""
    request = onboarding.request
    if request.kind is not OnboardingKind.ADOPT:
        return
    assert account is not None, "what is adopted was seen"
    onboardings.check_email_free(session, onboarding, account.email)
    onboardings.put_request(session, onboarding, replace(request, email=account.email))
    audit.record(
        session,
        actor=f"onboarding {onboarding.id}",
        action="adopt",
        subject=f"account {account.account_id}",
        after={
            "client": request.client_key,
            "name": account.name,
            "email": account.email,
            "state": account.state,
            "joined_at": account.joined_at.isoformat(),
            "consented_by": request.consented_by,
        },
        now=now,
    )


def _name_on_documents(onboarding: Onboarding, seen: str) -> str:
    """A client's own account has a name; ours may still be shown by that of its creation."""
    asked = onboarding.request.account_name
    return asked if onboarding.request.kind is OnboardingKind.CREATE else seen or asked


def _assign(
    session: Session, onboarding: Onboarding, account_id: str, day: date
) -> Iterable[Change]:
    client_key = onboarding.request.client_key
    if onboarding.request.kind is OnboardingKind.ADOPT:
        day = assignments.free_from(session, account_id, client_key, day)
    return assignments.assign(session, account_id, client_key, day)


def _unassign(
    session: Session, onboarding: Onboarding, account_id: str, day: date
) -> Iterable[Change]:
    """Nothing where the account came back: whose it is then is its later onboarding's to say."""
    latest = onboardings.onboarding_of(session, account_id)
    if latest is not None and latest.id != onboarding.id:
        return ()
    return assignments.unassign(session, account_id, day)


def register_role(
    session: Session, reseller: Reseller, onboarding: Onboarding, call: Call, now: datetime
) -> None:
    """Before a role is made, so that at hand-over none is forgotten."""
    path, name = call.arguments["Path"].strip("/"), call.arguments["RoleName"]
    arn = role_arn(reseller, onboarding.account_id, f"{path}/{name}" if path else name)
    _register(session, onboarding, arn, onboarding.account_id, now)


def _register_first_roles(
    session: Session, reseller: Reseller, onboarding: Onboarding, account_id: str, now: datetime
) -> None:
    """The bootstrap role; of a billing transfer the roles that its client deploys."""
    names = [reseller.bootstrap_role]
    if onboarding.request.kind is OnboardingKind.BILLING_TRANSFER:
        names = [spec.name for spec in onboarding.request.roles]
    for name in names:
        arn = role_arn(reseller, account_id, role_path_of(name, reseller.bootstrap_role))
        _register(session, onboarding, arn, account_id, now)


def _register(
    session: Session, onboarding: Onboarding, arn: str, account_id: str, now: datetime
) -> None:
    grants.register_role(session, arn, account_id=account_id, onboarding_id=onboarding.id, now=now)


def _grant_roles(session: Session, onboarding: Onboarding, now: datetime) -> None:
    """The teams that a role's trust names may use it; nobody else could."""
    wanted = [
        RoleGrant(team=team, account_id=onboarding.account_id, role=spec.name)
        for spec in onboarding.request.roles
        for team in onboarding.request.teams_of(spec)
    ]
    there = {team.key for team in resellers.teams(session)}
    for team in sorted({each.team for each in wanted} - there):
        resellers.put_team(session, Team(team, team))
    grants.grant(session, wanted, actor=f"onboarding {onboarding.id}", now=now)
