"""Owns who may use which role in an account: exactly these, and what follows for the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service.accounts.granting import role_path_of
from service.accounts.links import Grant, LinkSettings, Revocation, powers_to_remove, revoked
from service.actions.note_person import note_person
from service.errors import BadInput
from service.store import clients, grants, onboardings, practices
from service.store.grants import RoleGrant
from service.store.onboardings import Onboarding
from service.store.session import Session


@dataclass(frozen=True, slots=True)
class GrantsChanged:
    granted: tuple[RoleGrant, ...]
    revoked: tuple[Revocation, ...]
    """What each team has to delete from its password manager and profiles."""
    powers_to_remove: tuple[str, ...]
    """Roles that no team holds any more."""


def set_grants(
    session: Session,
    onboarding_id: str,
    wanted: Iterable[tuple[str, str]],
    *,
    actor: str,
    now: datetime,
) -> GrantsChanged:
    """`wanted`: team and role, all that shall hold for the account from now on.

    A role for people trusts one team only, so that nobody else could use its link. Raises
    NoSuchOnboarding, BadInput.
    """
    onboarding = onboardings.onboarding(session, onboarding_id)
    asked = {_checked(onboarding, team, role) for team, role in wanted}
    before = set(grants.living_grants(session, account_id=onboarding.account_id))
    grants.grant(session, asked - before, actor=actor, now=now)
    grants.revoke(session, before - asked, actor=actor, now=now)
    words = ", ".join(f"{each.team}: {each.role}" for each in sorted(asked)) or "nobody"
    note_person(session, onboarding, "set_grants", words=words, actor=actor, now=now)
    shown_before, shown_after = (
        [_shown(session, onboarding, each) for each in sorted(some)] for some in (before, asked)
    )
    practice = practices.practice(session, onboarding.payer_account_id)
    settings = LinkSettings(partition=practice.partition, region=practice.region)
    return GrantsChanged(
        granted=tuple(sorted(asked - before)),
        revoked=revoked(shown_before, shown_after, settings),
        powers_to_remove=powers_to_remove(shown_before, shown_after),
    )


def link_grants(session: Session, *, team: str | None = None) -> tuple[Grant, ...]:
    """Every grant that holds now, as `service.accounts.links.export` takes them."""
    shown = []
    for each in grants.living_grants(session, team=team):
        onboarding = onboardings.onboarding_of(session, each.account_id)
        if onboarding is not None:
            shown.append(_shown(session, onboarding, each))
    return tuple(sorted(shown))


def _checked(onboarding: Onboarding, team: str, role: str) -> RoleGrant:
    specs = {spec.name: spec for spec in onboarding.request.roles if spec.team}
    if role not in specs:
        raise BadInput(
            f"{onboarding.id} has no role {role!r} for people; it has {', '.join(specs)}"
        )
    if specs[role].team != team:
        raise BadInput(f"{role} trusts the team {specs[role].team} only, not {team!r}")
    return RoleGrant(team=team, account_id=onboarding.account_id, role=role)


def _shown(session: Session, onboarding: Onboarding, grant: RoleGrant) -> Grant:
    spec = next(spec for spec in onboarding.request.roles if spec.name == grant.role)
    practice = practices.practice(session, onboarding.payer_account_id)
    names = {str(client.key): client.name for client in clients.clients(session)}
    return Grant(
        team=grant.team,
        client_key=onboarding.request.client_key,
        client_name=names[onboarding.request.client_key],
        account_id=grant.account_id,
        account_name=onboarding.request.account_name,
        role_path=role_path_of(grant.role, practice.bootstrap_role),
        stage=spec.stage,
        session_seconds=spec.session_seconds,
    )
