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


def ensure_root_email_given(context: HandoverContext) -> Decision | None:
    """AWS sends a code to the client's mailbox, and the client gives it to us."""
    email = context.observed.primary_email
    if email is None:
        return read(
            "see_root_email",
            "account",
            "GetPrimaryEmail",
            fills="primary_email",
            session=OFFBOARD,
            AccountId=context.account_id,
        )
    client_email = context.handover.client_email
    if email.lower() == client_email.lower():
        return None
    start = write(
        "start_root_email",
        "account",
        "StartPrimaryEmailUpdate",
        session=OFFBOARD,
        AccountId=context.account_id,
        PrimaryEmail=client_email,
    )
    if not _is_started(context, start):
        return start
    if "root_email" in context.codes:
        return _accept(
            context,
            "root_email",
            "AcceptPrimaryEmailUpdate",
            start=start,
            fact="primary_email",
            PrimaryEmail=client_email,
        )
    if (trouble := context.record.troubles.get(start.key)) is not None:
        return NeedsHuman(
            reason=f"AWS sends no new code to {client_email}",
            what_to_do="give the code that came, if one did; else another AWS account has the "
            "address: abort, and ask again with another",
            aws_words=trouble.refusal.words,
        )
    return _wait_for_code(context, "root_email", f"read the code sent to {client_email}")


def ensure_contact_information_given(context: HandoverContext) -> Decision | None:
    seen, wanted = context.observed.contact_information, context.handover.client_contact
    if seen is None:
        return _see_contact_information(context)
    if all(seen.get(key) == value for key, value in wanted.items()):
        return None
    return write(
        "put_contact_information",
        "account",
        "PutContactInformation",
        session=OFFBOARD,
        AccountId=context.account_id,
        invalidates=("contact_information", "phone_verification"),
        ContactInformation=dict(wanted),
    )


def ensure_phone_verified(context: HandoverContext) -> Decision | None:
    status = context.observed.phone_verification
    if status is None:
        return _see_contact_information(context)
    if status in ("VERIFIED", "NOT_SUPPORTED"):
        return None
    send = write(
        "send_phone_code",
        "account",
        "SendPhoneNumberVerification",
        session=OFFBOARD,
        AccountId=context.account_id,
    )
    if not _is_started(context, send):
        return send
    if "phone" in context.codes:
        return _accept(
            context,
            "phone",
            "VerifyPhoneNumber",
            start=send,
            fact="phone_verification",
        )
    return _wait_for_code(context, "phone", "read the code sent to its phone")


def ensure_password_recovery_allowed(context: HandoverContext) -> Decision | None:
    """A login profile for root reveals no password; it lets the mailbox's owner recover one."""
    task = replace(context.onboarding.root("IAMCreateRootUserPassword"), via=Actor.OFFBOARD)
    call = write("allow_password_recovery", "iam", "CreateLoginProfile", session=task)
    trouble = context.record.troubles.get(call.key)
    there_already = trouble is not None and trouble.refusal.code == "EntityAlreadyExists"
    # AWS says that it exists already where recovery is allowed:
    # `tests/unit/sandbox_aws/test_root.py`,
    # `test_a_password_can_be_recovered_only_after_it_was_allowed`.
    return None if there_already or call.key in context.record.done else call


def ensure_root_signed_in(context: HandoverContext) -> Decision | None:
    return ensure_attested(
        context, "root_sign_in", "have the client sign in as root, set a password and MFA"
    )


def _see_contact_information(context: HandoverContext) -> Call:
    return read(
        "see_contact_information",
        "account",
        "GetContactInformation",
        fills="contact_information",
        session=OFFBOARD,
        AccountId=context.account_id,
    )


def _is_started(context: HandoverContext, call: Call) -> bool:
    trouble = context.record.troubles.get(call.key)
    conflicts = trouble.attempts if trouble and trouble.refusal.code in _PENDING else 0
    return conflicts >= CONFLICTS_MAX or call.key in context.record.done


def _accept(
    context: HandoverContext, item: str, operation: str, *, start: Call, fact: str, **arguments: Any
) -> Call:
    """A code that AWS refuses is good for nothing: another one is sent, by `start` again."""
    call = write(
        code_step(item),
        "account",
        operation,
        invalidates=(fact,),
        session=OFFBOARD,
        AccountId=context.account_id,
        Otp=context.codes[item],
        **arguments,
    )
    return replace(call, resends=start.key, uses_code_of=item, secrets=("Otp",))


def _wait_for_code(context: HandoverContext, item: str, what: str) -> Wait:
    refused = context.record.troubles.get(code_step(item))
    return Wait(
        kind=WaitKind.WAITING_CLIENT,
        reason=f"the client has to {what}",
        again_at=context.now + timedelta(hours=1),
        aws_words=f"of the last one: {refused.refusal.words}" if refused else "",
    )
