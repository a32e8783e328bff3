"""Owns giving an onboarding up: possible until the account is linked; nothing is left behind."""

from __future__ import annotations

from datetime import datetime

from accounts.aws.calls import write
from accounts.aws.reads import read_handshakes, read_transfers
from accounts.engine.back_off import with_back_off
from accounts.engine.recognition import handshake_of, transfer_of
from accounts.model.decision import Call, Decision, Done, NeedsHuman, Reach
from accounts.model.lifecycle import Stage, has_reached
from accounts.model.observed import Observed
from accounts.model.organization import OnboardingKind
from accounts.model.record import Record
from accounts.model.request import AccountRequest


def next_cancel_step(
    request: AccountRequest, observed: Observed, record: Record, now: datetime
) -> Decision:
    """The one thing to do now to give the onboarding up; Done once it is cancelled."""
    return with_back_off(_decide(request, observed, record), record, now)


def _decide(request: AccountRequest, observed: Observed, record: Record) -> Decision:
    if record.stage is Stage.CANCELLED:
        return Done()
    if record.account_id or has_reached(record.stage, Stage.LINKED):
        return NeedsHuman(
            reason=f"the account {record.account_id} is linked already",
            what_to_do="hand it over or close it",
        )
    match request.kind:
        case OnboardingKind.CREATE:
            return _stop_creating(record)
        case OnboardingKind.INVITE:
            return _take_back_invitation(request, observed, record)
        case OnboardingKind.ADOPT:
            return Reach(Stage.CANCELLED)  # Nothing was asked of AWS.
        case OnboardingKind.BILLING_TRANSFER:
            return _take_back_transfer(request, observed, record)


def _stop_creating(record: Record) -> Decision:
    """AWS takes no creation back: one that may be under way has to be followed to its end."""
    if record.is_any_unsure:
        return NeedsHuman(
            reason="AWS may be creating the account, and takes no creation back",
            what_to_do="let it be linked, then close it",
        )
    return Reach(Stage.CANCELLED)


def _take_back_invitation(request: AccountRequest, observed: Observed, record: Record) -> Decision:
    if observed.handshakes is None:
        return read_handshakes()
    handshake = handshake_of(request, observed, record)
    if handshake is None or handshake.state in ("DECLINED", "CANCELED", "EXPIRED"):
        return Reach(Stage.CANCELLED)
    if handshake.state == "ACCEPTED":
        return _refuse_accepted()
    return _cancel(handshake.handshake_id, "handshakes")


def _take_back_transfer(request: AccountRequest, observed: Observed, record: Record) -> Decision:
    if observed.transfers is None:
        return read_transfers()
    transfer = transfer_of(request, observed, record)
    if transfer is None or transfer.status not in ("REQUESTED", "ACCEPTED"):
        return Reach(Stage.CANCELLED)
    if transfer.status == "ACCEPTED":
        return _refuse_accepted()
    return _cancel(transfer.handshake_id, "transfers")


def _refuse_accepted() -> NeedsHuman:
    return NeedsHuman(
        reason="the client has accepted already", what_to_do="let it be linked, then hand it over"
    )


def _cancel(handshake_id: str, invalidates: str) -> Call:
    return write(
        "cancel_handshake",
        "organizations",
        "CancelHandshake",
        invalidates=(invalidates,),
        HandshakeId=handshake_id,
    )
