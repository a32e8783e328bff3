"""Owns the way out: the ordered checklist of a hand-over, its approvals, its dry run, its undoing.

Recovery comes first: an account that leaves before its client can sign in as root is locked.
Everything before the departure can be undone, and is when the hand-over is aborted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from accounts.checks.access_proof import proved
from accounts.checks.guardrails import guarded
from accounts.checks.placement import contacts_ours
from accounts.checks.roles import bounded, roles_placed
from accounts.checks.root_user import root_audited
from accounts.engine.back_off import tempered
from accounts.engine.context import OnboardingContext
from accounts.handover.access_removal import (
    access_lost,
    grants_revoked,
    last_door_shut,
    roles_removed,
)
from accounts.handover.context import HandoverContext, HandoverGoal
from accounts.handover.dependencies import (
    dependencies_settled,
    no_delegated_services,
    rest_asked,
    stacks_kept,
)
from accounts.handover.root_recovery import (
    contact_information_given,
    password_recovery_allowed,
    phone_verified,
    root_email_given,
    root_signed_in,
)
from accounts.handover.separation import (
    client_has_an_administrator,
    closed,
    contacts_given_back,
    departed,
    departure_approved,
    evidence_exported,
    final_invoice_issued,
    membership_guard_lifted,
    removed,
    root_guard_lifted,
    suspended,
    transfer_ended,
    transferred,
    unassigned,
)
from accounts.model.decision import Call, Decision, Done, NeedsHuman, Reach, Send
from accounts.model.handover import Handover, HandoverKind
from accounts.model.lifecycle import Stage, has_reached
from accounts.model.observed import Observed
from accounts.model.organization import Reseller
from accounts.model.record import Record
from accounts.model.request import Consent

_ALL = frozenset(HandoverKind)
_OUT = frozenset({HandoverKind.TRANSFER, HandoverKind.STANDALONE})
_MEMBER = _OUT | {HandoverKind.CLOSE}


@dataclass(frozen=True, slots=True)
class ChecklistItem:
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

CHECKLIST: tuple[ChecklistItem, ...] = (
    ChecklistItem(
        "delegated", "It administers no service for us", no_delegated_services, _LEFT, _MEMBER
    ),
    ChecklistItem("stack_sets", "No StackSet deletes what it made there", stacks_kept, _LEFT, _OUT),
    ChecklistItem("scan", "AWS was asked what else depends on us", rest_asked, _LEFT, _MEMBER),
    ChecklistItem(
        "approval", "A second person approves the departure", departure_approved, _LEFT, _MEMBER
    ),
    ChecklistItem(
        "root_guard",
        "The guard on root use is lifted",
        root_guard_lifted,
        _LEFT,
        _OUT,
        dangerous=True,
    ),
    ChecklistItem(
        "root_email",
        "The client owns the root e-mail",
        root_email_given,
        _LEFT,
        _OUT,
        dangerous=True,
    ),
    ChecklistItem("contact", "The contact is the client's", contact_information_given, _LEFT, _OUT),
    ChecklistItem(
        "phone",
        "The client's phone is verified",
        phone_verified,
        _LEFT,
        frozenset({HandoverKind.STANDALONE}),
    ),
    ChecklistItem(
        "recovery",
        "The root password can be recovered",
        password_recovery_allowed,
        _LEFT,
        _OUT,
    ),
    ChecklistItem(
        "root_sign_in", "The client signed in as root, with MFA", root_signed_in, _LEFT, _OUT
    ),
    ChecklistItem(
        "client_admin",
        "The client has an administrator of its own",
        client_has_an_administrator,
        _LEFT,
        _OUT,
    ),
    ChecklistItem("evidence", "Cost history and invoices are exported", evidence_exported, _LEFT),
    ChecklistItem("dependencies", "Nothing depends on us", dependencies_settled, _LEFT, _MEMBER),
    ChecklistItem("contacts", "The client's contacts are back", contacts_given_back, _LEFT, _OUT),
    ChecklistItem(
        "roles",
        "Our roles but the first are removed",
        roles_removed,
        _LEFT,
        _MEMBER,
        dangerous=True,
    ),
    ChecklistItem(
        "membership_guard",
        "The guard on membership is lifted",
        membership_guard_lifted,
        _LEFT,
        _OUT,
        dangerous=True,
    ),
    ChecklistItem(
        "leave",
        "The client accepts another organization",
        transferred,
        _LEFT,
        frozenset({HandoverKind.TRANSFER}),
    ),
    ChecklistItem(
        "remove",
        "The account is removed",
        removed,
        _LEFT,
        frozenset({HandoverKind.STANDALONE}),
        dangerous=True,
    ),
    ChecklistItem(
        "close",
        "The account is closed",
        closed,
        _LEFT,
        frozenset({HandoverKind.CLOSE}),
        dangerous=True,
    ),
    ChecklistItem(
        "end_transfer",
        "The billing transfer ends",
        transfer_ended,
        _LEFT,
        frozenset({HandoverKind.END_BILLING}),
        dangerous=True,
    ),
    ChecklistItem("last_door", "Our first role lets nobody in", last_door_shut, _BILLED, _MEMBER),
    ChecklistItem(
        "closed", "AWS has closed the account", suspended, _BILLED, frozenset({HandoverKind.CLOSE})
    ),
    ChecklistItem("no_access", "Every role of ours refuses us", access_lost, _BILLED),
    ChecklistItem("links", "Nobody has a link any more", grants_revoked, _BILLED),
    ChecklistItem(
        "final_invoice", "The final invoice is issued", final_invoice_issued, Stage.ARCHIVED
    ),
    ChecklistItem("assignment", "The account is nobody's", unassigned, Stage.ARCHIVED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunLine:
    """What a hand-over would do, in order; nothing was sent."""

    key: str
    title: str
    dangerous: bool
    approved_by: str = ""


def checklist(exit_: HandoverKind) -> tuple[ChecklistItem, ...]:
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
    practice: Reseller,
    handover: Handover,
    facts: Observed,
    record: Record,
    now: datetime,
    *,
    codes: dict[str, str] | None = None,
) -> Decision:
    """The one thing to do now. `codes`: one-time codes the client read out, by item; not stored."""
    leaving = HandoverContext(practice, handover, facts, record, now, codes or {})
    wanted = _undo(leaving) if _can_be_aborted(leaving) else _wanted(leaving)
    return tempered(wanted, record, now)


def _stages(exit_: HandoverKind) -> tuple[Stage, ...]:
    left = Stage.CLOSING if exit_ is HandoverKind.CLOSE else Stage.DEPARTED
    return (Stage.HANDING_OVER, left, Stage.AWAITING_FINAL_INVOICE, Stage.ARCHIVED)


def _wanted(leaving: HandoverContext) -> Decision:
    """Membership first: of an account that has left, the items before can no longer be seen to."""
    handover, record = leaving.handover, leaving.record
    for stage in _stages(handover.exit):
        if _is_past(record.stage, stage):
            continue
        before = Stage.DEPARTED if stage is Stage.CLOSING else stage
        if before is Stage.DEPARTED and handover.exit in _OUT:
            membership = departed(leaving)
            if membership is None:
                return Reach(stage)
            if isinstance(membership, Call):
                return membership
        for item in checklist(handover.exit):
            if item.before is not before:
                continue
            decision = item.goal(leaving)
            if decision is not None:
                return _approved(item, decision, handover)
        return Reach(stage)
    return Done(tuple(sorted(record.findings.values())))


def _is_past(stage: Stage, wanted: Stage) -> bool:
    """Departed and closing are two ways through the same place."""
    if wanted is Stage.CLOSING:
        return has_reached(stage, Stage.CLOSING)
    return has_reached(stage, wanted)


def _approved(item: ChecklistItem, decision: Decision, handover: Handover) -> Decision:
    writes = isinstance(decision, Call) and decision.send is not Send.READ
    if not item.dangerous or not writes:
        return decision
    approver = handover.approvals.get(item.key, "")
    if approver and approver != handover.asked_by:
        return decision
    return NeedsHuman(
        reason=f"{item.title}: this cannot be taken back lightly",
        what_to_do=f"a second person than {handover.asked_by} approves {item.key}",
    )


def _can_be_aborted(leaving: HandoverContext) -> bool:
    return leaving.handover.aborted and not has_reached(leaving.record.stage, Stage.DEPARTED)


_WAY_OUT: dict[HandoverKind, HandoverGoal] = {
    HandoverKind.TRANSFER: departed,
    HandoverKind.STANDALONE: removed,
    HandoverKind.CLOSE: closed,
    HandoverKind.END_BILLING: transfer_ended,
}


def _undo(leaving: HandoverContext) -> Decision:
    """Guards, roles, contacts and root are as before; the root e-mail stays whose it is now.

    What has left meanwhile, or is on its way for good, goes on leaving.
    """
    if leaving.record.stage is Stage.LIVE:
        return Done()
    way_out = _WAY_OUT[leaving.handover.exit](leaving)
    if isinstance(way_out, Call) and way_out.send is Send.READ:
        return way_out
    is_here = isinstance(way_out, Call) or leaving.handover.exit is HandoverKind.TRANSFER
    if way_out is None or not is_here:
        return _wanted(leaving)
    for goal in () if leaving.handover.exit is HandoverKind.END_BILLING else _RESTORED:
        decision = goal(_before(leaving))
        if decision is not None:
            return decision
    return Reach(Stage.LIVE)


_RESTORED = (guarded, bounded, roles_placed, contacts_ours, root_audited, proved)


def _before(leaving: HandoverContext) -> OnboardingContext:
    """Where the removal of roles was approved they are ours to put back, and to prove again."""
    scene, handover = leaving.scene, leaving.handover
    if "roles" not in handover.approvals:
        return scene
    proofs = scene.record.proofs.items()
    recent = {key: proof for key, proof in proofs if proof.at >= handover.asked_at}
    consents = scene.request.consents | {Consent.REPAIR_ROLES}
    return replace(
        scene,
        record=replace(scene.record, proofs=recent),
        request=replace(scene.request, consents=consents),
    )
