"""Owns how our roles come to be in the account: entered, bounded, placed, the first door shut."""

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
from accounts.model.decision import Decision, NeedsHuman, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.organization import TAG_MANAGED, OnboardingKind
from accounts.model.role_spec import RoleSpec

SESSION_SECONDS = 900
"""Ours are short: one step each."""
KNOCKS_SOONEST, KNOCKS_LATEST = timedelta(minutes=15), timedelta(hours=6)
"""Between two tries to enter an account whose client has not let us in: the longer, the rarer."""


def ensure_entered(scene: OnboardingContext) -> Decision | None:
    """The bootstrap role lets us in; of an invited account, once the client has deployed it."""
    call = assume_role(
        "enter_account",
        role_arn=scene.bootstrap_arn,
        session_name=scene.request.onboarding_id,
        seconds=SESSION_SECONDS,
        subject=scene.practice.bootstrap_role,
        awaits_client=scene.request.kind is not OnboardingKind.CREATE,
        ExternalId=scene.request.external_id,
    )
    if call.key in scene.record.proofs:
        return None
    trouble = scene.record.troubles.get(call.key)
    if (
        scene.request.kind is OnboardingKind.CREATE
        or trouble is None
        or not is_denied(trouble.refusal)
    ):
        return call
    waited = trouble.at - trouble.first_at
    again_at = trouble.at + min(max(waited / 8, KNOCKS_SOONEST), KNOCKS_LATEST)
    if scene.now >= again_at:
        return call
    return Wait(
        kind=WaitKind.WAITING_CLIENT,
        reason=f"the client has to deploy the role {scene.practice.bootstrap_role} "
        "with the template we gave",
        again_at=again_at,
        aws_words=trouble.refusal.words,
    )


def ensure_bounded(scene: OnboardingContext) -> Decision | None:
    if not any(spec.bounded for spec in scene.request.roles):
        return None
    if scene.facts.policies is None:
        return read_roles(scene.member)
    arn = boundary_arn(scene.practice, scene.account_id)
    call = write_boundary(
        arn=arn,
        document=boundary_document(scene.practice),
        seen=next((policy for policy in scene.facts.policies if policy.arn == arn), None),
        session=scene.member,
    )
    if call is not None and call.key in scene.facts.written:
        return read_roles(scene.member)
    return call


def ensure_roles_placed(scene: OnboardingContext) -> Decision | None:
    return _ensure_placed(scene, scene.request.roles)


def ensure_as_granted(scene: OnboardingContext) -> Decision | None:
    """Of a live account: roles that a person granted or revoked since, and no others."""
    return _ensure_placed(
        scene, [spec for spec in scene.request.roles if spec.name in scene.request.teams]
    )


def _ensure_placed(scene: OnboardingContext, specs: Iterable[RoleSpec]) -> Decision | None:
    if scene.facts.roles is None:
        return read_roles(scene.member)
    if scene.facts.session_seconds is None:
        return read_session_lengths(scene.member)
    for spec in specs:
        desired = desired_role(spec, scene.practice, scene.request, scene.account_id)
        seen = find_role(scene.facts, spec.name)
        if seen is not None and not is_ours(seen):
            return NeedsHuman(
                reason=f"the account has a role {spec.name} that is not ours "
                f"(path {seen.path}, no tag {TAG_MANAGED}=true)",
                what_to_do="ask the client to rename or remove it, then retry",
            )
        for difference in drift(desired, scene.facts, scene.member):
            if not is_repairable(scene.request, scene.record.stage, difference):
                return NeedsHuman(
                    reason=f"the role {spec.name} was changed by the client: {difference.what}",
                    what_to_do="agree with the client, give the consent repair_roles, then retry",
                )
            if difference.repair.key not in scene.facts.written:
                return difference.repair
    return read_roles(scene.member) if scene.facts.written else None


def ensure_bootstrap_tightened(scene: OnboardingContext) -> Decision | None:
    """AWS makes it trusting the whole payer account, without MFA; after this, one role of ours."""
    name = scene.practice.bootstrap_role
    was_changed = any(key.endswith(f":{name}") for key in scene.facts.written)
    if scene.facts.roles is None or was_changed:
        return read_roles(scene.member)
    seen = find_role(scene.facts, name)
    trust = automation_trust(scene.practice, external_id=scene.request.external_id)
    if seen is None:
        return NeedsHuman(
            reason=f"the role {name} let us in, and is not among the account's roles",
            what_to_do="see with the client who removed it, then retry",
        )
    if not same_policy(seen.trust, trust):
        if scene.request.kind is OnboardingKind.CREATE:
            return write_trust(scene.member, name, trust)
        return NeedsHuman(
            reason=f"the client's role {name} has another trust than our template",
            what_to_do="ask the client to deploy the template again, then retry",
        )
    tags = tags_of(scene.request)
    if scene.request.kind is OnboardingKind.CREATE and dict(seen.tags).items() < tags.items():
        return write_tags(scene.member, name, tags)
    return None


def role_path_of(name: str, bootstrap_role: str) -> str:
    """`MspAdmin` -> `msp/MspAdmin`; the bootstrap role has no path."""
    return name if name == bootstrap_role else ROLE_PATH.strip("/") + "/" + name
