"""Owns the way in: what the next step of an onboarding is, from what is seen and remembered.

The shell repeats: `next_step` -> perform -> `record_answer` or `apply_entry` -> store, until it has
to wait. `Observed` is made anew on every visit, so a decision rests on what was seen just now; the
record is durable. Only a call with `Send.ONCE` needs its intent stored first (`record_intent`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from accounts.checks.access_proof import ensure_proved, is_any_proved, unproved_findings
from accounts.checks.first_role import ensure_aws_door_shut, ensure_first_role_placed
from accounts.checks.placement import ensure_in_good_standing, ensure_named
from accounts.checks.roles import ensure_as_granted, ensure_entered
from accounts.checks.root_user import ensure_root_audited
from accounts.checks.settings import DOOR, SETTINGS, goals_of
from accounts.engine.back_off import with_back_off
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
from accounts.onboarding.adoption import ensure_adopted
from accounts.onboarding.creation import ensure_created
from accounts.onboarding.invitation import (
    ensure_invited,
    ensure_joined,
    ensure_transfer_asked,
    ensure_transferred,
)
from accounts.onboarding.reservation import (
    ensure_assigned,
    ensure_organization_fit,
    ensure_reserved,
)
from kernel.findings import Finding

Plan = tuple[tuple[Stage, tuple[Goal, ...]], ...]
"""Each stage, and what has to be so before it is reached, in order."""

# What is set, and watched from then on, is one list: `checks.settings`.
_SETTLED = (*goals_of(Stage.IN_OU), ensure_named)
_GRANTED = (ensure_entered, *goals_of(Stage.ROLES_IN_PLACE))
# The bootstrap role is the client's: unless it is as our template has it, nothing else is placed.
_LET_IN = (ensure_entered, DOOR.goal, *(g for g in _GRANTED[1:] if g is not DOOR.goal))
# Where AWS made a first role, ours is made by it, and then AWS's lets nobody in.
_TAKEN_OVER = (ensure_first_role_placed, *_LET_IN, ensure_aws_door_shut)
_GUARDED = (ensure_root_audited, *goals_of(Stage.VERIFIED), ensure_proved)

PLANS: dict[OnboardingKind, Plan] = {
    OnboardingKind.CREATE: (
        (Stage.RESERVED, (ensure_reserved,)),
        (Stage.CREATING, (ensure_organization_fit,)),
        (Stage.LINKED, (ensure_created, ensure_assigned)),
        (Stage.IN_OU, _SETTLED),
        (Stage.ROLES_IN_PLACE, _GRANTED),
        (Stage.VERIFIED, _GUARDED),
        (Stage.LIVE, ()),
    ),
    OnboardingKind.INVITE: (
        (Stage.INVITED, (ensure_organization_fit, ensure_invited)),
        (Stage.LINKED, (ensure_joined, ensure_assigned)),
        (Stage.IN_OU, _SETTLED),
        (Stage.ROLES_IN_PLACE, _LET_IN),
        (Stage.VERIFIED, _GUARDED),
        (Stage.LIVE, ()),
    ),
    OnboardingKind.ADOPT: (
        (Stage.LINKED, (ensure_organization_fit, ensure_adopted, ensure_assigned)),
        (Stage.IN_OU, _SETTLED),
        (Stage.ROLES_IN_PLACE, _TAKEN_OVER),
        (Stage.VERIFIED, _GUARDED),
        (Stage.LIVE, ()),
    ),
    # No organization of ours, no root, no roles but those the client deploys.
    OnboardingKind.BILLING_TRANSFER: (
        (Stage.INVITED, (ensure_organization_fit, ensure_transfer_asked)),
        (Stage.LINKED, (ensure_transferred, ensure_assigned)),
        (Stage.VERIFIED, (ensure_proved,)),
        (Stage.LIVE, ()),
    ),
}
GRANTED_ANEW: tuple[Goal, ...] = (ensure_as_granted, ensure_proved)
"""What has to be so again in a live account whose grants a person changed."""
REPAIRED: tuple[Goal, ...] = (*(setting.goal for setting in SETTINGS), ensure_proved)
"""What has to be so again where a person asks for it: our own files may have changed since."""


def next_step(
    reseller: Reseller, request: AccountRequest, observed: Observed, record: Record, now: datetime
) -> Decision:
    """The one thing to do now, from what is seen and remembered; the same for the same."""
    return with_back_off(
        _decide(OnboardingContext(reseller, request, observed, record, now)), record, now
    )


def plan_of(request: AccountRequest) -> tuple[tuple[Stage, tuple[str, ...]], ...]:
    """The plan in words, for `validate_only` and the steps table: what is ensured, in order."""
    return tuple(
        (stage, tuple(goal.__name__.removeprefix("ensure_") for goal in goals))
        for stage, goals in PLANS[request.kind]
    )


def open_findings(
    reseller: Reseller, request: AccountRequest, record: Record
) -> tuple[Finding, ...]:
    """What a person should still look at in an account that is live."""
    return tuple(sorted((*record.findings.values(), *unproved_findings(reseller, request))))


def _decide(context: OnboardingContext) -> Decision:
    for stage, goals in PLANS[context.request.kind]:
        if has_reached(context.record.stage, stage):
            continue
        for goal in (*_always(context), *goals):
            decision = goal(context)
            if decision is not None:
                return decision
        return Reach(stage)
    if context.record.stage is Stage.LIVE and ensure_proved(context) is not None:
        for goal in (*_always(context), *_again(context)):
            decision = goal(context)
            if decision is not None:
                return decision
    return Done(open_findings(context.reseller, context.request, context.record))


def _again(context: OnboardingContext) -> tuple[Goal, ...]:
    is_member = context.request.kind is not OnboardingKind.BILLING_TRANSFER
    return REPAIRED if is_member and not is_any_proved(context.record) else GRANTED_ANEW


def _always(context: OnboardingContext) -> Iterator[Goal]:
    linked = (
        bool(context.record.account_id)
        and context.request.kind is not OnboardingKind.BILLING_TRANSFER
    )
    if linked:
        yield ensure_in_good_standing
