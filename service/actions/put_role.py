"""Owns adding a role to the practice's catalogue, an uploaded policy among them: judged first."""

from __future__ import annotations

from datetime import datetime

from service.accounts.findings import Finding, Severity
from service.accounts.roles import CATALOGUE, RoleSpec, check_role
from service.actions.check_roles import findings_of
from service.errors import BadInput
from service.store import audit, practices
from service.store.practices import Team
from service.store.session import Session

EXTERNAL_ID_LIKE = "msp-00000000000000000000000000000000"


def put_role(session: Session, spec: RoleSpec, *, actor: str, now: datetime) -> tuple[Finding, ...]:
    """The warnings. Raises BadInput with the worst of what may not be written."""
    if spec.name in {shipped.name for shipped in CATALOGUE}:
        raise BadInput(f"{spec.name} is a role of the shipped catalogue; give another name")
    check_role(spec)
    findings = {
        finding
        for practice in practices.practices(session)
        for finding in findings_of(spec, practice, EXTERNAL_ID_LIKE)
    }
    for finding in sorted(findings):
        if finding.severity is Severity.CRITICAL:
            raise BadInput(f"{finding.where}: {finding.message}")
    changes = practices.put_role(session, spec)
    if spec.team and spec.team not in {team.key for team in practices.teams(session)}:
        changes += practices.put_team(session, Team(spec.team, spec.team))
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
    return tuple(sorted(findings))
