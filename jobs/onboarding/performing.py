"""Owns how a decided call becomes one that is sent, and AWS's reply an answer."""

from __future__ import annotations

import re
from datetime import datetime

from accounts.model.decision import Actor, Answer, Call, Refusal, Send, Session
from jobs.aws import signers
from jobs.aws.calls import Answered, AwsRefused, Caller, Reply, Sent, SignedBy
from jobs.onboarding.analyzing import unsound
from service.store.accounts.onboarding_events import Event
from service.store.tables.onboarding import EventKind, EventOutcome

WORDS_CHARS_MAX = 500


def perform(caller: Caller, call: Call, *, onboarding_id: str, person: str) -> Reply:
    """A policy that Access Analyzer finds fault with is not sent."""
    refused = unsound(caller, call)
    return refused or caller.send(to_sent(call, onboarding_id=onboarding_id, person=person))


def to_sent(call: Call, *, onboarding_id: str, person: str) -> Sent:
    return Sent(
        service=call.service,
        operation=call.operation,
        arguments=call.arguments,
        signed_by=_signed_by(call.session, onboarding_id=onboarding_id, person=person),
        once=call.send is Send.ONCE,
        region=call.region,
    )


def _signed_by(session: Session, *, onboarding_id: str, person: str) -> SignedBy:
    match session.actor:
        case Actor.ONBOARD | Actor.OFFBOARD | Actor.SETUP | Actor.ACCESS:
            return SignedBy(signer=_SERVICE[session.actor])
        case Actor.PERSON:
            return SignedBy(signer=signers.PROBE.format(team=session.team))
        case Actor.PERSON_WITH_MFA:
            return SignedBy(signer=signers.PROBE.format(team=session.team), with_mfa=True)
        case Actor.MEMBER:
            return SignedBy(
                signer=_SERVICE[session.via],
                role_arn=session.role_arn,
                external_id=session.external_id,
                session_name=onboarding_id,
                source_identity=_source_identity(session, person),
            )
        case Actor.ROOT:
            return SignedBy(
                signer=_SERVICE[session.via],
                root_of=session.account_id,
                task_policy_arn=session.task_policy_arn,
            )


_SERVICE = {
    Actor.ONBOARD: signers.ONBOARD,
    Actor.OFFBOARD: signers.OFFBOARD,
    Actor.SETUP: signers.SETUP,
    Actor.ACCESS: signers.ACCESS,
}


def _source_identity(session: Session, person: str) -> str:
    """On the way out CloudTrail names the person who asked.

    On the way in it names nobody: AWS makes the first role with a trust that lets no one say so.
    """
    # A trust has to allow `sts:SetSourceIdentity` by itself:
    # `tests/unit/sandbox_aws/test_trust.py::test_a_source_identity_needs_its_own_permission`.
    if session.via is not Actor.OFFBOARD:
        return ""
    return re.sub(r"[^\w+=,.@-]", "-", person, flags=re.ASCII)[:64]


def to_answer(reply: Reply) -> Answer:
    match reply:
        case Answered(values=values):
            return values
        case AwsRefused():
            return Refusal(code=reply.code, reason=reply.reason, message=reply.message)


def to_event(call: Call, reply: Reply, at: datetime) -> Event:
    """Of what was sent only the operation: arguments may hold what is secret."""
    outcome, words = EventOutcome.OK, ""
    answer = to_answer(reply)
    if isinstance(answer, Refusal):
        lost = answer.code == "ResponseLost"
        outcome, words = EventOutcome.LOST if lost else EventOutcome.REFUSED, answer.words
    return Event(
        at=at,
        kind=EventKind.CALL,
        step=call.key,
        outcome=outcome,
        words=words[:WORDS_CHARS_MAX],
        operation=f"{call.service}:{call.operation}",
        request_id=reply.request_id,
    )
