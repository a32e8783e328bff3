"""Owns what every way under our payer shares: reservation, a fit payer, tags, the assignment."""

from __future__ import annotations

from datetime import UTC

from accounts.aws.reads import read_account, read_organization
from accounts.engine.context import OnboardingContext
from accounts.model.decision import Assign, Decision, NeedsHuman, Reserve


def ensure_reserved(context: OnboardingContext) -> Decision | None:
    if context.record.reserved:
        return None
    return Reserve(email=context.request.email, account_name=context.request.asked_as)


def ensure_organization_fit(context: OnboardingContext) -> Decision | None:
    """Are we where we think we are, and may accounts be made there at all?"""
    organization = context.observed.organization
    if organization is None:
        return read_organization()
    if organization.payer_account_id != context.reseller.payer_account_id:
        return NeedsHuman(
            reason=f"the credentials belong to the payer {organization.payer_account_id}",
            what_to_do=f"use those of {context.reseller.payer_account_id}",
        )
    # Control policies exist with all features only (API reference, `EnableAllFeatures`).
    if not organization.all_features:
        return NeedsHuman(
            reason="the organization has consolidated billing only",
            what_to_do="enable all features of the organization",
        )
    return None


def ensure_assigned(context: OnboardingContext) -> Decision | None:
    """The account belongs to its client from the UTC day on which its bill came to be ours."""
    if context.record.assigned_on is not None:
        return None
    if context.request.transfer_starts_at is not None:
        day = context.request.transfer_starts_at.date()
    elif context.observed.account is None:
        return read_account(context.account_id)
    else:
        # AWS bills the payer from the moment of joining, and earlier usage to who paid before
        # (Billing User Guide, `useconsolidatedbilling-effective`):
        # `tests/unit/accounts/onboarding/test_creation.py`,
        # `test_a_created_account_is_the_clients_from_the_day_it_joined`.
        day = context.observed.account.joined_at.astimezone(UTC).date()
    return Assign(context.account_id, context.request.client_key, day)
