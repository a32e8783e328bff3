"""Owns what a role is asked to be, before it is one of an account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from accounts.model.aws_shapes import PERMISSION_SET, ROLE_DESCRIPTION, ROLE_NAME, check_shape
from kernel.errors import BadInput

Document = dict[str, Any]


class TrustKind(StrEnum):
    """The value is the name of the template's file."""

    HUMAN_MFA = "trust_human_mfa"
    """IAM users of the access account with a fresh MFA, tagged with their team."""
    IDENTITY_CENTER = "trust_identity_center"
    """The roles of one permission set; MFA is enforced in Identity Center or its provider."""
    AUTOMATION = "trust_automation"
    """Our onboarding and offboarding roles, with the client's ExternalId."""
    THIRD_PARTY = "trust_third_party"
    """Another company's account, with the client's ExternalId."""


SESSION_SECONDS_MIN = 3_600


SESSION_SECONDS_MAX = 43_200
MANAGED_MAX = 10
"""IAM User Guide, "IAM and AWS STS quotas": managed policies attached to a role, by default."""
KEPT_BY_AWS = ("awsservicerolefor", "awsreservedsso_")
"""What names of roles begin with that only AWS makes."""

# Of a team: it is a tag's value, and a part of the names of its files.
_TEAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class RoleStage(StrEnum):
    """When in an account's life the role is for."""

    DAY0 = "day0"
    BUILD = "build"
    RUN = "run"
    BILLING = "billing"
    AUTOMATION = "automation"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpec:
    """One entry of the catalogue; `desired_role` makes it a role of one account."""

    name: str
    stage: RoleStage
    purpose: str
    trust: TrustKind
    team: str = ""
    """Who may assume it, where people do."""
    permission_set: str = ""
    third_party_account: str = ""
    policy: str = ""
    """The file of its inline policy."""
    custom: Document | None = None
    """An uploaded policy in place of a file."""
    managed: tuple[str, ...] = ()
    """Names of AWS managed policies."""
    bounded: bool = True
    session_seconds: int = 3_600
    """How long one session lasts at most; AWS cuts a chained one at an hour."""
    mfa_age_seconds: int = 3_600


def check_role(spec: RoleSpec) -> RoleSpec:
    """The entry itself, or BadInput for what AWS or our rules would refuse."""
    _check_texts(spec)
    if not SESSION_SECONDS_MIN <= spec.session_seconds <= SESSION_SECONDS_MAX:
        raise BadInput(f"{spec.name}: a session lasts 1 to 12 hours, not {spec.session_seconds} s")
    if spec.trust is TrustKind.HUMAN_MFA and not spec.team:
        raise BadInput(f"{spec.name}: a role for people needs a team")
    if spec.trust is TrustKind.IDENTITY_CENTER and not spec.permission_set:
        raise BadInput(f"{spec.name}: a role for Identity Center needs a permission set")
    if spec.trust is TrustKind.THIRD_PARTY and not spec.third_party_account:
        raise BadInput(f"{spec.name}: a role for a third party needs its account")
    if spec.policy and spec.custom is not None:
        raise BadInput(f"{spec.name}: give a policy file or an uploaded policy, not both")
    if not (spec.policy or spec.custom or spec.managed):
        raise BadInput(f"{spec.name}: a role without a policy can do nothing")
    if len(spec.managed) > MANAGED_MAX:
        raise BadInput(f"{spec.name}: AWS attaches {MANAGED_MAX} managed policies to a role")
    return spec


def _check_texts(spec: RoleSpec) -> None:
    check_shape(spec.name, ROLE_NAME, what="the name of a role")
    check_shape(spec.purpose, ROLE_DESCRIPTION, what=f"{spec.name}: its purpose")
    if spec.name.lower().startswith(KEPT_BY_AWS):
        raise BadInput(f"{spec.name}: AWS keeps such names for roles that it makes itself")
    if spec.team:
        check_team(spec.team)
    if spec.permission_set:
        check_shape(spec.permission_set, PERMISSION_SET, what=f"{spec.name}: its permission set")


def check_team(team: str) -> str:
    """The key itself, or BadInput."""
    if _TEAM.fullmatch(team) is None:
        raise BadInput(
            f"{team!r} is no key of a team; it has 1 to 64 ASCII letters, digits and _.-, and "
            "begins with a letter or digit"
        )
    return team
