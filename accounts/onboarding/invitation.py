"""Owns invitations: of an account into our organization, and of an organization's bill to us."""

from __future__ import annotations

from datetime import timedelta

from accounts.aws.calls import write_once
from accounts.aws.reads import read_accounts, read_handshakes, read_transfers
from accounts.checks.placement import account_tags
from accounts.engine.context import OnboardingContext
from accounts.engine.recognition import handshake_of, transfer_of
from accounts.model.decision import Adopt, Call, Decision, NeedsHuman, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.observed import ObservedAccount, ObservedHandshake
from accounts.onboarding.creation import adopt


def ensure_invited(context: OnboardingContext) -> Decision | None:
    """Is there an invitation of ours, or is the account in already?"""
    if context.observed.accounts is None:
        return read_accounts()
    if _member(context) is not None:
        return None
    if context.observed.handshakes is None:
        return read_handshakes()
    handshake = handshake_of(context.request, context.observed, context.record)
    return _invite(context) if handshake is None else None


def _member(context: OnboardingContext) -> ObservedAccount | None:
    request = context.request
    for account in context.observed.accounts or ():
        if request.account_id == account.account_id:
            return account
        if not request.account_id and account.email.lower() == request.email.lower():
            return account
    return None


def _invite(context: OnboardingContext) -> Call:
    request = context.request
    target_type = "ACCOUNT" if request.account_id else "EMAIL"
    return write_once(
        "invite_account",
        "organizations",
        "InviteAccountToOrganization",
        invalidates=("accounts", "handshakes", "account_tags"),
        Target={"Id": request.account_id or request.email, "Type": target_type},
        # An invitation shows no tags until it is accepted; by its notes it is found again.
        Notes=f"Onboarding {request.onboarding_id}",
        Tags=account_tags(context),
    )


def ensure_joined(context: OnboardingContext) -> Decision | None:
    """The invited account is a member, by our invitation."""
    if context.record.account_id:
        return None
    if context.observed.accounts is None:
        return read_accounts()
    if (member := _member(context)) is not None:
        if context.record.handshake_id:
            return Adopt(member.account_id)
        return adopt(context, member.account_id)
    if context.observed.handshakes is None:
        return read_handshakes()
    handshake = handshake_of(context.request, context.observed, context.record)
    return _invite(context) if handshake is None else _wait_for_acceptance(context, handshake)


def _wait_for_acceptance(context: OnboardingContext, handshake: ObservedHandshake) -> Decision:
    match handshake.state:
        case "OPEN" | "REQUESTED" if context.now < handshake.expires_at:
            return Wait(
                kind=WaitKind.WAITING_CLIENT,
                reason="the client has to accept the invitation",
                again_at=min(context.now + timedelta(minutes=15), handshake.expires_at),
                aws_words=f"{handshake.handshake_id} {handshake.state}",
                # AWS's own instant, not fifteen days of ours: `tests/jobs/onboarding/test_link.py`,
                # `test_an_invitation_waits_for_its_client_with_aws_s_words_and_expiry`.
                expires_at=handshake.expires_at,
            )
        case "ACCEPTED":
            return Wait(
                kind=WaitKind.WAITING_AWS,
                reason="the client accepted; AWS is given time to show the account",
                again_at=context.now + timedelta(seconds=30),
                aws_words=f"{handshake.handshake_id} ACCEPTED",
            )
    ended = {"DECLINED": "declined", "CANCELED": "cancelled"}.get(handshake.state, "expired")
    return NeedsHuman(
        reason=f"the invitation was {ended}".replace("was expired", "has expired"),
        what_to_do="speak with the client; retry sends a new invitation",
        aws_words=f"{handshake.handshake_id} {handshake.state}",
    )


def ensure_transfer_asked(context: OnboardingContext) -> Decision | None:
    if context.observed.transfers is None:
        return read_transfers()
    if transfer_of(context.request, context.observed, context.record) is not None:
        return None
    request = context.request
    assert request.transfer_starts_at is not None
    if request.transfer_starts_at <= context.now:
        return NeedsHuman(
            reason=f"{request.transfer_starts_at:%Y-%m-%d} has begun; a transfer starts on a first",
            what_to_do="ask for the first of a month to come",
        )
    return write_once(
        "invite_transfer",
        "organizations",
        "InviteOrganizationToTransferResponsibility",
        invalidates=("transfers",),
        Type="BILLING",
        Target={"Id": request.account_id, "Type": "ACCOUNT"},
        Notes=f"Onboarding {request.onboarding_id}",
        StartTimestamp=request.transfer_starts_at,
        SourceName=request.asked_as,
    )


def ensure_transferred(context: OnboardingContext) -> Decision | None:
    """Accepted, and the month it starts with has begun."""
    if context.record.account_id:
        return None
    if (asked := ensure_transfer_asked(context)) is not None:
        return asked
    transfer = transfer_of(context.request, context.observed, context.record)
    assert transfer is not None
    words = f"{transfer.transfer_id} {transfer.status}"
    if transfer.status == "REQUESTED" and context.now < transfer.starts_at:
        return Wait(
            kind=WaitKind.WAITING_CLIENT,
            reason="the client's management account has to accept the billing transfer",
            again_at=min(context.now + timedelta(hours=1), transfer.starts_at),
            aws_words=words,
            expires_at=transfer.starts_at,
        )
    if transfer.status != "ACCEPTED":
        return NeedsHuman(
            reason=f"the billing transfer is {transfer.status.lower()}",
            what_to_do="speak with the client; retry asks for a new transfer",
            aws_words=words,
        )
    if context.now < transfer.starts_at:
        return Wait(
            kind=WaitKind.WAITING_AWS,
            reason=f"the billing transfer starts on {transfer.starts_at:%Y-%m-%d}",
            again_at=transfer.starts_at,
            aws_words=words,
        )
    return Adopt(transfer.source_account_id)
