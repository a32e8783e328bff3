"""Owns the proof of access: every role lets in whom it should, and nobody without MFA or id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.accounts.calls import Actor, Call, Decision, NeedsHuman, Send, Session
from service.accounts.findings import Finding, warning
from service.accounts.granting import SESSION_SECONDS, role_path_of
from service.accounts.practice import Kind, Practice
from service.accounts.request import Request
from service.accounts.roles import RoleSpec, role_arn
from service.accounts.scene import Scene
from service.accounts.trust import TrustKind


def probe_user(team: str) -> str:
    """The IAM user in the access account that stands for a team; the trust asks for its name."""
    return f"msp-probe-{team}"


def proved(scene: Scene) -> Decision | None:
    """First what must succeed: before it does, a refusal may be no more than IAM's delay."""
    for call in (*access_probes(scene), *refusal_probes(scene)):
        if call.key in scene.record.proofs:
            continue
        passed = call.subject in scene.facts.probes and scene.facts.probes[call.subject] is None
        if call.expects_refusal and passed:
            return NeedsHuman(
                reason=f"{call.arguments['RoleArn']} can be assumed {_without(call)}",
                what_to_do="look at its trust policy now; the account is not safe",
            )
        return call
    return None


def _without(call: Call) -> str:
    return "without MFA" if call.session.actor is Actor.PERSON else "without its condition"


def access_probes(scene: Scene) -> Iterator[Call]:
    for spec in scene.request.roles:
        match spec.trust:
            case TrustKind.AUTOMATION:
                yield _probe(scene, spec.name, ExternalId=scene.request.external_id)
            case TrustKind.HUMAN_MFA if spec.team in scene.practice.probe_teams:
                yield _as_person(scene, spec, Actor.PERSON_WITH_MFA)


def refusal_probes(scene: Scene) -> Iterator[Call]:
    """Nobody is let in without MFA, permission set or ExternalId; nor by the first door."""
    for spec in scene.request.roles:
        if spec.trust is TrustKind.HUMAN_MFA and spec.team in scene.practice.probe_teams:
            yield _as_person(scene, spec, Actor.PERSON)
        else:
            yield _probe(scene, spec.name, refused=f"no {spec.name}")
    if scene.request.kind is not Kind.BILLING_TRANSFER:
        name = scene.practice.bootstrap_role
        yield _probe(scene, name, refused=f"no {name}")


def unproved(practice: Practice, request: Request) -> tuple[Finding, ...]:
    """Roles of people whom no probe user stands for: somebody has to click their link once."""
    return tuple(
        warning("access_unproved", spec.name, "open its link once, and see that it lets you in")
        for spec in request.roles
        if spec.trust is TrustKind.IDENTITY_CENTER
        or (spec.trust is TrustKind.HUMAN_MFA and spec.team not in practice.probe_teams)
    )


def _as_person(scene: Scene, spec: RoleSpec, actor: Actor) -> Call:
    refused = f"no {spec.name}" if actor is Actor.PERSON else ""
    session = Session(actor=actor, team=spec.team)
    return _probe(scene, spec.name, refused=refused, session=session)


def _probe(
    scene: Scene, role: str, *, refused: str = "", session: Session | None = None, **more: Any
) -> Call:
    """`refused` names the proof that the role does not let in; '' is the proof that it does."""
    session = session or Session()
    name = probe_user(session.team) if session.team else scene.request.onboarding_id
    path = role_path_of(role, scene.practice.bootstrap_role)
    return Call(
        step="prove_refusal" if refused else "prove_access",
        subject=refused or role,
        service="sts",
        operation="AssumeRole",
        arguments={
            "RoleArn": role_arn(scene.practice, scene.account_id, path),
            "RoleSessionName": name,
            "DurationSeconds": SESSION_SECONDS,
            **more,
        },
        send=Send.READ,
        session=session,
        tells="probes",
        expects_refusal=bool(refused),
    )
