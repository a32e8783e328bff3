"""Owns the questions about root security: whose root was audited when, which test mails arrived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlmodel import col, select

from accounts.monitoring.mailbox_canary import Canary
from service.store import tables
from service.store.session import Session


def audited(session: Session, payer_account_id: str) -> Mapping[str, datetime]:
    """By account id, when its root was last looked at."""
    row = tables.root_security.RootAuditRow
    found = session.exec(select(row).where(col(row.payer_account_id) == payer_account_id))
    return {each.account_id: each.audited_at for each in found}


def note_audited(
    session: Session, payer_account_id: str, account_ids: Iterable[str], now: datetime
) -> None:
    for account_id in account_ids:
        session.merge(
            tables.root_security.RootAuditRow(
                account_id=account_id, payer_account_id=payer_account_id, audited_at=now
            )
        )
    session.flush()


def canaries(session: Session, payer_account_id: str, *, since: datetime) -> tuple[Canary, ...]:
    """The test mails written down since, oldest first."""
    row = tables.root_security.MailboxCanaryRow
    found = session.exec(
        select(row)
        .where(col(row.payer_account_id) == payer_account_id, col(row.written_at) >= since)
        .order_by(col(row.written_at), col(row.token))
    )
    return tuple(
        Canary(
            token=each.token,
            account_id=each.account_id,
            address=each.address,
            written_at=each.written_at,
            sent_at=each.sent_at,
            refusal=each.refusal,
            arrived_at=each.arrived_at,
        )
        for each in found
    )


def put_canaries(session: Session, payer_account_id: str, written: Iterable[Canary]) -> None:
    """New ones are added; of the others, what became of them is noted."""
    for canary in written:
        session.merge(
            tables.root_security.MailboxCanaryRow(
                token=canary.token,
                payer_account_id=payer_account_id,
                account_id=canary.account_id,
                address=canary.address,
                written_at=canary.written_at,
                sent_at=canary.sent_at,
                refusal=canary.refusal,
                arrived_at=canary.arrived_at,
            )
        )
    session.flush()
