"""Owns the proof of access: every role lets in whom it should, and nobody without MFA or id."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from accounts.aws.calls import assume_role
from accounts.checks.roles import SESSION_SECONDS, role_path_of
from accounts.engine.context import OnboardingContext
from accounts.engine.transitions import all_shown
from accounts.iam.role_catalogue import role_arn
from accounts.model.decision import Actor, Call, Decision, NeedsHuman, Session, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.organization import OnboardingKind, Reseller
from accounts.model.record import Record
from accounts.model.request import AccountRequest
from accounts.model.role_spec import RoleSpec, TrustKind
from kernel.findings import Finding, warning

PROVE_ACCESS, PROVE_REFUSAL = "prove_access", "prove_refusal"
# IAM is spread over AWS with a delay that it puts in no figure (IAM User Guide, "Changes that I
# make are not always immediately visible"):
# `tests/jobs/onboarding/test_grants.py::test_iam_may_take_its_time`.
IAM_DELAY_MAX = timedelta(minutes=5)


def probe_user(team: str) -> str:
    """The IAM user in the access account that stands for a team; the trust asks for its name."""
    return f"msp-probe-{team}"


def ensure_proved(context: OnboardingContext) -> Decision | None:
    """First what must succeed: before it does, a refusal may be no more than IAM's delay."""
    for call in (*access_probes(context), *refusal_probes(context)):
        if call.key in context.record.proofs:
            continue
        passed = (
            call.subject in context.observed.probes
            and context.observed.probes[call.subject] is None
        )
        if call.expects_refusal and passed:
            if _is_within_iam_delay(context, call):
                return Wait(
                    kind=WaitKind.WAITING_AWS,
                    reason=f"{call.subject}: IAM still lets them in; it is tried again",
                    again_at=context.now + timedelta(seconds=10),
                )
            return NeedsHuman(
                reason=f"{call.arguments['RoleArn']} can be assumed {_without(call)}",
                what_to_do="look at its trust policy now; the account is not safe",
            )
        return call
    return None


def _is_within_iam_delay(context: OnboardingContext, call: Call) -> bool:
    """A change of IAM reaches all regions within a minute or two."""
    if call.session.actor is not Actor.PERSON_WITH_MFA:
        return False
    return context.now - context.record.troubles[call.key].first_at < IAM_DELAY_MAX


def _without(call: Call) -> str:
    match call.session.actor:
        case Actor.PERSON:
            return "without MFA"
        case Actor.PERSON_WITH_MFA:
            return f"by the team {call.session.team}, which does not hold it"
    return "without its condition"


def access_probes(context: OnboardingContext) -> Iterator[Call]:
    for spec in context.request.roles:
        match spec.trust:
            case TrustKind.AUTOMATION:
                yield _probe(context, spec.name, ExternalId=context.request.external_id)
            case TrustKind.HUMAN_MFA:
                for team in _teams_to_try(context, spec):
                    yield _probe_as_person(context, spec, team, Actor.PERSON_WITH_MFA)


def refusal_probes(context: OnboardingContext) -> Iterator[Call]:
    """Nobody is let in without MFA, permission set or ExternalId; nor by the bootstrap role."""
    for spec in context.request.roles:
        tried = _teams_to_try(context, spec) if spec.trust is TrustKind.HUMAN_MFA else ()
        for team in tried:
            yield _probe_as_person(context, spec, team, Actor.PERSON)
        if not tried:
            yield _probe(context, spec.name, refused=f"no {spec.name}")
        if spec.name in context.request.teams:
            yield from _outsider_probes(context, spec)
    if context.request.kind is not OnboardingKind.BILLING_TRANSFER:
        name = context.reseller.bootstrap_role
        yield _probe(context, name, refused=f"no {name}")


def _teams_to_try(context: OnboardingContext, spec: RoleSpec) -> tuple[str, ...]:
    """Teams that hold the role, and that a probe user stands for."""
    return tuple(t for t in context.request.teams_of(spec) if t in context.reseller.probe_teams)


def _outsider_probes(context: OnboardingContext, spec: RoleSpec) -> Iterator[Call]:
    """Of a role that was granted anew: who does not hold it is refused even with MFA."""
    for team in sorted(context.reseller.probe_teams - set(context.request.teams_of(spec))):
        session = Session(actor=Actor.PERSON_WITH_MFA, team=team)
        yield _probe(context, spec.name, refused=f"{spec.name} shut to {team}", session=session)


def unproved_findings(reseller: Reseller, request: AccountRequest) -> tuple[Finding, ...]:
    """Roles of people whom no probe user stands for: somebody has to click their link once."""
    return tuple(
        warning("access_unproved", spec.name, "open its link once, and see that it lets you in")
        for spec in request.roles
        if (spec.trust is TrustKind.IDENTITY_CENTER and request.teams_of(spec))
        or (spec.trust is TrustKind.HUMAN_MFA and not _has_probe_users(reseller, request, spec))
    )


def _has_probe_users(reseller: Reseller, request: AccountRequest, spec: RoleSpec) -> bool:
    return set(request.teams_of(spec)) <= reseller.probe_teams


def forget_proofs(record: Record, roles: Collection[str]) -> Record:
    """What was proved of these roles is to be proved again, and no change before counts."""
    record = all_shown(record)
    kept = {key: proof for key, proof in record.proofs.items() if not _is_of(key, roles)}
    troubles = {key: each for key, each in record.troubles.items() if not _is_of(key, roles)}
    return replace(record, proofs=kept, troubles=troubles)


def forget_all_proofs(record: Record) -> Record:
    """Of an account that is live: what was placed in it is looked at once more, and put right."""
    return replace(
        record,
        proofs={key: each for key, each in record.proofs.items() if not _is_probe(key)},
        troubles={},
    )


def is_any_proved(record: Record) -> bool:
    return any(map(_is_probe, record.proofs))


def _is_probe(key: str) -> bool:
    return key.partition(":")[0] in (PROVE_ACCESS, PROVE_REFUSAL)


def _is_of(key: str, roles: Collection[str]) -> bool:
    subject = key.partition(":")[2]
    return _is_probe(key) and bool(set(subject.split()) & set(roles))


def _probe_as_person(context: OnboardingContext, spec: RoleSpec, team: str, actor: Actor) -> Call:
    """`MspAdmin` is the catalogue's team's, `MspAdmin for oncall` another's."""
    subject = spec.name if team == spec.team else f"{spec.name} for {team}"
    session = Session(actor=actor, team=team)
    if actor is Actor.PERSON:
        return _probe(context, spec.name, refused=f"no {subject}", session=session)
    return _probe(context, spec.name, subject=subject, session=session)


def _probe(
    context: OnboardingContext,
    role: str,
    *,
    subject: str = "",
    refused: str = "",
    session: Session | None = None,
    **more: Any,
) -> Call:
    """`refused` names the proof that the role does not let in; '' is the proof that it does."""
    session = session or Session()
    name = probe_user(session.team) if session.team else context.request.onboarding_id
    path = role_path_of(role, context.reseller.bootstrap_role)
    return assume_role(
        PROVE_REFUSAL if refused else PROVE_ACCESS,
        role_arn=role_arn(context.reseller, context.account_id, path),
        session_name=name,
        seconds=SESSION_SECONDS,
        subject=refused or subject or role,
        session=session,
        expects_refusal=bool(refused),
        **more,
    )
