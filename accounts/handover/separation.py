"""Owns the separation: guards lifted, roles removed, membership ended, lost access proved."""

from __future__ import annotations

from collections.abc import Iterator
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
from accounts.model.observed import ObservedTransfer
from accounts.model.organization import TAG_OFFBOARDING


def ensure_handover_approved(context: HandoverContext) -> Decision | None:
    """The tag that the offboarding role's own policy asks for; neither it nor we may write it."""
    leaving, name = context.account_id, "the account"
    if context.handover.exit is HandoverKind.END_BILLING:
        # The account is in an organization of the client's: what is ours to tag is the transfer
        # (API reference, `TagResource`: the pattern of `ResourceId`).
        if context.observed.transfers is None:
            return read_transfers()
        leaving = next((each.transfer_id for each in _running_transfers(context)), "")
        name = f"the transfer {leaving}"
        if not leaving:
            return None
    tags = context.observed.account_tags
    if tags is None:
        return read_account_tags(leaving)
    wanted = (
        "close-approved" if context.handover.exit is HandoverKind.CLOSE else "handover-approved"
    )
    if tags.get(TAG_OFFBOARDING) == wanted:
        return None
    return NeedsHuman(
        reason="the hand-over is not approved in AWS",
        what_to_do=f"an approver tags {name} {TAG_OFFBOARDING}={wanted}",
    )


def _running_transfers(context: HandoverContext) -> Iterator[ObservedTransfer]:
    for each in context.observed.transfers or ():
        is_ours = each.source_account_id == context.account_id
        if is_ours and each.status == "ACCEPTED" and each.ends_at is None:
            yield each


def ensure_root_guard_lifted(context: HandoverContext) -> Decision | None:
    """First of all, as the client could not sign in as root under it."""
    return _ensure_guard_lifted(context, context.reseller.root_scp_id)


def ensure_membership_guard_lifted(context: HandoverContext) -> Decision | None:
    return _ensure_guard_lifted(context, context.reseller.membership_scp_id)


def _ensure_guard_lifted(context: HandoverContext, policy_id: str) -> Decision | None:
    if context.observed.scp_ids is None:
        return read_scps(context.account_id)
    if policy_id not in context.observed.scp_ids:
        return None
    return write(
        "lift_guard",
        "organizations",
        "DetachPolicy",
        session=context.payer_session,
        subject=policy_id,
        invalidates=("scp_ids",),
        PolicyId=policy_id,
        TargetId=context.account_id,
    )


def ensure_client_administrator(context: HandoverContext) -> Decision | None:
    return ensure_attested(
        context, "client_admin", "see that the client has an administrator who does not trust us"
    )


def ensure_evidence_exported(context: HandoverContext) -> Decision | None:
    return ensure_attested(
        context,
        "evidence",
        "export cost history, bills, tags, budgets and commitments; the client loses them",
    )


def ensure_contacts_given_back(context: HandoverContext) -> Decision | None:
    """Before the account leaves: afterwards the payer has no right to."""
    for contact_type in context.reseller.contacts:
        if contact_type not in context.observed.contacts:
            return read_contact(context.account_id, contact_type)
        seen = context.observed.contacts[contact_type]
        wanted = context.record.prior_contacts.get(contact_type)
        if wanted == context.reseller.contacts[contact_type]:
            wanted = None
        if seen == wanted:
            continue
        if wanted is not None:
            put = put_contact(context.account_id, contact_type, wanted)
            return replace(put, session=context.payer_session)
        return write(
            "delete_contact",
            "account",
            "DeleteAlternateContact",
            invalidates=("contacts",),
            subject=contact_type,
            session=context.payer_session,
            AccountId=context.account_id,
            AlternateContactType=contact_type.value,
        )
    return None


def ensure_membership_ended(context: HandoverContext) -> Decision | None:
    """Gone from the complete list of members."""
    if context.observed.accounts is None:
        return read_accounts()
    if all(account.account_id != context.account_id for account in context.observed.accounts):
        return None
    return Wait(
        kind=WaitKind.WAITING_CLIENT,
        reason="the client's organization has to invite the account",
        again_at=context.now + timedelta(hours=1),
    )


def ensure_taken_by_client(context: HandoverContext) -> Decision | None:
    """The client's payer invites, and somebody in the account accepts; AWS tells them why not.

    AWS keeps a created account for some days, and says so (WAIT_PERIOD_ACTIVE) to who accepts.
    """
    gone = ensure_membership_ended(context)
    if not isinstance(gone, Wait):
        return gone
    # Another organization's invitation stands in the member's list alone:
    # `tests/jobs/handover/test_exits.py`,
    # `test_an_account_too_young_to_be_taken_waits_with_the_client_told_why`.
    look = read_invitations(context.member)
    if context.observed.invitations is None:
        return gone if is_refused(context.record, look) else look
    for invitation in context.observed.invitations:
        if invitation.state == "OPEN":
            return replace(
                gone,
                reason="somebody in the account has to accept the invitation of the client's "
                "organization; refused as WAIT_PERIOD_ACTIVE, they try again the next day",
                aws_words=f"{invitation.handshake_id} {invitation.state}",
                expires_at=invitation.expires_at,
            )
    return gone


def ensure_removed(context: HandoverContext) -> Decision | None:
    if not isinstance(gone := ensure_membership_ended(context), Wait):
        return gone
    return write(
        "remove_account",
        "organizations",
        "RemoveAccountFromOrganization",
        session=context.payer_session,
        invalidates=("accounts",),
        AccountId=context.account_id,
    )


def ensure_closed(context: HandoverContext) -> Decision | None:
    """AWS answers ACTIVE and PENDING_CLOSURE in turns for a while; the call is never repeated."""
    if context.observed.account is None:
        return read_account(context.account_id)
    # A closure goes on in the background (API reference, `CloseAccount`), so ACTIVE does not say
    # that the call was not taken: `tests/jobs/handover/test_exits.py`,
    # `test_a_closed_account_is_pending_then_suspended_and_lets_nobody_in`.
    if context.observed.account.state in ("PENDING_CLOSURE", "SUSPENDED", "CLOSED"):
        return None
    call = write(
        "close_account",
        "organizations",
        "CloseAccount",
        session=context.payer_session,
        AccountId=context.account_id,
    )
    trouble = context.record.troubles.get(call.key)
    if trouble is not None and trouble.refusal.code == "AccountAlreadyClosedException":
        return None
    if call.key not in context.record.done:
        return call
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason="AWS is closing the account",
        again_at=context.now + timedelta(minutes=1),
        aws_words=context.observed.account.state,
    )


def ensure_suspended(context: HandoverContext) -> Decision | None:
    """Closed for everybody, and to be reopened by AWS for 90 days; then it is gone for good."""
    gone = ensure_membership_ended(context)
    if not isinstance(gone, Wait):
        return gone
    if context.observed.account is None:
        return read_account(context.account_id)
    state = context.observed.account.state
    if state in ("SUSPENDED", "CLOSED"):
        return None
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason="AWS is closing the account",
        again_at=context.now + timedelta(minutes=15),
        aws_words=state,
    )


def ensure_transfer_ended(context: HandoverContext) -> Decision | None:
    """Withdrawn is not ended: the bill stays ours until the month that was named is over."""
    if context.observed.transfers is None:
        return read_transfers()
    source = context.account_id
    for transfer in context.observed.transfers:
        if transfer.source_account_id != source:
            continue
        if transfer.status == "ACCEPTED" and transfer.ends_at is None:
            return write(
                "end_transfer",
                "organizations",
                "TerminateResponsibilityTransfer",
                session=context.payer_session,
                invalidates=("transfers",),
                Id=transfer.transfer_id,
                # A month's last moment, or AWS refuses it (API reference:
                # END_DATE_NOT_END_OF_MONTH): `tests/jobs/handover/test_exits.py`,
                # `test_a_billing_transfer_ends_with_its_month_and_not_before`.
                EndTimestamp=context.handover.ends_at,
            )
        if transfer.ends_at is not None and context.now < transfer.ends_at:
            return Wait(
                kind=WaitKind.WAITING_AWS,
                reason=f"the billing transfer ends on {transfer.ends_at:%Y-%m-%d}",
                again_at=transfer.ends_at,
                aws_words=transfer.transfer_id,
            )
    return None


def ensure_final_invoice_issued(context: HandoverContext) -> Decision | None:
    """Usage, credits and commitments are still billed after it left; a month is not enough."""
    if context.handover.final_invoice_issued:
        return None
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason="the account stays in billing until its final invoice is issued",
        again_at=context.now + timedelta(days=1),
    )


def ensure_unassigned(context: HandoverContext) -> Decision | None:
    """From the month after: whatever AWS still bills for the months before is the client's."""
    if context.record.unassigned_on is not None:
        return None
    # AWS bills a closed account still (API reference, `CloseAccount`):
    # `tests/jobs/handover/test_final_invoice.py`,
    # `test_the_final_invoice_archives_it_and_late_usage_still_finds_its_client`.
    return Unassign(context.account_id, first_of_next_month(context.now))


def first_of_next_month(now: datetime) -> date:
    day = now.astimezone(UTC).date()
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
