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

NAMED = "name_account"


def ensure_in_good_standing(context: OnboardingContext) -> Decision | None:
    """Looked at on every visit: AWS may suspend an account between any two steps."""
    if context.observed.account is None:
        return read_account(context.account_id)
    state = context.observed.account.state
    if state == "ACTIVE":
        return None
    # `State`, as `Status` was retired on 2026-09-09 (API reference, `Account`).
    if state in ("SUSPENDED", "PENDING_CLOSURE", "CLOSED"):
        return NeedsHuman(
            reason=f"AWS says that the account is {state}",
            what_to_do="find out why from the account's mailbox and AWS support, then retry",
            aws_words=state,
        )
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason="the account is not active yet",
        again_at=context.now + timedelta(seconds=15),
        aws_words=state,
    )


def ensure_in_its_ou(context: OnboardingContext) -> Decision | None:
    """Moving is not idempotent, so read, compare, move, read again."""
    parent_id = context.observed.parent_id
    if parent_id is None:
        return read_parent(context.account_id)
    if parent_id == context.reseller.client_ou_id:
        return None
    return write(
        "move_account",
        "organizations",
        "MoveAccount",
        invalidates=("parent_id",),
        AccountId=context.account_id,
        # A move names its source and is refused from another:
        # `tests/unit/sandbox_aws/test_organization.py`,
        # `test_a_move_names_where_from_and_is_not_repeated`.
        SourceParentId=parent_id,
        DestinationParentId=context.reseller.client_ou_id,
    )


def ensure_tagged(context: OnboardingContext) -> Decision | None:
    if context.observed.account_tags is None:
        return read_account_tags(context.account_id)
    wanted = account_tags(context)
    if all(context.observed.account_tags.get(tag["Key"]) == tag["Value"] for tag in wanted):
        return None
    return write(
        "tag_account",
        "organizations",
        "TagResource",
        invalidates=("account_tags",),
        ResourceId=context.account_id,
        Tags=wanted,
    )


def ensure_contacts_ours(context: OnboardingContext) -> Decision | None:
    """The client's own contacts are remembered by the record, to be written back at hand-over."""
    for contact_type, wanted in context.reseller.contacts.items():
        if contact_type not in context.observed.contacts:
            return read_contact(context.account_id, contact_type)
        if context.observed.contacts[contact_type] != wanted:
            return put_contact(context.account_id, contact_type, wanted)
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


def ensure_named(context: OnboardingContext) -> Decision | None:
    """Only an account that we created has a name of ours: without the token of its creation.

    It is ours by its tag now, and its id is stored: nothing looks for its name any more. AWS takes
    up to four hours to show a changed name everywhere ("Update your AWS account name", Account
    Management Reference Guide), so what it accepted is remembered, and not waited for.
    """
    assert context.observed.account, "the account's standing was seen before"
    if context.request.kind is not OnboardingKind.CREATE:
        return None
    if (
        context.observed.account.name == context.request.account_name
        or NAMED in context.record.done
    ):
        return None
    return write(
        NAMED,
        "account",
        "PutAccountName",
        AccountId=context.account_id,
        AccountName=context.request.account_name,
    )


def account_tags(context: OnboardingContext) -> list[dict[str, str]]:
    return [
        {"Key": TAG_ONBOARDING, "Value": context.request.onboarding_id},
        {"Key": TAG_CLIENT, "Value": context.request.client_key},
    ]
