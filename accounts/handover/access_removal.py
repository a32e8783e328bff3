"""Owns the end of our access: roles removed, the bootstrap role closed, its loss proved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from accounts.aws.calls import assume_role, write_identity
from accounts.aws.reads import read_roles
from accounts.checks.access_proof import IAM_DELAY_MAX, probe_user
from accounts.checks.role_drift import is_ours, write_trust
from accounts.checks.roles import SESSION_SECONDS
from accounts.handover.context import HandoverContext
from accounts.iam.role_catalogue import boundary_arn
from accounts.iam.trust_policies import TRUST_NOBODY
from accounts.model.decision import (
    Actor,
    Call,
    Decision,
    NeedsHuman,
    RevokeGrants,
    Session,
    Wait,
)
from accounts.model.handover import HandoverKind
from accounts.model.lifecycle import WaitKind
from accounts.model.observed import ObservedRole


def ensure_roles_removed(context: HandoverContext) -> Decision | None:
    """Every role of ours, known by path and tag, then the boundary; by the bootstrap role."""
    observed, member = context.observed, context.member
    if observed.roles is None or observed.policies is None:
        return read_roles(member)
    for role in sorted(observed.roles, key=lambda role: role.name):
        if is_ours(role):
            for call in _removal(role, member):
                if call.key not in observed.written:
                    return call
    arn = boundary_arn(context.reseller, context.account_id)
    for policy in observed.policies:
        if policy.arn == arn and not any(
            role.boundary_arn == arn for role in _roles_of_client(context)
        ):
            for call in _policy_removal(arn, policy.version_ids[1:], member):
                if call.key not in observed.written:
                    return call
    return read_roles(member) if observed.written else None


def _roles_of_client(context: HandoverContext) -> Iterator[ObservedRole]:
    """Roles of the client's that were made within our boundary keep it; it limits, no more."""
    return (role for role in context.observed.roles or () if not is_ours(role))


def _removal(role: ObservedRole, session: Session) -> Iterator[Call]:
    # IAM deletes no role that still has policies (API reference, `DeleteRole`).
    for arn in sorted(role.managed_arns):
        yield write_identity(
            session, "detach_policy", "DetachRolePolicy", f"{role.name}/{arn}",
            RoleName=role.name, PolicyArn=arn,
        )  # fmt: skip
    for name in sorted(role.inline):
        yield write_identity(
            session, "delete_role_policy", "DeleteRolePolicy", f"{role.name}/{name}",
            RoleName=role.name, PolicyName=name,
        )  # fmt: skip
    yield write_identity(session, "delete_role", "DeleteRole", role.name, RoleName=role.name)


def _policy_removal(arn: str, versions: tuple[str, ...], session: Session) -> Iterator[Call]:
    for version in versions:
        yield write_identity(
            session, "drop_boundary_version", "DeletePolicyVersion", version,
            PolicyArn=arn, VersionId=version,
        )  # fmt: skip
    yield write_identity(session, "delete_boundary", "DeletePolicy", "", PolicyArn=arn)


def ensure_bootstrap_role_closed(context: HandoverContext) -> Decision | None:
    """The bootstrap role changes its own trust to nobody; then the client may delete it.

    A role cannot delete itself: it would take away its own right to, first.
    """
    name, member = context.reseller.bootstrap_role, context.member
    call = replace(write_trust(member, name, TRUST_NOBODY), step="shut_last_door", batch=False)
    trouble = context.record.troubles.get(call.key)
    # Once the trust is closed, a repeated write is refused: that refusal says that it is done.
    shut_out = trouble is not None and trouble.refusal.code in (
        "AccessDenied", "AccessDeniedException", "NoSuchEntity",
    )  # fmt: skip
    return None if shut_out or call.key in context.record.done else call


def ensure_access_lost(context: HandoverContext) -> Decision | None:
    """Departed is not without access: a role's trust outlives membership. So each is tried."""
    handover = context.handover
    # A trust names our account, not our organization: `tests/unit/sandbox_aws/test_handshakes.py`,
    # `test_after_departure_our_role_still_works_until_somebody_deletes_it`.
    for arn in sorted({*handover.registered_roles, *_bootstrap_role(context)}):
        call = _probe(context, arn)
        if call.key in context.record.proofs:
            continue
        if (
            call.subject in context.observed.probes
            and context.observed.probes[call.subject] is None
        ):
            if context.now - context.record.troubles[call.key].first_at < IAM_DELAY_MAX:
                return Wait(
                    kind=WaitKind.WAITING_AWS,
                    reason=f"the role {arn} lets us in yet; IAM takes a minute or two",
                    again_at=context.now + timedelta(seconds=10),
                )
            return NeedsHuman(
                reason=f"the role {arn} still lets us in",
                what_to_do="have the client delete it, then retry",
            )
        return call
    return None


def _bootstrap_role(context: HandoverContext) -> tuple[str, ...]:
    return (
        ()
        if context.handover.exit is HandoverKind.END_BILLING
        else (context.onboarding.bootstrap_arn,)
    )


def _probe(context: HandoverContext, arn: str) -> Call:
    """As the one the role was for: a person with MFA, where a probe user stands for the team."""
    request, session = context.handover.request, context.payer_session
    session_name = request.onboarding_id
    external_id: dict[str, Any] = {"ExternalId": request.external_id}
    name = arn.rsplit("/", 1)[-1]
    teams = [team for spec in request.roles if spec.name == name for team in request.teams_of(spec)]
    stood_for = [team for team in teams if team in context.reseller.probe_teams]
    # The first of the request, not of a set: each process has its own order of a set, and a retry
    # elsewhere would try the same role as another person.
    for team in stood_for[:1]:
        session = Session(actor=Actor.PERSON_WITH_MFA, team=team)
        session_name, external_id = probe_user(team), {}
    return assume_role(
        "prove_no_access",
        role_arn=arn,
        session_name=session_name,
        seconds=SESSION_SECONDS,
        subject=arn,
        session=session,
        expects_refusal=True,
        **external_id,
    )


def ensure_grants_revoked(context: HandoverContext) -> Decision | None:
    return None if context.record.grants_revoked else RevokeGrants(context.account_id)
