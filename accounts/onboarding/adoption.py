"""Owns adoption: an account that is a member already comes into our hands by its client's consent.

It was made by hand, or accepted an invitation that is none of ours. From membership on it goes the
way of an invited account.
"""

from __future__ import annotations

from datetime import timedelta

from accounts.aws.reads import (
    read_account,
    read_account_tags,
    read_accounts,
    read_handshakes,
    read_parent,
)
from accounts.engine.context import OnboardingContext
from accounts.model.decision import Adopt, Decision, NeedsHuman, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.observed import ObservedAccount
from accounts.model.organization import TAG_CLIENT


def ensure_adopted(context: OnboardingContext) -> Decision | None:
    """The account is a member, in good standing, and nobody else's by its tag."""
    if context.record.account_id:
        return None
    if context.observed.accounts is None:
        return read_accounts()
    account_id = context.request.account_id
    account = next((a for a in context.observed.accounts if a.account_id == account_id), None)
    if account is None:
        return _no_member(context)
    if (unfit := _unfit(context, account)) is not None:
        return unfit
    if context.observed.account_tags is None:
        return read_account_tags(account_id)
    owner = context.observed.account_tags.get(TAG_CLIENT, context.request.client_key)
    if owner != context.request.client_key:
        return NeedsHuman(
            reason=f"the account's tag {TAG_CLIENT} says that it is of client {owner!r}",
            what_to_do="see whose it is; correct the tag in AWS and retry, or cancel this",
        )
    if context.observed.parent_id is None:
        return read_parent(account_id)
    if context.observed.parent_id not in (context.reseller.root_id, context.reseller.client_ou_id):
        return _out_of_reach(context, context.observed.parent_id)
    if context.observed.account is None:
        return read_account(account_id)
    return Adopt(account_id)


def _out_of_reach(context: OnboardingContext, parent_id: str) -> NeedsHuman:
    """What our policy does not let us move are the reseller's own accounts, in OUs of their own."""
    ours = context.reseller.client_ou_id
    return NeedsHuman(
        reason=f"the account is in {parent_id}, and the service moves none out of there",
        what_to_do=f"if it is a client's, move it into the clients' OU {ours} and retry",
    )


def _unfit(context: OnboardingContext, account: ObservedAccount) -> Decision | None:
    if account.state == "ACTIVE":
        return None
    if account.state == "PENDING_ACTIVATION":
        return Wait(
            kind=WaitKind.WAITING_AWS,
            reason="the account is not active yet",
            again_at=context.now + timedelta(minutes=1),
            aws_words=account.state,
        )
    return NeedsHuman(
        reason=f"AWS says that the account is {account.state}: it is not adopted",
        what_to_do="have it reinstated by AWS support and retry, or cancel this",
        aws_words=account.state,
    )


def _no_member(context: OnboardingContext) -> Decision:
    """An invitation of somebody's may be open; then its client has to accept it first."""
    if context.observed.handshakes is None:
        return read_handshakes()
    account_id = context.request.account_id
    organization = context.reseller.organization_id
    for handshake in context.observed.handshakes:
        is_open = handshake.state in ("OPEN", "REQUESTED") and context.now < handshake.expires_at
        if is_open and handshake.target == account_id:
            return NeedsHuman(
                reason=f"account {account_id} is no member of {organization} yet: the invitation "
                f"{handshake.handshake_id} to it is open",
                what_to_do="have its client accept and retry; or cancel this, and invite it here",
                aws_words=f"{handshake.handshake_id} {handshake.state}",
            )
    return NeedsHuman(
        reason=f"account {account_id} is no member of {organization}: it left, or never joined",
        what_to_do="cancel this, and invite it",
    )
