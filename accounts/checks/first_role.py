"""Owns how our first role comes to an account that AWS made by others' hand: by AWS's own.

An account that joined by invitation has none of AWS's; there its client deploys our template.
"""

from __future__ import annotations

from accounts.aws.calls import assume_role, write_identity
from accounts.aws.error_policy import is_denied
from accounts.aws.reads import read_roles
from accounts.checks.role_drift import find_role, write_trust
from accounts.checks.roles import SESSION_SECONDS, bootstrap_probe, is_let_in_by_aws_door
from accounts.engine.context import OnboardingContext
from accounts.iam.policy_documents import same_policy, to_text
from accounts.iam.role_catalogue import role_arn, tags_of
from accounts.iam.trust_policies import TRUST_NOBODY, automation_trust
from accounts.model.decision import Call, Decision, NeedsHuman, Session
from accounts.model.organization import AWS_DOOR, TAG_ONBOARDING


def ensure_first_role_placed(context: OnboardingContext) -> Decision | None:
    """None, too, where neither role lets us in: then it is the client's to deploy ours."""
    ours = bootstrap_probe(context)
    if ours.key in context.record.proofs or context.reseller.bootstrap_role == AWS_DOOR:
        return None
    trouble = context.record.troubles.get(ours.key)
    if trouble is None or not is_denied(trouble.refusal):
        return ours
    if not is_let_in_by_aws_door(context.record):
        return _knock_at_aws_door(context)
    return _place(context)


def _knock_at_aws_door(context: OnboardingContext) -> Call | None:
    """Its trust names the whole payer (Organizations User Guide, on the role), without an id."""
    call = assume_role(
        "enter_account",
        role_arn=role_arn(context.reseller, context.account_id, AWS_DOOR),
        session_name=context.request.onboarding_id,
        seconds=SESSION_SECONDS,
        subject=AWS_DOOR,
        awaits_client=True,
    )
    trouble = context.record.troubles.get(call.key)
    return None if trouble is not None and is_denied(trouble.refusal) else call


def _place(context: OnboardingContext) -> Decision | None:
    name, session = context.reseller.bootstrap_role, _by_aws_door(context)
    if context.observed.roles is None:
        return read_roles(session)
    seen = find_role(context.observed, name)
    if seen is not None and seen.tags.get(TAG_ONBOARDING) != context.request.onboarding_id:
        return NeedsHuman(
            reason=f"the account has a role {name} that does not let us in",
            what_to_do="see with the client whose it is, have it removed, then retry",
        )
    administrator = f"arn:{context.reseller.partition}:iam::aws:policy/AdministratorAccess"
    if seen is None:
        trust = automation_trust(context.reseller, external_id=context.request.external_id)
        tags = [{"Key": key, "Value": value} for key, value in tags_of(context.request).items()]
        call = write_identity(
            session, "create_role", "CreateRole", name,
            RoleName=name, Path="/", AssumeRolePolicyDocument=to_text(trust),
            MaxSessionDuration=3_600, Tags=tags,
        )  # fmt: skip
    elif administrator not in seen.managed_arns:
        call = write_identity(
            session, "attach_policy", "AttachRolePolicy", f"{name}/{administrator}",
            RoleName=name, PolicyArn=administrator,
        )  # fmt: skip
    else:
        return None
    return read_roles(session) if call.key in context.observed.written else call


def ensure_aws_door_shut(context: OnboardingContext) -> Decision | None:
    """Ours is there and proved to let us in; AWS's would let in everybody in the payer, MFA or not.

    It is shut and not deleted: whoever needs it again gives it a trust.
    """
    if context.reseller.bootstrap_role == AWS_DOOR:
        return None
    if context.observed.roles is None:
        return read_roles(context.member)
    seen = find_role(context.observed, AWS_DOOR)
    if seen is None or same_policy(seen.trust, TRUST_NOBODY):
        return None
    call = write_trust(context.member, AWS_DOOR, TRUST_NOBODY)
    return read_roles(context.member) if call.key in context.observed.written else call


def _by_aws_door(context: OnboardingContext) -> Session:
    arn = role_arn(context.reseller, context.account_id, AWS_DOOR)
    member = context.member
    return Session(actor=member.actor, account_id=member.account_id, role_arn=arn)
