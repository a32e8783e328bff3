"""Owns the client's way back into its account: root's e-mail, contact, phone, password, MFA."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from accounts.aws.calls import read, write
from accounts.engine.transitions import code_step
from accounts.handover.context import HandoverContext, ensure_attested
from accounts.model.decision import Actor, Call, Decision, NeedsHuman, Session, Wait
from accounts.model.lifecycle import WaitKind

_PENDING = frozenset({"ConflictException"})
OFFBOARD = Session(actor=Actor.OFFBOARD)
CONFLICTS_MAX = 3
"""AWS says the same of a code under way, of an address in use, and of two changes at once. Only the
last of these passes, so a start is tried so often before it is believed."""


def ensure_root_email_given(leaving: HandoverContext) -> Decision | None:
    """AWS sends a code to the client's mailbox, and the client gives it to us."""
    email = leaving.facts.primary_email
    if email is None:
        return read(
            "see_root_email",
            "account",
            "GetPrimaryEmail",
            fills="primary_email",
            session=OFFBOARD,
            AccountId=leaving.account_id,
        )
    client_email = leaving.handover.client_email
    if email.lower() == client_email.lower():
        return None
    start = write(
        "start_root_email",
        "account",
        "StartPrimaryEmailUpdate",
        session=OFFBOARD,
        AccountId=leaving.account_id,
        PrimaryEmail=client_email,
    )
    if not _is_started(leaving, start):
        return start
    if "root_email" in leaving.codes:
        return _accept(
            leaving,
            "root_email",
            "AcceptPrimaryEmailUpdate",
            start=start,
            fact="primary_email",
            PrimaryEmail=client_email,
        )
    if (trouble := leaving.record.troubles.get(start.key)) is not None:
        return NeedsHuman(
            reason=f"AWS sends no new code to {client_email}",
            what_to_do="give the code that came, if one did; else another AWS account has the "
            "address: abort, and ask again with another",
            aws_words=trouble.refusal.words,
        )
    return _wait_for_code(leaving, "root_email", f"read the code sent to {client_email}")


def ensure_contact_information_given(leaving: HandoverContext) -> Decision | None:
    seen, wanted = leaving.facts.contact_information, leaving.handover.client_contact
    if seen is None:
        return _see_contact_information(leaving)
    if all(seen.get(key) == value for key, value in wanted.items()):
        return None
    return write(
        "put_contact_information",
        "account",
        "PutContactInformation",
        session=OFFBOARD,
        AccountId=leaving.account_id,
        invalidates=("contact_information", "phone_verification"),
        ContactInformation=dict(wanted),
    )


def ensure_phone_verified(leaving: HandoverContext) -> Decision | None:
    status = leaving.facts.phone_verification
    if status is None:
        return _see_contact_information(leaving)
    if status in ("VERIFIED", "NOT_SUPPORTED"):
        return None
    send = write(
        "send_phone_code",
        "account",
        "SendPhoneNumberVerification",
        session=OFFBOARD,
        AccountId=leaving.account_id,
    )
    if not _is_started(leaving, send):
        return send
    if "phone" in leaving.codes:
        return _accept(
            leaving,
            "phone",
            "VerifyPhoneNumber",
            start=send,
            fact="phone_verification",
        )
    return _wait_for_code(leaving, "phone", "read the code sent to its phone")


def ensure_password_recovery_allowed(leaving: HandoverContext) -> Decision | None:
    """A login profile for root reveals no password; it lets the mailbox's owner recover one."""
    task = replace(leaving.scene.root("IAMCreateRootUserPassword"), via=Actor.OFFBOARD)
    call = write("allow_password_recovery", "iam", "CreateLoginProfile", session=task)
    trouble = leaving.record.troubles.get(call.key)
    there_already = trouble is not None and trouble.refusal.code == "EntityAlreadyExists"
    return None if there_already or call.key in leaving.record.done else call


def ensure_root_signed_in(leaving: HandoverContext) -> Decision | None:
    return ensure_attested(
        leaving, "root_sign_in", "have the client sign in as root, set a password and MFA"
    )


def _see_contact_information(leaving: HandoverContext) -> Call:
    return read(
        "see_contact_information",
        "account",
        "GetContactInformation",
        fills="contact_information",
        session=OFFBOARD,
        AccountId=leaving.account_id,
    )


def _is_started(leaving: HandoverContext, call: Call) -> bool:
    trouble = leaving.record.troubles.get(call.key)
    conflicts = trouble.attempts if trouble and trouble.refusal.code in _PENDING else 0
    return conflicts >= CONFLICTS_MAX or call.key in leaving.record.done


def _accept(
    leaving: HandoverContext, item: str, operation: str, *, start: Call, fact: str, **arguments: Any
) -> Call:
    """A code that AWS refuses is good for nothing: another one is sent, by `start` again."""
    call = write(
        code_step(item),
        "account",
        operation,
        invalidates=(fact,),
        session=OFFBOARD,
        AccountId=leaving.account_id,
        Otp=leaving.codes[item],
        **arguments,
    )
    return replace(call, renews=start.key, spends=item, secrets=("Otp",))


def _wait_for_code(leaving: HandoverContext, item: str, what: str) -> Wait:
    refused = leaving.record.troubles.get(code_step(item))
    return Wait(
        kind=WaitKind.WAITING_CLIENT,
        reason=f"the client has to {what}",
        again_at=leaving.now + timedelta(hours=1),
        aws_words=f"of the last one: {refused.refusal.words}" if refused else "",
    )
