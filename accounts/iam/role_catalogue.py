"""Owns the role catalogue: which roles a client's account gets, for whom, and exactly how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from accounts.iam.policy_documents import places_of, policy_file
from accounts.iam.trust_policies import (
    TRUST_NOBODY,
    automation_trust,
    human_trust,
    identity_center_trust,
    third_party_trust,
)
from accounts.model.organization import TAG_CLIENT, TAG_MANAGED, TAG_ONBOARDING, Reseller
from accounts.model.role_spec import Document, RoleSpec, RoleStage, TrustKind
from kernel.errors import BadInput

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.model.request import AccountRequest

ROLE_PATH = "/msp/"
WORKLOAD_PATH = "/workload/"
"""Of identities and policies that our roles may change, pass and become, inside the boundary."""
BOUNDARY_NAME = "MspBoundary"
INLINE_POLICY = "msp"
"""The name of the one inline policy a role of ours has."""


MSP_ADMIN = RoleSpec(
    name="MspAdmin",
    stage=RoleStage.DAY0,
    purpose="Sets the account up; changes no role of ours",
    trust=TrustKind.HUMAN_MFA,
    team="admins",
    managed=("AdministratorAccess",),
    policy="role_admin",
)
MSP_ENGINEER = RoleSpec(
    name="MspEngineer",
    stage=RoleStage.BUILD,
    purpose="Builds workloads; no identities, no billing",
    trust=TrustKind.HUMAN_MFA,
    team="engineers",
    policy="role_engineer",
    session_seconds=4 * 3_600,
    mfa_age_seconds=4 * 3_600,
)
MSP_ON_CALL = RoleSpec(
    name="MspOnCall",
    stage=RoleStage.RUN,
    purpose="Reads the estate, mitigates where the client allows it, talks to AWS support",
    trust=TrustKind.HUMAN_MFA,
    team="oncall",
    policy="role_oncall",
    session_seconds=8 * 3_600,
    mfa_age_seconds=8 * 3_600,
)
MSP_BILLING = RoleSpec(
    name="MspBilling",
    stage=RoleStage.BILLING,
    purpose="Reads cost and usage",
    trust=TrustKind.HUMAN_MFA,
    team="finance",
    policy="role_billing",
    mfa_age_seconds=8 * 3_600,
)
MSP_AUTOMATION = RoleSpec(
    name="MspAutomation",
    stage=RoleStage.AUTOMATION,
    # The boundary forbids touching our own roles, which is this one's work at hand-over.
    purpose="Watches our roles every day, and removes them at hand-over",
    trust=TrustKind.AUTOMATION,
    policy="role_automation",
    bounded=False,
)
CATALOGUE = (MSP_ADMIN, MSP_ENGINEER, MSP_ON_CALL, MSP_BILLING, MSP_AUTOMATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredRole:
    """A role as it should be in one account."""

    name: str
    path: str
    description: str
    trust: Document
    inline: Document | None
    managed_arns: tuple[str, ...]
    boundary_arn: str
    session_seconds: int
    tags: dict[str, str]


def pick_roles(names: Iterable[str], *, extra: Iterable[RoleSpec] = ()) -> tuple[RoleSpec, ...]:
    """Roles by name, in the catalogue's order; `MspAutomation` always. Raises BadInput."""
    known = {spec.name: spec for spec in (*CATALOGUE, *extra)}
    wanted = {MSP_AUTOMATION.name, *names}
    if unknown := sorted(wanted - set(known)):
        raise BadInput(f"no role is called {unknown[0]!r}; there are {', '.join(known)}")
    return tuple(spec for name, spec in known.items() if name in wanted)


def as_deployed(specs: Iterable[RoleSpec]) -> tuple[RoleSpec, ...]:
    """The roles as a client of a billing transfer deploys them: for our automation alone.

    Its account is in no organization of ours, so that nobody's MFA or team could be asked for.
    """
    return tuple(
        replace(spec, trust=TrustKind.AUTOMATION, team="", bounded=False) for spec in specs
    )


def trust_of(
    spec: RoleSpec,
    reseller: Reseller,
    external_id: str,
    *,
    teams: tuple[str, ...] | None = None,
    ends: Mapping[str, datetime] | None = None,
) -> Document:
    """`teams` hold it instead of the catalogue's, some until they end; without any, nobody."""
    held_by = (spec.team,) if teams is None else teams
    if spec.team and not held_by:
        return TRUST_NOBODY
    match spec.trust:
        case TrustKind.HUMAN_MFA:
            return human_trust(
                reseller, teams=held_by, mfa_age_seconds=spec.mfa_age_seconds, ends=ends
            )
        case TrustKind.IDENTITY_CENTER:
            end = (ends or {}).get(spec.team)
            return identity_center_trust(reseller, permission_set=spec.permission_set, end=end)
        case TrustKind.AUTOMATION:
            return automation_trust(reseller, external_id=external_id)
        case TrustKind.THIRD_PARTY:
            return third_party_trust(
                reseller, account_id=spec.third_party_account, external_id=external_id
            )


def desired_role(
    spec: RoleSpec, reseller: Reseller, request: AccountRequest, account_id: str
) -> DesiredRole:
    """A role of people that no team holds trusts nobody and may do nothing: sessions end, too."""
    teams = request.teams_of(spec)
    closed = bool(spec.team) and not teams
    managed = () if closed else spec.managed
    return DesiredRole(
        name=spec.name,
        path=ROLE_PATH,
        description=spec.purpose,
        trust=trust_of(
            spec, reseller, request.external_id, teams=teams, ends=request.ends.get(spec.name)
        ),
        inline=None if closed else inline_policy(spec, reseller, account_id),
        managed_arns=tuple(f"arn:{reseller.partition}:iam::aws:policy/{m}" for m in managed),
        boundary_arn=boundary_arn(reseller, account_id) if spec.bounded else "",
        session_seconds=spec.session_seconds,
        tags=tags_of(request),
    )


def inline_policy(spec: RoleSpec, reseller: Reseller, account_id: str) -> Document | None:
    if spec.custom is not None:
        return spec.custom
    if not spec.policy:
        return None
    return policy_file(spec.policy, **places_of(reseller), account=account_id)


def tags_of(request: AccountRequest) -> dict[str, str]:
    return {
        TAG_CLIENT: request.client_key,
        TAG_MANAGED: "true",
        TAG_ONBOARDING: request.onboarding_id,
    }


def role_arn(reseller: Reseller, account_id: str, role: str) -> str:
    """`role` with its path and no leading slash: `msp/MspAdmin`, or the bootstrap role's name."""
    return f"arn:{reseller.partition}:iam::{account_id}:role/{role}"


def boundary_arn(reseller: Reseller, account_id: str) -> str:
    return f"arn:{reseller.partition}:iam::{account_id}:policy{ROLE_PATH}{BOUNDARY_NAME}"


def boundary_document(reseller: Reseller) -> Document:
    return policy_file("boundary", **places_of(reseller))
