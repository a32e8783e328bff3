"""Owns the difference between the roles an account should have and those it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts.aws.calls import write_identity
from accounts.iam.policy_documents import same_policy, to_text
from accounts.iam.role_catalogue import BOUNDARY_NAME, INLINE_POLICY, ROLE_PATH, DesiredRole
from accounts.iam.trust_policies import TRUST_NOBODY, without_teams
from accounts.model.decision import Call, Session
from accounts.model.lifecycle import Stage, has_reached
from accounts.model.observed import Observed, ObservedPolicy, ObservedRole
from accounts.model.organization import TAG_MANAGED, TAG_ONBOARDING, OnboardingKind
from accounts.model.request import AccountRequest, Consent
from accounts.model.role_spec import Document

POLICY_VERSIONS_MAX = 5


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as it should be, and the one call that makes it so."""

    role: str
    what: str
    repair: Call
    seen: ObservedRole | None
    """None where the role is missing."""


def drift(desired: DesiredRole, observed: Observed, session: Session) -> tuple[Drift, ...]:
    """What differs, in the order of repair; needs `roles` and `session_seconds` of the facts."""
    seen = find_role(observed, desired.name)
    if seen is None:
        repair = write_identity(
            session, "create_role", "CreateRole", desired.name, **_creation_arguments(desired)
        )
        return (Drift(desired.name, "the role is missing", repair, None),)
    differences = (
        *_body_drift(desired, seen, observed, session),
        *_inline_drift(desired, seen, session),
        *_managed_drift(desired, seen, session),
    )
    found = tuple(Drift(desired.name, what, repair, seen) for what, repair in differences)
    # Shut first and opened last: nobody is let in to half a role, and it is known for shut by us.
    return found[::-1] if same_policy(seen.trust, TRUST_NOBODY) else found


def find_role(observed: Observed, name: str) -> ObservedRole | None:
    return next((role for role in observed.roles or () if role.name == name), None)


def is_ours(seen: ObservedRole) -> bool:
    """By path and tag; a role of the same name without them belongs to the client."""
    return seen.path == ROLE_PATH and seen.tags.get(TAG_MANAGED) == "true"


def is_repairable(request: AccountRequest, stage: Stage, difference: Drift) -> bool:
    """A role of an invited account is the client's to change, once we have placed it.

    Until then we may finish what this very onboarding began.
    """
    if request.kind is OnboardingKind.CREATE or Consent.REPAIR_ROLES in request.consents:
        return True
    seen = difference.seen
    if has_reached(stage, Stage.ROLES_IN_PLACE):
        return seen is not None and _is_whom_it_lets_in(request, difference, seen)
    return seen is None or seen.tags.get(TAG_ONBOARDING) == request.onboarding_id


def _is_whom_it_lets_in(request: AccountRequest, difference: Drift, seen: ObservedRole) -> bool:
    """Whom of us our own role lets in is ours to say: shut, opened again, or other teams named."""
    teams = request.teams.get(difference.role)
    if teams is not None and (not teams or same_policy(seen.trust, TRUST_NOBODY)):
        return True
    if difference.repair.operation != "UpdateAssumeRolePolicy":
        return False
    desired = json.loads(difference.repair.arguments["PolicyDocument"])
    return same_policy(without_teams(seen.trust), without_teams(desired))


def write_boundary(
    *, arn: str, document: Document, seen: ObservedPolicy | None, session: Session
) -> Call | None:
    """The call that brings the permissions boundary to its text; IAM keeps five versions."""
    if seen is None:
        return write_identity(
            session,
            "create_boundary",
            "CreatePolicy",
            "",
            PolicyName=BOUNDARY_NAME,
            Path=ROLE_PATH,
            PolicyDocument=to_text(document),
            Tags=[{"Key": TAG_MANAGED, "Value": "true"}],
        )
    if same_policy(seen.document, document):
        return None
    # AWS drops none by itself (API reference, `CreatePolicyVersion`); the last of the list is the
    # oldest that is not the default.
    if len(seen.version_ids) >= POLICY_VERSIONS_MAX:
        return write_identity(
            session,
            "drop_boundary_version",
            "DeletePolicyVersion",
            "",
            PolicyArn=arn,
            VersionId=seen.version_ids[-1],
        )
    return write_identity(
        session,
        "update_boundary",
        "CreatePolicyVersion",
        "",
        PolicyArn=arn,
        PolicyDocument=to_text(document),
        SetAsDefault=True,
    )


def write_trust(session: Session, role: str, trust: Document) -> Call:
    return write_identity(
        session,
        "update_trust",
        "UpdateAssumeRolePolicy",
        role,
        RoleName=role,
        PolicyDocument=to_text(trust),
    )


def write_tags(session: Session, role: str, tags: dict[str, str]) -> Call:
    return write_identity(session, "tag_role", "TagRole", role, RoleName=role, Tags=_tag_list(tags))


def _creation_arguments(desired: DesiredRole) -> dict[str, Any]:
    boundary = {"PermissionsBoundary": desired.boundary_arn} if desired.boundary_arn else {}
    return {
        "Path": desired.path,
        "RoleName": desired.name,
        "AssumeRolePolicyDocument": to_text(desired.trust),
        "Description": desired.description,
        "MaxSessionDuration": desired.session_seconds,
        "Tags": _tag_list(desired.tags),
        **boundary,
    }


_Differences = Iterator[tuple[str, Call]]


def _body_drift(
    desired: DesiredRole, seen: ObservedRole, observed: Observed, session: Session
) -> _Differences:
    name = desired.name
    if not same_policy(seen.trust, desired.trust):
        yield "its trust is another", write_trust(session, name, desired.trust)
    seconds = (observed.session_seconds or {}).get(name)
    if seconds != desired.session_seconds:
        yield (
            f"its sessions last {seconds} s, not {desired.session_seconds} s",
            write_identity(
                session,
                "update_role",
                "UpdateRole",
                name,
                RoleName=name,
                Description=desired.description,
                MaxSessionDuration=desired.session_seconds,
            ),
        )
    if seen.boundary_arn != desired.boundary_arn:
        yield "its permissions boundary is another", _boundary_repair(desired, session)
    if any(seen.tags.get(key) != value for key, value in desired.tags.items()):
        yield "its tags are others", write_tags(session, name, desired.tags)


def _boundary_repair(desired: DesiredRole, session: Session) -> Call:
    name = desired.name
    if not desired.boundary_arn:
        return write_identity(
            session, "drop_bound", "DeleteRolePermissionsBoundary", name, RoleName=name
        )
    return write_identity(
        session,
        "put_bound",
        "PutRolePermissionsBoundary",
        name,
        RoleName=name,
        PermissionsBoundary=desired.boundary_arn,
    )


def _inline_drift(desired: DesiredRole, seen: ObservedRole, session: Session) -> _Differences:
    name = desired.name
    has = seen.inline.get(INLINE_POLICY)
    if desired.inline is not None and (has is None or not same_policy(has, desired.inline)):
        yield (
            "its policy is another",
            write_identity(
                session,
                "put_role_policy",
                "PutRolePolicy",
                name,
                RoleName=name,
                PolicyName=INLINE_POLICY,
                PolicyDocument=to_text(desired.inline),
            ),
        )
    wanted = {INLINE_POLICY} if desired.inline is not None else set()
    for extra in sorted(set(seen.inline) - wanted):
        yield (
            f"it has the policy {extra}, which is not ours",
            write_identity(
                session,
                "delete_role_policy",
                "DeleteRolePolicy",
                f"{name}/{extra}",
                RoleName=name,
                PolicyName=extra,
            ),
        )


def _managed_drift(desired: DesiredRole, seen: ObservedRole, session: Session) -> _Differences:
    name, wanted = desired.name, frozenset(desired.managed_arns)
    changes = (
        *(
            ("lacks", "attach_policy", "AttachRolePolicy", arn)
            for arn in wanted - seen.managed_arns
        ),
        *(("has", "detach_policy", "DetachRolePolicy", arn) for arn in seen.managed_arns - wanted),
    )
    for verb, step, operation, arn in sorted(changes):
        subject = f"{name}/{arn}"
        call = write_identity(session, step, operation, subject, RoleName=name, PolicyArn=arn)
        yield f"it {verb} the policy {arn}", call


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
