"""Owns the way in: what the next step of an onboarding is, from what is seen and remembered.

The shell repeats: `next_step` -> perform -> `heard` or `entered` -> store, until told to wait.
Facts are made anew on every visit, so what is decided was seen just now; the record is durable.
Only a call with `Send.ONCE` needs its intent stored first (`intended`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from service.accounts.calls import (
    Answer,
    Call,
    Decision,
    Done,
    NeedsHuman,
    Reach,
    Refusal,
    Wait,
)
from service.accounts.creating import created, creations_of
from service.accounts.depending import FAMILY as LEAVING
from service.accounts.depending import dependency_findings
from service.accounts.facts import Facts
from service.accounts.findings import Finding
from service.accounts.granting import (
    as_granted,
    bootstrap_tightened,
    bounded,
    entered,
    roles_placed,
)
from service.accounts.guarding import (
    budgeted,
    cost_tag_active,
    cost_tag_findings,
    guarded,
    root_audited,
    root_findings,
)
from service.accounts.inviting import (
    handshake_of,
    invited,
    joined,
    transfer_asked,
    transfer_of,
    transferred,
)
from service.accounts.learning import learn, tells
from service.accounts.life import Stage, has_reached
from service.accounts.linking import assigned, organization_fit, reserved
from service.accounts.practice import Kind, Practice
from service.accounts.proving import proved, unproved
from service.accounts.record import Record, answered, attributed
from service.accounts.refusals import Means, is_denied, meaning_of
from service.accounts.request import Request
from service.accounts.scene import Goal, Scene
from service.accounts.settling import contacts_ours, in_good_standing, in_its_ou, named, tagged

Plan = tuple[tuple[Stage, tuple[Goal, ...]], ...]
"""Each stage, and what has to be so before it is reached, in order."""

_SETTLED = (in_its_ou, tagged, contacts_ours, named)
_GRANTED = (entered, bounded, roles_placed, bootstrap_tightened)
# The door is the client's: where it is not as our template has it, nothing is put behind it.
_LET_IN = (entered, bootstrap_tightened, bounded, roles_placed)
_GUARDED = (root_audited, guarded, budgeted, cost_tag_active, proved)

PLANS: dict[Kind, Plan] = {
    Kind.CREATE: (
        (Stage.RESERVED, (reserved,)),
        (Stage.CREATING, (organization_fit,)),
        (Stage.LINKED, (created, assigned)),
        (Stage.IN_OU, _SETTLED),
        (Stage.ROLES_IN_PLACE, _GRANTED),
        (Stage.VERIFIED, _GUARDED),
        (Stage.LIVE, ()),
    ),
    Kind.INVITE: (
        (Stage.INVITED, (organization_fit, invited)),
        (Stage.LINKED, (joined, assigned)),
        (Stage.IN_OU, _SETTLED),
        (Stage.ROLES_IN_PLACE, _LET_IN),
        (Stage.VERIFIED, _GUARDED),
        (Stage.LIVE, ()),
    ),
    # No organization of ours, no root, no roles but those the client deploys.
    Kind.BILLING_TRANSFER: (
        (Stage.INVITED, (organization_fit, transfer_asked)),
        (Stage.LINKED, (transferred, assigned)),
        (Stage.VERIFIED, (proved,)),
        (Stage.LIVE, ()),
    ),
}
GRANTED_ANEW: tuple[Goal, ...] = (as_granted, proved)
"""What has to be so again in a live account whose grants a person changed."""
_BACKOFF_MAX = timedelta(minutes=15)


def next_step(
    practice: Practice, request: Request, facts: Facts, record: Record, now: datetime
) -> Decision:
    """The one thing to do now, from what is seen and remembered; the same for the same."""
    return tempered(_wanted(Scene(practice, request, facts, record, now)), record, now)


def heard(
    request: Request, facts: Facts, record: Record, call: Call, answer: Answer, now: datetime
) -> tuple[Facts, Record]:
    """What is seen and remembered after a call was answered or refused."""
    told = tells(call, answer)
    facts = learn(facts, call, answer)
    record = answered(record, call, {} if told and isinstance(answer, Refusal) else answer, now)
    return facts, _remembered(request, facts, record, call) if told else record


def _remembered(request: Request, facts: Facts, record: Record, call: Call) -> Record:
    """What of the facts outlives the visit."""
    match call.tells:
        case "creations":
            return attributed(record, creations_of(request, facts))
        case "handshakes" if handshake := handshake_of(request, facts, record):
            return replace(record, handshake_id=handshake.handshake_id)
        case "transfers" if transfer := transfer_of(request, facts, record):
            return replace(record, transfer_id=transfer.transfer_id)
        case "contacts" if call.subject not in record.prior_contacts:
            kept = {**record.prior_contacts, call.subject: facts.contacts[call.subject]}
            return replace(record, prior_contacts=kept)
        case "root":
            return _with_findings(record, root_findings(record.account_id, facts), "root_")
        case "stack_sets" | "dependencies":
            found = dependency_findings(record.account_id, facts)
            return _with_findings(record, found, LEAVING)
        case "cost_tags":
            return _with_findings(record, cost_tag_findings(facts, request), "cost_tag_")
    return record


def _with_findings(record: Record, found: Mapping[str, Finding], family: str) -> Record:
    others = {code: each for code, each in record.findings.items() if not code.startswith(family)}
    return replace(record, findings={**others, **found})


def tempered(decision: Decision, record: Record, now: datetime) -> Decision:
    """A step that AWS refused before is not sent again before it is worth it."""
    if not isinstance(decision, Call) or decision.key not in record.troubles:
        return decision
    trouble = record.troubles[decision.key]
    if decision.awaits_client and is_denied(trouble.refusal):
        return decision
    meaning = meaning_of(trouble.refusal)
    words = trouble.refusal.words
    if meaning.means in (Means.ASK, Means.STOP_ALL):
        return NeedsHuman(
            reason=f"AWS refused {decision.operation}",
            what_to_do=meaning.what_to_do,
            aws_words=words,
            stops_all=meaning.means is Means.STOP_ALL,
        )
    if trouble.at - trouble.first_at >= meaning.patience and meaning.means is not Means.WAIT:
        return NeedsHuman(
            reason=f"AWS has refused {decision.operation} since {trouble.first_at:%Y-%m-%d %H:%M}",
            what_to_do=meaning.what_to_do or "see what AWS says, then retry",
            aws_words=words,
        )
    pause = meaning.again_after
    if meaning.means is Means.TRY_AGAIN:
        pause = min(timedelta(seconds=2) * 2 ** min(trouble.attempts, 10), _BACKOFF_MAX)
    if now >= trouble.at + pause:
        return decision
    return Wait(
        kind=meaning.wait_kind,
        reason=meaning.what_to_do or f"AWS refused {decision.operation}; it is tried again",
        again_at=trouble.at + pause,
        aws_words=words,
    )


def plan_of(request: Request) -> tuple[tuple[Stage, tuple[str, ...]], ...]:
    """The plan in words, for `validate_only` and the steps table."""
    return tuple(
        (stage, tuple(goal.__name__ for goal in goals)) for stage, goals in PLANS[request.kind]
    )


def open_findings(practice: Practice, request: Request, record: Record) -> tuple[Finding, ...]:
    """What a person should still look at in an account that is live."""
    return tuple(sorted((*record.findings.values(), *unproved(practice, request))))


def _wanted(scene: Scene) -> Decision:
    for stage, goals in PLANS[scene.request.kind]:
        if has_reached(scene.record.stage, stage):
            continue
        for goal in (*_always(scene), *goals):
            decision = goal(scene)
            if decision is not None:
                return decision
        return Reach(stage)
    if scene.record.stage is Stage.LIVE and proved(scene) is not None:
        for goal in (*_always(scene), *GRANTED_ANEW):
            decision = goal(scene)
            if decision is not None:
                return decision
    return Done(open_findings(scene.practice, scene.request, scene.record))


def _always(scene: Scene) -> Iterator[Goal]:
    linked = bool(scene.record.account_id) and scene.request.kind is not Kind.BILLING_TRANSFER
    if linked:
        yield in_good_standing
