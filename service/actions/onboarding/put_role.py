"""Owns adding a role to the reseller's catalogue, an uploaded policy among them: judged first."""

from __future__ import annotations

from datetime import datetime

from accounts.model.role_spec import RoleSpec
from kernel.findings import Finding
from service.actions.onboarding.check_roles import check_catalogue_role
from service.store.access import audit
from service.store.accounts import resellers
from service.store.accounts.resellers import Team
from service.store.session import Session


def put_role(session: Session, spec: RoleSpec, *, actor: str, now: datetime) -> tuple[Finding, ...]:
    """The warnings. Raises BadInput with the worst of what may not be written."""
    warnings = check_catalogue_role(
        spec, resellers.resellers(session), own=resellers.own_roles(session)
    )
    changes = resellers.put_role(session, spec)
    if spec.team and spec.team not in {team.key for team in resellers.teams(session)}:
        changes += resellers.put_team(session, Team(spec.team, spec.team))
    for change in changes:
        audit.record(
            session,
            actor=actor,
            action="put_role",
            subject=change.subject,
            before=change.before,
            after=change.after,
            now=now,
        )
    return warnings
