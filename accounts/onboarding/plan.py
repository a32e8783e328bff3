"""Owns the way in: what the next step of an onboarding is, from what is seen and remembered.

The shell repeats: `next_step` -> perform -> `heard` or `entered` -> store, until told to wait.
Facts are made anew on every visit, so what is decided was seen just now; the record is durable.
Only a call with `Send.ONCE` needs its intent stored first (`intended`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from accounts.checks.access_proof import proved, unproved
from accounts.checks.guardrails import budgeted, cost_tag_active, guarded
from accounts.checks.placement import contacts_ours, in_good_standing, in_its_ou, named, tagged
from accounts.checks.roles import (
    as_granted,
    bootstrap_tightened,
    bounded,
    entered,
    roles_placed,
)
from accounts.checks.root_user import root_audited
from accounts.engine.back_off import tempered
from accounts.engine.context import Goal, OnboardingContext
from accounts.model.decision import (
    Decision,
    Done,
    Reach,
)
from accounts.model.lifecycle import Stage, has_reached
from accounts.model.observed import Observed
from accounts.model.organization import OnboardingKind, Reseller
from accounts.model.record import Record
from accounts.model.request import AccountRequest
from accounts.onboarding.creation import created
from accounts.onboarding.invitation import invited, joined, transfer_asked, transferred
from accounts.onboarding.reservation import assigned, organization_fit, reserved
from kernel.findings import Finding

Plan = tuple[tuple[Stage, tuple[Goal, ...]], ...]
"""Each stage, and what has to be so before it is reached, in order."""

_SETTLED = (in_its_ou, tagged, contacts_ours, named)
_GRANTED = (entered, bounded, roles_placed, bootstrap_tightened)
# The door is the client's: where it is not as our template has it, nothing is put behind it.
_LET_IN = (entered, bootstrap_tightened, bounded, roles_placed)
_GUARDED = (root_audited, guarded, budgeted, cost_tag_active, proved)

PLANS: dict[OnboardingKind, Plan] = {
    OnboardingKind.CREATE: (
        (Stage.RESERVED, (reserved,)),
        (Stage.CREATING, (organization_fit,)),
        (Stage.LINKED, (created, assigned)),
        (Stage.IN_OU, _SETTLED),
        (Stage.ROLES_IN_PLACE, _GRANTED),
        (Stage.VERIFIED, _GUARDED),
        (Stage.LIVE, ()),
    ),
    OnboardingKind.INVITE: (
        (Stage.INVITED, (organization_fit, invited)),
        (Stage.LINKED, (joined, assigned)),
        (Stage.IN_OU, _SETTLED),
        (Stage.ROLES_IN_PLACE, _LET_IN),
        (Stage.VERIFIED, _GUARDED),
        (Stage.LIVE, ()),
    ),
    # No organization of ours, no root, no roles but those the client deploys.
    OnboardingKind.BILLING_TRANSFER: (
        (Stage.INVITED, (organization_fit, transfer_asked)),
        (Stage.LINKED, (transferred, assigned)),
        (Stage.VERIFIED, (proved,)),
        (Stage.LIVE, ()),
    ),
}
GRANTED_ANEW: tuple[Goal, ...] = (as_granted, proved)
"""What has to be so again in a live account whose grants a person changed."""


def next_step(
    practice: Reseller, request: AccountRequest, facts: Observed, record: Record, now: datetime
) -> Decision:
    """The one thing to do now, from what is seen and remembered; the same for the same."""
    return tempered(_wanted(OnboardingContext(practice, request, facts, record, now)), record, now)


def plan_of(request: AccountRequest) -> tuple[tuple[Stage, tuple[str, ...]], ...]:
    """The plan in words, for `validate_only` and the steps table."""
    return tuple(
        (stage, tuple(goal.__name__ for goal in goals)) for stage, goals in PLANS[request.kind]
    )


def open_findings(
    practice: Reseller, request: AccountRequest, record: Record
) -> tuple[Finding, ...]:
    """What a person should still look at in an account that is live."""
    return tuple(sorted((*record.findings.values(), *unproved(practice, request))))


def _wanted(scene: OnboardingContext) -> Decision:
    for stage, goals in PLANS[scene.request.kind]:
        if has_reached(scene.record.stage, stage):
            continue
        for goal in (*_always(scene), *goals):
            decision = goal(scene)
            if decision is not None:
                return decision
        return Reach(stage)
    if scene.record.stage is Stage.LIVE and proved(scene) is not None:
        for goal in (*_always(scene), *GRANTED_ANEW):
            decision = goal(scene)
            if decision is not None:
                return decision
    return Done(open_findings(scene.practice, scene.request, scene.record))


def _always(scene: OnboardingContext) -> Iterator[Goal]:
    linked = (
        bool(scene.record.account_id) and scene.request.kind is not OnboardingKind.BILLING_TRANSFER
    )
    if linked:
        yield in_good_standing
