"""Owns the departure itself: guards lifted, roles removed, membership ended, lost access proved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from accounts.aws.calls import write
from accounts.aws.reads import (
    read_account,
    read_account_tags,
    read_accounts,
    read_contact,
    read_invitations,
    read_scps,
    read_transfers,
)
from accounts.checks.placement import put_contact
from accounts.handover.context import HandoverContext, ensure_attested
from accounts.handover.dependencies import is_refused
from accounts.model.decision import Decision, NeedsHuman, Unassign, Wait
from accounts.model.handover import HandoverKind
from accounts.model.lifecycle import WaitKind
from accounts.model.organization import TAG_OFFBOARDING


def ensure_handover_approved(leaving: HandoverContext) -> Decision | None:
    """The tag that the offboarding role's own policy asks for; neither it nor we may write it."""
    tags = leaving.facts.account_tags
    if tags is None:
        return read_account_tags(leaving.account_id)
    wanted = (
        "close-approved" if leaving.handover.exit is HandoverKind.CLOSE else "handover-approved"
    )
    if tags.get(TAG_OFFBOARDING) == wanted:
        return None
    return NeedsHuman(
        reason="the departure is not approved in AWS",
        what_to_do=f"an approver tags the account {TAG_OFFBOARDING}={wanted}",
    )


def ensure_root_guard_lifted(leaving: HandoverContext) -> Decision | None:
    """First of all, as the client could not sign in as root under it."""
    return _ensure_guard_lifted(leaving, leaving.practice.root_scp_id)


def ensure_membership_guard_lifted(leaving: HandoverContext) -> Decision | None:
    return _ensure_guard_lifted(leaving, leaving.practice.membership_scp_id)


def _ensure_guard_lifted(leaving: HandoverContext, policy_id: str) -> Decision | None:
    if leaving.facts.scp_ids is None:
        return read_scps(leaving.account_id)
    if policy_id not in leaving.facts.scp_ids:
        return None
    return write(
        "lift_guard",
        "organizations",
        "DetachPolicy",
        session=leaving.offboard,
        subject=policy_id,
        invalidates=("scp_ids",),
        PolicyId=policy_id,
        TargetId=leaving.account_id,
    )


def ensure_client_administrator(leaving: HandoverContext) -> Decision | None:
    return ensure_attested(
        leaving, "client_admin", "see that the client has an administrator who does not trust us"
    )


def ensure_evidence_exported(leaving: HandoverContext) -> Decision | None:
    return ensure_attested(
        leaving,
        "evidence",
        "export cost history, bills, tags, budgets and commitments; the client loses them",
    )


def ensure_contacts_given_back(leaving: HandoverContext) -> Decision | None:
    """Before the departure: afterwards the payer has no right to."""
    for contact_type in leaving.practice.contacts:
        if contact_type not in leaving.facts.contacts:
            return read_contact(leaving.account_id, contact_type)
        seen = leaving.facts.contacts[contact_type]
        wanted = leaving.record.prior_contacts.get(contact_type)
        if wanted == leaving.practice.contacts[contact_type]:
            wanted = None
        if seen == wanted:
            continue
        if wanted is not None:
            put = put_contact(leaving.account_id, contact_type, wanted)
            return replace(put, session=leaving.offboard)
        return write(
            "delete_contact",
            "account",
            "DeleteAlternateContact",
            invalidates=("contacts",),
            subject=contact_type,
            session=leaving.offboard,
            AccountId=leaving.account_id,
            AlternateContactType=contact_type.value,
        )
    return None


def ensure_membership_ended(leaving: HandoverContext) -> Decision | None:
    """Gone from the complete list of members."""
    if leaving.facts.accounts is None:
        return read_accounts()
    if all(account.account_id != leaving.account_id for account in leaving.facts.accounts):
        return None
    return Wait(
        kind=WaitKind.WAITING_CLIENT,
        reason="the client's organization has to invite the account",
        again_at=leaving.now + timedelta(hours=1),
    )


def ensure_taken_by_client(leaving: HandoverContext) -> Decision | None:
    """The client's payer invites, and somebody in the account accepts; AWS tells them why not.

    AWS keeps a created account for some days, and says so (WAIT_PERIOD_ACTIVE) to who accepts.
    """
    gone = ensure_membership_ended(leaving)
    if not isinstance(gone, Wait):
        return gone
    look = read_invitations(leaving.member)
    if leaving.facts.invitations is None:
        return gone if is_refused(leaving.record, look) else look
    for invitation in leaving.facts.invitations:
        if invitation.state == "OPEN":
            return replace(
                gone,
                reason="somebody in the account has to accept the invitation of the client's "
                "organization; refused as WAIT_PERIOD_ACTIVE, they try again the next day",
                aws_words=f"{invitation.handshake_id} {invitation.state}",
                expires_at=invitation.expires_at,
            )
    return gone


def ensure_removed(leaving: HandoverContext) -> Decision | None:
    if not isinstance(gone := ensure_membership_ended(leaving), Wait):
        return gone
    return write(
        "remove_account",
        "organizations",
        "RemoveAccountFromOrganization",
        session=leaving.offboard,
        invalidates=("accounts",),
        AccountId=leaving.account_id,
    )


def ensure_closed(leaving: HandoverContext) -> Decision | None:
    """AWS answers ACTIVE and PENDING_CLOSURE in turns for a while; the call is never repeated."""
    if leaving.facts.account is None:
        return read_account(leaving.account_id)
    if leaving.facts.account.state in ("PENDING_CLOSURE", "SUSPENDED", "CLOSED"):
        return None
    call = write(
        "close_account",
        "organizations",
        "CloseAccount",
        session=leaving.offboard,
        AccountId=leaving.account_id,
    )
    trouble = leaving.record.troubles.get(call.key)
    if trouble is not None and trouble.refusal.code == "AccountAlreadyClosedException":
        return None
    if call.key not in leaving.record.done:
        return call
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason="AWS is closing the account",
        again_at=leaving.now + timedelta(minutes=1),
        aws_words=leaving.facts.account.state,
    )


def ensure_suspended(leaving: HandoverContext) -> Decision | None:
    """Closed for everybody, and to be reopened by AWS for 90 days; then it is gone for good."""
    gone = ensure_membership_ended(leaving)
    if not isinstance(gone, Wait):
        return gone
    if leaving.facts.account is None:
        return read_account(leaving.account_id)
    state = leaving.facts.account.state
    if state in ("SUSPENDED", "CLOSED"):
        return None
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason="AWS is closing the account",
        again_at=leaving.now + timedelta(minutes=15),
        aws_words=state,
    )


def ensure_transfer_ended(leaving: HandoverContext) -> Decision | None:
    """Withdrawn is not ended: the bill stays ours until the month that was named is over."""
    if leaving.facts.transfers is None:
        return read_transfers()
    source = leaving.account_id
    for transfer in leaving.facts.transfers:
        if transfer.source_account_id != source:
            continue
        if transfer.status == "ACCEPTED" and transfer.ends_at is None:
            return write(
                "end_transfer",
                "organizations",
                "TerminateResponsibilityTransfer",
                session=leaving.offboard,
                invalidates=("transfers",),
                Id=transfer.transfer_id,
                EndTimestamp=leaving.handover.ends_at,
            )
        if transfer.ends_at is not None and leaving.now < transfer.ends_at:
            return Wait(
                kind=WaitKind.WAITING_AWS,
                reason=f"the billing transfer ends on {transfer.ends_at:%Y-%m-%d}",
                again_at=transfer.ends_at,
                aws_words=transfer.transfer_id,
            )
    return None


def ensure_final_invoice_issued(leaving: HandoverContext) -> Decision | None:
    """Late usage, credits and commitments are billed after the departure; a month is not enough."""
    if leaving.handover.final_invoice_issued:
        return None
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason="the account stays in billing until its final invoice is issued",
        again_at=leaving.now + timedelta(days=1),
    )


def ensure_unassigned(leaving: HandoverContext) -> Decision | None:
    """From the month after: whatever AWS still bills for the months before is the client's."""
    if leaving.record.unassigned_on is not None:
        return None
    return Unassign(leaving.account_id, first_of_next_month(leaving.now))


def first_of_next_month(now: datetime) -> date:
    day = now.astimezone(UTC).date()
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
