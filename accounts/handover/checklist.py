"""Owns the way out: the ordered checklist of a hand-over, its approvals, its dry run, its undoing.

Recovery comes first: an account that leaves before its client can sign in as root is locked.
Everything before the account leaves can be undone, and is when the hand-over is aborted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from accounts.checks.access_proof import ensure_proved
from accounts.checks.guardrails import ensure_guarded
from accounts.checks.placement import ensure_contacts_ours
from accounts.checks.roles import ensure_bounded, ensure_roles_placed
from accounts.checks.root_user import ensure_root_audited
from accounts.engine.back_off import with_back_off
from accounts.engine.context import OnboardingContext
from accounts.handover.access_removal import (
    ensure_access_lost,
    ensure_bootstrap_role_closed,
    ensure_grants_revoked,
    ensure_roles_removed,
)
from accounts.handover.context import HandoverContext, HandoverGoal
from accounts.handover.dependencies import (
    ensure_dependencies_asked,
    ensure_dependencies_settled,
    ensure_no_delegated_services,
    ensure_stacks_kept,
)
from accounts.handover.root_recovery import (
    ensure_contact_information_given,
    ensure_password_recovery_allowed,
    ensure_phone_verified,
    ensure_root_email_given,
    ensure_root_signed_in,
)
from accounts.handover.separation import (
    ensure_client_administrator,
    ensure_closed,
    ensure_contacts_given_back,
    ensure_evidence_exported,
    ensure_final_invoice_issued,
    ensure_handover_approved,
    ensure_membership_ended,
    ensure_membership_guard_lifted,
    ensure_removed,
    ensure_root_guard_lifted,
    ensure_suspended,
    ensure_taken_by_client,
    ensure_transfer_ended,
    ensure_unassigned,
)
from accounts.model.decision import Call, Decision, Done, NeedsHuman, Reach, Send
from accounts.model.handover import Handover, HandoverKind, is_same_person
from accounts.model.lifecycle import Stage, has_reached
from accounts.model.observed import Observed
from accounts.model.organization import Reseller
from accounts.model.record import Record
from accounts.model.request import Consent

_ALL = frozenset(HandoverKind)
_OUT = frozenset({HandoverKind.TRANSFER, HandoverKind.STANDALONE})
_MEMBER = _OUT | {HandoverKind.CLOSE}


@dataclass(frozen=True, slots=True)
class HandoverTask:
    """One line of the checklist."""

    key: str
    title: str
    goal: HandoverGoal
    before: Stage
    """The stage that is not reached without it."""
    exits: frozenset[HandoverKind] = _ALL
    dangerous: bool = False
    """No write of it is sent before a second person approved it."""


_LEFT = Stage.DEPARTED
_BILLED = Stage.AWAITING_FINAL_INVOICE

# An account that was created here may never have had root credentials, and without its mailbox
# nobody gets in any more: `tests/unit/accounts/handover/test_checklist.py`,
# `test_the_checklist_gives_recovery_before_it_takes_anything`.
CHECKLIST: tuple[HandoverTask, ...] = (
    HandoverTask(
        "delegated",
        "It administers no service for us",
        ensure_no_delegated_services,
        _LEFT,
        _MEMBER,
    ),
    HandoverTask(
        "stack_sets", "No StackSet deletes what it made there", ensure_stacks_kept, _LEFT, _OUT
    ),
    HandoverTask(
        "scan", "AWS was asked what else depends on us", ensure_dependencies_asked, _LEFT, _MEMBER
    ),
    HandoverTask(
        "approval",
        "A second person approves the hand-over",
        ensure_handover_approved,
        _LEFT,
    ),
    HandoverTask(
        "root_guard",
        "The guard on root use is lifted",
        ensure_root_guard_lifted,
        _LEFT,
        _OUT,
        dangerous=True,
    ),
    HandoverTask(
        "root_email",
        "The client owns the root e-mail",
        ensure_root_email_given,
        _LEFT,
        _OUT,
        dangerous=True,
    ),
    HandoverTask(
        "contact", "The contact is the client's", ensure_contact_information_given, _LEFT, _OUT
    ),
    HandoverTask(
        "phone",
        "The client's phone is verified",
        ensure_phone_verified,
        _LEFT,
        frozenset({HandoverKind.STANDALONE}),
    ),
    HandoverTask(
        "recovery",
        "The root password can be recovered",
        ensure_password_recovery_allowed,
        _LEFT,
        _OUT,
    ),
    HandoverTask(
        "root_sign_in", "The client signed in as root, with MFA", ensure_root_signed_in, _LEFT, _OUT
    ),
    HandoverTask(
        "client_admin",
        "The client has an administrator of its own",
        ensure_client_administrator,
        _LEFT,
        _OUT,
    ),
    HandoverTask(
        "evidence", "Cost history and invoices are exported", ensure_evidence_exported, _LEFT
    ),
    HandoverTask(
        "dependencies", "Nothing depends on us", ensure_dependencies_settled, _LEFT, _MEMBER
    ),
    HandoverTask(
        "contacts", "The client's contacts are back", ensure_contacts_given_back, _LEFT, _OUT
    ),
    HandoverTask(
        "roles",
        "Our roles but the first are removed",
        ensure_roles_removed,
        _LEFT,
        _MEMBER,
        dangerous=True,
    ),
    HandoverTask(
        "membership_guard",
        "The guard on membership is lifted",
        ensure_membership_guard_lifted,
        _LEFT,
        _OUT,
        dangerous=True,
    ),
    HandoverTask(
        "leave",
        "The client accepts another organization",
        ensure_taken_by_client,
        _LEFT,
        frozenset({HandoverKind.TRANSFER}),
    ),
    HandoverTask(
        "remove",
        "The account is removed",
        ensure_removed,
        _LEFT,
        frozenset({HandoverKind.STANDALONE}),
        dangerous=True,
    ),
    HandoverTask(
        "close",
        "The account is closed",
        ensure_closed,
        _LEFT,
        frozenset({HandoverKind.CLOSE}),
        dangerous=True,
    ),
    HandoverTask(
        "end_transfer",
        "The billing transfer ends",
        ensure_transfer_ended,
        _LEFT,
        frozenset({HandoverKind.END_BILLING}),
        dangerous=True,
    ),
    HandoverTask(
        "last_door", "Our first role lets nobody in", ensure_bootstrap_role_closed, _BILLED, _MEMBER
    ),
    HandoverTask(
        "closed",
        "AWS has closed the account",
        ensure_suspended,
        _BILLED,
        frozenset({HandoverKind.CLOSE}),
    ),
    HandoverTask("no_access", "Every role of ours refuses us", ensure_access_lost, _BILLED),
    HandoverTask("links", "Nobody has a link any more", ensure_grants_revoked, _BILLED),
    HandoverTask(
        "final_invoice", "The final invoice is issued", ensure_final_invoice_issued, Stage.ARCHIVED
    ),
    HandoverTask("assignment", "The account is nobody's", ensure_unassigned, Stage.ARCHIVED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunLine:
    """What a hand-over would do, in order; nothing was sent."""

    key: str
    title: str
    dangerous: bool
    approved_by: str = ""


def checklist(exit_: HandoverKind) -> tuple[HandoverTask, ...]:
    return tuple(item for item in CHECKLIST if exit_ in item.exits)


def dry_run(handover: Handover) -> tuple[DryRunLine, ...]:
    return tuple(
        DryRunLine(
            key=item.key,
            title=item.title,
            dangerous=item.dangerous,
            approved_by=handover.approvals.get(item.key, ""),
        )
        for item in checklist(handover.exit)
    )


def next_handover_step(
    reseller: Reseller,
    handover: Handover,
    observed: Observed,
    record: Record,
    now: datetime,
    *,
    codes: dict[str, str] | None = None,
) -> Decision:
    """The one thing to do now. `codes`: one-time codes the client read out, by item; not stored."""
    context = HandoverContext(reseller, handover, observed, record, now, codes or {})
    wanted = _restore(context) if _can_be_aborted(context) else _decide(context)
    return with_back_off(wanted, record, now)


def _stages(exit_: HandoverKind) -> tuple[Stage, ...]:
    left = Stage.CLOSING if exit_ is HandoverKind.CLOSE else Stage.DEPARTED
    return (Stage.HANDING_OVER, left, Stage.AWAITING_FINAL_INVOICE, Stage.ARCHIVED)


def _decide(context: HandoverContext) -> Decision:
    """Membership first: of an account that has left, the items before can no longer be done."""
    handover, record = context.handover, context.record
    for stage in _stages(handover.exit):
        if _is_past(record.stage, stage):
            continue
        before = Stage.DEPARTED if stage is Stage.CLOSING else stage
        if before is Stage.DEPARTED and handover.exit in _OUT:
            membership = ensure_membership_ended(context)
            if membership is None:
                return Reach(stage)
            if isinstance(membership, Call):
                return membership
        for item in checklist(handover.exit):
            if item.before is not before:
                continue
            decision = item.goal(context)
            if decision is not None:
                return _require_approval(item, decision, handover)
        return Reach(stage)
    return Done(tuple(sorted(record.findings.values())))


def _is_past(stage: Stage, wanted: Stage) -> bool:
    """Departed and closing are two ways through the same place."""
    if wanted is Stage.CLOSING:
        return has_reached(stage, Stage.CLOSING)
    return has_reached(stage, wanted)


def _require_approval(item: HandoverTask, decision: Decision, handover: Handover) -> Decision:
    writes = isinstance(decision, Call) and decision.send is not Send.READ
    if not item.dangerous or not writes:
        return decision
    approver = handover.approvals.get(item.key, "")
    if approver and not is_same_person(approver, handover.asked_by):
        return decision
    return NeedsHuman(
        reason=f"{item.title}: this cannot be taken back lightly",
        what_to_do=f"a second person than {handover.asked_by} approves {item.key}",
    )


def _can_be_aborted(context: HandoverContext) -> bool:
    return context.handover.aborted and not has_reached(context.record.stage, Stage.DEPARTED)


_WAY_OUT: dict[HandoverKind, HandoverGoal] = {
    HandoverKind.TRANSFER: ensure_membership_ended,
    HandoverKind.STANDALONE: ensure_removed,
    HandoverKind.CLOSE: ensure_closed,
    HandoverKind.END_BILLING: ensure_transfer_ended,
}


def _restore(context: HandoverContext) -> Decision:
    """Guards, roles, contacts and root are as before; the root e-mail stays whose it is now.

    What has left meanwhile, or is on its way for good, goes on leaving.
    """
    if context.record.stage is Stage.LIVE:
        return Done()
    way_out = _WAY_OUT[context.handover.exit](context)
    if isinstance(way_out, Call) and way_out.send is Send.READ:
        return way_out
    is_here = isinstance(way_out, Call) or context.handover.exit is HandoverKind.TRANSFER
    if way_out is None or not is_here:
        return _decide(context)
    for goal in () if context.handover.exit is HandoverKind.END_BILLING else _RESTORED:
        decision = goal(_context_to_restore(context))
        if decision is not None:
            return decision
    return Reach(Stage.LIVE)


_RESTORED = (
    ensure_guarded,
    ensure_bounded,
    ensure_roles_placed,
    ensure_contacts_ours,
    ensure_root_audited,
    ensure_proved,
)


def _context_to_restore(context: HandoverContext) -> OnboardingContext:
    """Where the removal of roles was approved they are ours to put back, and to prove again."""
    onboarding, handover = context.onboarding, context.handover
    if "roles" not in handover.approvals:
        return onboarding
    proofs = onboarding.record.proofs.items()
    recent = {key: proof for key, proof in proofs if proof.at >= handover.asked_at}
    consents = onboarding.request.consents | {Consent.REPAIR_ROLES}
    return replace(
        onboarding,
        record=replace(onboarding.record, proofs=recent),
        request=replace(onboarding.request, consents=consents),
    )
