"""Owns how each step changes what one onboarding or hand-over remembers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from accounts.aws.error_policy import LET_IN, NOT_SHOWN, has_surely_failed, is_denied, is_final
from accounts.aws.responses import to_observed_creation
from accounts.model.decision import (
    Adopt,
    Answer,
    Assign,
    Call,
    Entry,
    Reach,
    Refusal,
    Reserve,
    RevokeGrants,
    Send,
    Unassign,
)
from accounts.model.lifecycle import reach
from accounts.model.observed import ObservedCreation
from accounts.model.record import Intent, Proof, Record, Trouble


def record_intent(record: Record, call: Call, now: datetime) -> Record:
    """Before a call with Send.ONCE: store and commit this record, and only then send."""
    # The intent is in the store before AWS gets the call, whatever happens between:
    # `tests/jobs/onboarding/test_create.py`,
    # `test_what_cannot_be_repeated_is_written_down_before_it_is_sent`.
    assert call.send is Send.ONCE, call
    intent = Intent(step=call.step, number=len(record.intents) + 1, at=now)
    return replace(record, intents=(*record.intents, intent))


def record_outcome(record: Record, call: Call, answer: Answer, now: datetime) -> Record:
    """After a call: troubles, request ids, and what is remembered of it."""
    if isinstance(answer, Refusal):
        if call.expects_refusal and is_denied(answer):
            return _record_proof(record, call, answer.words, now)
        return _record_refusal(record, call, answer, now)
    if call.expects_refusal:
        return _record_refusal(record, call, LET_IN, now)
    # A write that is taken again is not shown any more for that.
    troubles = {
        key: trouble
        for key, trouble in record.troubles.items()
        if key != call.key or trouble.refusal == NOT_SHOWN
    }
    record = replace(record, troubles=troubles)
    match call.operation:
        case "CreateAccount":
            return attribute_creations(
                record, (to_observed_creation(answer["CreateAccountStatus"]),)
            )
        case "InviteAccountToOrganization" | "InviteOrganizationToTransferResponsibility":
            return replace(record, handshake_id=answer["Handshake"]["Id"])
        case "AssumeRole":
            return _record_proof(record, call, "AssumeRole succeeded", now)
    if call.send is not Send.READ and not call.invalidates and not call.batch:
        return replace(record, done=record.done | {call.key})
    return record


def attribute_creations(record: Record, creations: tuple[ObservedCreation, ...]) -> Record:
    """Our own rows of the status list, matched to the intents they answer, the latest first.

    An older intent still unanswered was waited for, and never came to be.
    """
    for row in sorted(creations, key=lambda row: row.requested_at, reverse=True):
        known = [i for i in record.intents if i.request_id == row.request_id]
        waiting = [i for i in record.intents if not i.request_id and not i.failure]
        for intent in (known or waiting)[-1:]:
            told = replace(intent, request_id=row.request_id, failure=row.failure)
            intents = tuple(told if each == intent else each for each in record.intents)
            record = replace(record, intents=intents)
    return record


def apply_entry(record: Record, entry: Entry) -> Record:
    """After an entry was made in our store."""
    match entry:
        case Reserve():
            return replace(record, reserved=True)
        case Adopt(account_id=account_id):
            return replace(record, account_id=account_id)
        case Assign(from_on=day):
            return replace(record, assigned_on=day)
        case Unassign(until_on=day):
            return replace(record, unassigned_on=day)
        case RevokeGrants():
            return replace(record, grants_revoked=True)
        case Reach(stage=stage):
            return replace(all_shown(record), stage=reach(record.stage, stage))


def all_shown(record: Record) -> Record:
    """What AWS took was seen to be so: that it was late says nothing of the next change."""
    troubles = {key: each for key, each in record.troubles.items() if each.refusal != NOT_SHOWN}
    return replace(record, troubles=troubles)


def begin_handover(record: Record) -> Record:
    """A hand-over begins: what an aborted one sent, and was refused, says nothing of this one."""
    return replace(record, done=frozenset(), troubles={})


def replace_code(record: Record, item: str) -> Record:
    """The client read out another code: that AWS refused the last one counts no more."""
    troubles = {key: each for key, each in record.troubles.items() if key != code_step(item)}
    return replace(record, troubles=troubles)


def code_step(item: str) -> str:
    """The step that uses up the one-time code of an item."""
    return f"accept_{item}"


def retry(record: Record) -> Record:
    """A person corrected what was wrong: troubles are forgotten, failed attempts written off.

    An attempt whose fate is unknown is never written off: it may have made the account.
    """
    failed = 0
    for intent in record.intents:
        if not intent.failure:
            break
        failed += 1
    past = record.past_handshakes | ({record.handshake_id, record.transfer_id} - {""})
    return replace(
        record,
        troubles={},
        forgiven=failed,
        handshake_id="",
        transfer_id="",
        past_handshakes=past,
        done=frozenset(),
    )


def attest(record: Record, item: str, proof: Proof) -> Record:
    """A person attests what AWS cannot be asked."""
    assert proof.by, "an attestation names its person"
    return replace(record, proofs={**record.proofs, item: proof})


def _record_proof(record: Record, call: Call, words: str, now: datetime) -> Record:
    proof = Proof(at=now, words=words)
    return replace(record, proofs={**record.proofs, call.key: proof})


def _record_refusal(record: Record, call: Call, refusal: Refusal, now: datetime) -> Record:
    before = record.troubles.get(call.key)
    if before is not None and (before.refusal == NOT_SHOWN) != (refusal == NOT_SHOWN):
        before = None
    trouble = Trouble(
        refusal=refusal,
        attempts=before.attempts + 1 if before else 1,
        at=now,
        first_at=before.first_at if before else now,
    )
    record = replace(record, troubles={**record.troubles, call.key: trouble})
    if call.resends and is_final(refusal):
        troubles = {key: each for key, each in record.troubles.items() if key != call.resends}
        record = replace(record, done=record.done - {call.resends}, troubles=troubles)
    if call.send is Send.ONCE and has_surely_failed(refusal):
        return _record_failure(record, call.step, refusal.reason or refusal.code)
    return record


def _record_failure(record: Record, step: str, failure: str) -> Record:
    last = record.intents[-1]
    assert last.step == step, f"{step} was sent without an intent"
    return replace(record, intents=(*record.intents[:-1], replace(last, failure=failure)))
