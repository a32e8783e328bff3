"""Owns the one list of what onboarding sets in AWS and the daily look compares.

An onboarding brings each about, in order; the watch asks the same goals, and tells instead of
writing. So nothing is set that is not watched: `tests/jobs/monitoring/test_settings.py` damages
each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.checks.guardrails import ensure_budgeted, ensure_cost_tag_active, ensure_guarded
from accounts.checks.placement import (
    ensure_contacts_ours,
    ensure_in_its_ou,
    ensure_tagged,
)
from accounts.checks.roles import (
    ensure_bootstrap_tightened,
    ensure_bounded,
    ensure_roles_placed,
)
from accounts.engine.context import Goal, OnboardingContext
from accounts.model.lifecycle import Stage
from accounts.model.organization import TAG_CLIENT, TAG_ONBOARDING
from kernel.findings import Severity

Words = Callable[[OnboardingContext], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing that onboarding sets, and what the daily look says where it is another."""

    goal: Goal
    stage: Stage
    """Not reached before it is so."""
    code: str
    """Of the finding."""
    words: Words | None = None
    """None: the look compares it piece by piece (`role_findings`, `guard_findings`)."""
    severity: Severity = Severity.CRITICAL
    is_of_payer: bool = False
    """One for all accounts of the organization."""


def _place(context: OnboardingContext) -> str:
    return (
        f"is in {context.observed.parent_id}, not in the clients' OU "
        f"{context.reseller.client_ou_id}: see who moved it, and retry its onboarding"
    )


def _tags(context: OnboardingContext) -> str:
    seen = context.observed.account_tags or {}
    said = ", ".join(f"{key}={seen.get(key, '')!r}" for key in (TAG_CLIENT, TAG_ONBOARDING))
    return (
        f"its tags are {said}, not {context.request.client_key!r} and "
        f"{context.request.onboarding_id!r}: see who changed them, and retry its onboarding"
    )


def _contacts(context: OnboardingContext) -> str:
    """The first that differs: the others are not looked at then."""
    wanted, seen = context.reseller.contacts, context.observed.contacts
    other = next(kind.lower() for kind in wanted if kind in seen and seen[kind] != wanted[kind])
    return f"AWS writes to another {other} contact than ours: retry its onboarding"


def _door(context: OnboardingContext) -> str:
    name = context.reseller.bootstrap_role
    return (
        f"the role {name} is gone, or its trust or tags are others than ours: see who changed it, "
        "and retry its onboarding"
    )


def _budget(_: OnboardingContext) -> str:
    return "its budget is gone, or of another amount: retry its onboarding"


def _cost_tag(_: OnboardingContext) -> str:
    return f"the tag {TAG_CLIENT} is no longer active for cost allocation: retry an onboarding"


PLACE = Setting(goal=ensure_in_its_ou, stage=Stage.IN_OU, code="account_moved", words=_place)
TAGS = Setting(goal=ensure_tagged, stage=Stage.IN_OU, code="account_tags_changed", words=_tags)
CONTACTS = Setting(
    goal=ensure_contacts_ours, stage=Stage.IN_OU, code="contacts_changed", words=_contacts
)
BOUNDARY = Setting(goal=ensure_bounded, stage=Stage.ROLES_IN_PLACE, code="boundary_drift")
ROLES = Setting(goal=ensure_roles_placed, stage=Stage.ROLES_IN_PLACE, code="role_drift")
DOOR = Setting(
    goal=ensure_bootstrap_tightened, stage=Stage.ROLES_IN_PLACE, code="door_changed", words=_door
)
GUARDS = Setting(goal=ensure_guarded, stage=Stage.VERIFIED, code="guard_detached")
BUDGET = Setting(
    goal=ensure_budgeted,
    stage=Stage.VERIFIED,
    code="budget_changed",
    words=_budget,
    severity=Severity.WARNING,
)
COST_TAG = Setting(
    goal=ensure_cost_tag_active,
    stage=Stage.VERIFIED,
    code="cost_tag_off",
    words=_cost_tag,
    severity=Severity.WARNING,
    is_of_payer=True,
)
SETTINGS = (PLACE, TAGS, CONTACTS, BOUNDARY, ROLES, DOOR, GUARDS, BUDGET, COST_TAG)


def goals_of(stage: Stage) -> tuple[Goal, ...]:
    """What has to be set before the stage is reached, in order."""
    return tuple(setting.goal for setting in SETTINGS if setting.stage is stage)
