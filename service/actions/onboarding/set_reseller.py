"""Owns describing the reseller's organization: its OU, guards, service roles, mailbox, contacts."""

from __future__ import annotations

from datetime import datetime

from accounts.model.contacts import check_reseller
from accounts.model.organization import Reseller
from service.store.access import audit
from service.store.accounts import resellers
from service.store.billing import sellers
from service.store.changes import Change
from service.store.session import Session


def set_reseller(
    session: Session, reseller: Reseller, *, actor: str, now: datetime
) -> tuple[Change, ...]:
    """Nothing where it is so already. Raises BadInput, UnknownPayer."""
    sellers.payer_account(session, reseller.payer_account_id)
    check_reseller(reseller)
    changes = resellers.put_reseller(session, reseller)
    for change in changes:
        audit.record(
            session,
            actor=actor,
            action="set_reseller",
            subject=change.subject,
            before=change.before,
            after=change.after,
            now=now,
        )
    return tuple(changes)
