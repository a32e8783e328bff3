"""Owns giving an account to a client from a day on: dated, never written over."""

from __future__ import annotations

from datetime import date, datetime

from accounts.model.organization import check_account_id
from invoices.clients import AccountId, Assignment, OverlappingAssignments
from kernel.errors import BadInput, Refused
from service.actions.onboarding.own_accounts import check_not_ours
from service.store.access import audit
from service.store.billing import assignments, clients
from service.store.changes import configure_alone
from service.store.session import Session


class AccountTaken(Refused):
    code = "account_taken"


def assign_account(
    session: Session, account_id: str, client_key: str, from_on: date, *, actor: str, now: datetime
) -> tuple[Assignment, ...]:
    """The client's from that day on, and whoever had it until then no more from then on.

    All assignments of the account. Raises BadInput, AccountTaken where it is another's from later.
    """
    check_account_id(account_id)
    check_not_ours(session, account_id)
    configure_alone(session)
    if clients.client(session, client_key) is None:
        raise BadInput(f"there is no client {client_key!r}; add it under `clients` and apply")
    changes = []
    owner = clients.roster(session, account_id=account_id).client_of(AccountId(account_id), from_on)
    if owner is not None and owner != client_key:
        changes += assignments.unassign(session, account_id, from_on)
    try:
        changes += assignments.assign(session, account_id, client_key, from_on)
    except OverlappingAssignments as trouble:
        raise AccountTaken(str(trouble)) from trouble
    for change in changes:
        audit.record(
            session,
            actor=actor,
            action="assign_account",
            subject=change.subject,
            before=change.before,
            after=change.after,
            now=now,
        )
    return assignments_of(session, account_id)


def assignments_of(session: Session, account_id: str) -> tuple[Assignment, ...]:
    """By day."""
    found = clients.roster(session, account_id=account_id).assignments
    return tuple(sorted(found, key=lambda each: each.span.start))
