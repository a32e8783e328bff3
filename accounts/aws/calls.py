"""Owns how a call to AWS is built: a read, a write that may be repeated, a write sent once."""

from __future__ import annotations

from typing import Any

from accounts.model.decision import Call, Send, Session

PAYER = Session()
"""The onboarding role in the payer account."""


def read(
    step: str,
    service: str,
    operation: str,
    *,
    fills: str = "",
    subject: str = "",
    session: Session = PAYER,
    **arguments: Any,
) -> Call:
    """`fills` names the field of what is observed that the answer fills."""
    return Call(
        step=step,
        subject=subject,
        service=service,
        operation=operation,
        arguments=arguments,
        send=Send.READ,
        session=session,
        fills=fills,
    )


def write(
    step: str,
    service: str,
    operation: str,
    *,
    invalidates: tuple[str, ...] = (),
    subject: str = "",
    session: Session = PAYER,
    batch: bool = False,
    **arguments: Any,
) -> Call:
    """One that AWS takes twice, or refuses harmlessly the second time."""
    return Call(
        step=step,
        subject=subject,
        service=service,
        operation=operation,
        arguments=arguments,
        send=Send.REPEATABLE,
        session=session,
        invalidates=invalidates,
        batch=batch,
    )


def write_identity(
    session: Session, step: str, operation: str, subject: str, **arguments: Any
) -> Call:
    """One of several writes to roles and policies, all sent before IAM is read again."""
    return write(step, "iam", operation, subject=subject, session=session, batch=True, **arguments)


def write_once(
    step: str,
    service: str,
    operation: str,
    *,
    invalidates: tuple[str, ...],
    session: Session = PAYER,
    **arguments: Any,
) -> Call:
    """One that AWS would carry out twice: its intent is stored first, then it is sent once."""
    return Call(
        step=step,
        service=service,
        operation=operation,
        arguments=arguments,
        send=Send.ONCE,
        session=session,
        invalidates=invalidates,
    )


def assume_role(
    step: str,
    *,
    role_arn: str,
    session_name: str,
    seconds: int,
    subject: str,
    session: Session = PAYER,
    expects_refusal: bool = False,
    awaits_client: bool = False,
    **arguments: Any,
) -> Call:
    """A probe: whether AWS lets `session` into the role is the answer, and nothing is changed."""
    return Call(
        step=step,
        subject=subject,
        service="sts",
        operation="AssumeRole",
        arguments={
            "RoleArn": role_arn,
            "RoleSessionName": session_name,
            "DurationSeconds": seconds,
            **arguments,
        },
        send=Send.READ,
        session=session,
        fills="probes",
        expects_refusal=expects_refusal,
        awaits_client=awaits_client,
    )
