"""Owns the account's place in our organization: in good standing, in its OU, tagged, reachable."""

from __future__ import annotations

from datetime import timedelta

from accounts.aws.calls import write
from accounts.aws.reads import read_account, read_account_tags, read_contact, read_parent
from accounts.engine.context import OnboardingContext
from accounts.model.decision import Call, Decision, NeedsHuman, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.organization import (
    TAG_CLIENT,
    TAG_ONBOARDING,
    Contact,
    ContactType,
    OnboardingKind,
)


def ensure_in_good_standing(scene: OnboardingContext) -> Decision | None:
    """Looked at on every visit: AWS may suspend an account between any two steps."""
    if scene.facts.account is None:
        return read_account(scene.account_id)
    state = scene.facts.account.state
    if state == "ACTIVE":
        return None
    if state in ("SUSPENDED", "PENDING_CLOSURE", "CLOSED"):
        return NeedsHuman(
            reason=f"AWS says that the account is {state}",
            what_to_do="find out why from the account's mailbox and AWS support, then retry",
            aws_words=state,
        )
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason="the account is not active yet",
        again_at=scene.now + timedelta(seconds=15),
        aws_words=state,
    )


def ensure_in_its_ou(scene: OnboardingContext) -> Decision | None:
    """Moving is not idempotent, so read, compare, move, read again."""
    parent_id = scene.facts.parent_id
    if parent_id is None:
        return read_parent(scene.account_id)
    if parent_id == scene.practice.client_ou_id:
        return None
    return write(
        "move_account",
        "organizations",
        "MoveAccount",
        invalidates=("parent_id",),
        AccountId=scene.account_id,
        SourceParentId=parent_id,
        DestinationParentId=scene.practice.client_ou_id,
    )


def ensure_tagged(scene: OnboardingContext) -> Decision | None:
    if scene.facts.account_tags is None:
        return read_account_tags(scene.account_id)
    wanted = account_tags(scene)
    if all(scene.facts.account_tags.get(tag["Key"]) == tag["Value"] for tag in wanted):
        return None
    return write(
        "tag_account",
        "organizations",
        "TagResource",
        invalidates=("account_tags",),
        ResourceId=scene.account_id,
        Tags=wanted,
    )


def ensure_contacts_ours(scene: OnboardingContext) -> Decision | None:
    """The client's own contacts are remembered by the record, to be written back at hand-over."""
    for contact_type, wanted in scene.practice.contacts.items():
        if contact_type not in scene.facts.contacts:
            return read_contact(scene.account_id, contact_type)
        if scene.facts.contacts[contact_type] != wanted:
            return put_contact(scene.account_id, contact_type, wanted)
    return None


def put_contact(account_id: str, contact_type: ContactType, contact: Contact) -> Call:
    return write(
        "put_contact",
        "account",
        "PutAlternateContact",
        invalidates=("contacts",),
        subject=contact_type,
        AccountId=account_id,
        AlternateContactType=contact_type.value,
        Name=contact.name,
        Title=contact.title,
        EmailAddress=contact.email,
        PhoneNumber=contact.phone,
    )


def ensure_named(scene: OnboardingContext) -> Decision | None:
    """Only an account that we created has a name of ours."""
    assert scene.facts.account, "the account's standing was seen before"
    if scene.request.kind is not OnboardingKind.CREATE:
        return None
    if scene.facts.account.name == scene.request.account_name:
        return None
    return write(
        "name_account",
        "account",
        "PutAccountName",
        invalidates=("account",),
        AccountId=scene.account_id,
        AccountName=scene.request.account_name,
    )


def account_tags(scene: OnboardingContext) -> list[dict[str, str]]:
    return [
        {"Key": TAG_ONBOARDING, "Value": scene.request.onboarding_id},
        {"Key": TAG_CLIENT, "Value": scene.request.client_key},
    ]
