"""Owns how our roles come to an account: entered, bounded, placed, the bootstrap role tightened."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from accounts.aws.calls import assume_role
from accounts.aws.error_policy import is_denied
from accounts.aws.reads import read_roles, read_session_lengths
from accounts.checks.role_drift import (
    drift,
    find_role,
    is_ours,
    is_repairable,
    write_boundary,
    write_tags,
    write_trust,
)
from accounts.engine.context import OnboardingContext
from accounts.iam.policy_documents import same_policy
from accounts.iam.role_catalogue import (
    ROLE_PATH,
    boundary_arn,
    boundary_document,
    desired_role,
    tags_of,
)
from accounts.iam.trust_policies import automation_trust
from accounts.model.decision import Call, Decision, NeedsHuman, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.organization import AWS_DOOR, TAG_MANAGED, OnboardingKind
from accounts.model.record import Record
from accounts.model.role_spec import RoleSpec

SESSION_SECONDS = 900
"""Ours are short: one step each."""
KNOCKS_SOONEST, KNOCKS_LATEST = timedelta(minutes=15), timedelta(hours=6)
"""Between two tries to enter an account whose client has not let us in: the longer, the rarer."""


def ensure_entered(context: OnboardingContext) -> Decision | None:
    """The bootstrap role lets us in; of an invited account, once the client has deployed it."""
    call = bootstrap_probe(context)
    if call.key in context.record.proofs:
        return None
    trouble = context.record.troubles.get(call.key)
    if not call.awaits_client or trouble is None or not is_denied(trouble.refusal):
        return call
    waited = trouble.at - trouble.first_at
    again_at = trouble.at + min(max(waited / 8, KNOCKS_SOONEST), KNOCKS_LATEST)
    if not trouble.at <= context.now < again_at:  # see `engine/back_off.py`
        return call
    return Wait(
        kind=WaitKind.WAITING_CLIENT,
        reason=f"the client has to deploy the role {context.reseller.bootstrap_role} "
        "with the template we gave",
        again_at=again_at,
        aws_words=trouble.refusal.words,
    )


def bootstrap_probe(context: OnboardingContext) -> Call:
    """Whether the bootstrap role lets us in: at once where AWS or we made it, else the client."""
    made = context.request.kind is OnboardingKind.CREATE or is_let_in_by_aws_door(context.record)
    return assume_role(
        "enter_account",
        role_arn=context.bootstrap_arn,
        session_name=context.request.onboarding_id,
        seconds=SESSION_SECONDS,
        subject=context.reseller.bootstrap_role,
        awaits_client=not made,
        ExternalId=context.request.external_id,
    )


def is_let_in_by_aws_door(record: Record) -> bool:
    return f"enter_account:{AWS_DOOR}" in record.proofs


def ensure_bounded(context: OnboardingContext) -> Decision | None:
    if not any(spec.bounded for spec in context.request.roles):
        return None
    if context.observed.policies is None:
        return read_roles(context.member)
    arn = boundary_arn(context.reseller, context.account_id)
    call = write_boundary(
        arn=arn,
        document=boundary_document(context.reseller),
        seen=next((policy for policy in context.observed.policies if policy.arn == arn), None),
        session=context.member,
    )
    if call is not None and call.key in context.observed.written:
        return read_roles(context.member)
    return call


def ensure_roles_placed(context: OnboardingContext) -> Decision | None:
    return _ensure_placed(context, context.request.roles)


def ensure_as_granted(context: OnboardingContext) -> Decision | None:
    """Of a live account: roles that a person granted or revoked since, and no others."""
    return _ensure_placed(
        context, [spec for spec in context.request.roles if spec.name in context.request.teams]
    )


def _ensure_placed(context: OnboardingContext, specs: Iterable[RoleSpec]) -> Decision | None:
    if context.observed.roles is None:
        return read_roles(context.member)
    if context.observed.session_seconds is None:
        return read_session_lengths(context.member)
    for spec in specs:
        desired = desired_role(spec, context.reseller, context.request, context.account_id)
        seen = find_role(context.observed, spec.name)
        # CreateRole would only say that the name is taken:
        # `tests/unit/accounts/onboarding/test_invited.py`,
        # `test_a_role_name_of_the_clients_own_is_left_alone`.
        if seen is not None and not is_ours(seen):
            return NeedsHuman(
                reason=f"the account has a role {spec.name} that is not ours "
                f"(path {seen.path}, no tag {TAG_MANAGED}=true)",
                what_to_do="ask the client to rename or remove it, then retry",
            )
        for difference in drift(desired, context.observed, context.member):
            if not is_repairable(context.request, context.record.stage, difference):
                return NeedsHuman(
                    reason=f"the role {spec.name} was changed by the client: {difference.what}",
                    what_to_do="agree with the client, give the consent repair_roles, then retry",
                )
            if difference.repair.key not in context.observed.written:
                return difference.repair
    return read_roles(context.member) if context.observed.written else None


def ensure_bootstrap_tightened(context: OnboardingContext) -> Decision | None:
    """AWS makes it trusting the whole payer account, without MFA; after this, one role of ours."""
    name = context.reseller.bootstrap_role
    was_changed = any(key.endswith(f":{name}") for key in context.observed.written)
    if context.observed.roles is None or was_changed:
        return read_roles(context.member)
    seen = find_role(context.observed, name)
    trust = automation_trust(context.reseller, external_id=context.request.external_id)
    if seen is None:
        return NeedsHuman(
            reason=f"the role {name} let us in, and is not among the account's roles",
            what_to_do="see with the client who removed it, then retry",
        )
    # The role that AWS makes with an account trusts everybody in the payer who may call AssumeRole
    # (Organizations User Guide, on OrganizationAccountAccessRole).
    is_made_by_aws = context.request.kind is OnboardingKind.CREATE or (
        context.request.kind is OnboardingKind.ADOPT and name == AWS_DOOR
    )
    if not same_policy(seen.trust, trust):
        if is_made_by_aws:
            return write_trust(context.member, name, trust)
        return NeedsHuman(
            reason=f"the client's role {name} has another trust than our template",
            what_to_do="ask the client to deploy the template again, then retry",
        )
    tags = tags_of(context.request)
    if is_made_by_aws and not tags.items() <= dict(seen.tags).items():
        return write_tags(context.member, name, tags)
    return None


def role_path_of(name: str, bootstrap_role: str) -> str:
    """`MspAdmin` -> `msp/MspAdmin`; the bootstrap role has no path."""
    return name if name == bootstrap_role else ROLE_PATH.strip("/") + "/" + name
