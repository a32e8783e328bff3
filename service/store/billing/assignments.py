"""Owns the days on which an account begins and ceases to be a client's."""

from __future__ import annotations

from datetime import date

from invoices.clients import AccountId, Assignment, ClientKey
from invoices.periods import DaySpan
from service.store.billing import clients
from service.store.changes import Change, configure_alone
from service.store.session import Session


def assign(session: Session, account_id: str, client_key: str, from_on: date) -> list[Change]:
    """The client's from that day on; nothing where it is so. Raises OverlappingAssignments."""
    configure_alone(session)
    own = _spans(session, account_id, client_key)
    wanted = DaySpan(from_on, None)
    touched = [span for span in own if span.overlaps(wanted)]
    begins = min([from_on, *(span.start for span in touched)])
    kept = [span for span in own if span not in touched]
    return _put(session, account_id, client_key, [*kept, DaySpan(begins, None)])


def unassign(session: Session, account_id: str, until_on: date) -> list[Change]:
    """Whoever has it on the day before `until_on` has it no longer from that day on."""
    configure_alone(session)
    changes: list[Change] = []
    for assignment in clients.roster(session).assignments:
        span = assignment.span
        ends_later = span.end is None or span.end > until_on
        if assignment.account_id != account_id or span.start >= until_on or not ends_later:
            continue
        own = _spans(session, account_id, assignment.client)
        ended = [DaySpan(span.start, until_on) if each == span else each for each in own]
        changes += _put(session, account_id, assignment.client, ended)
    return changes


def _spans(session: Session, account_id: str, client_key: str) -> list[DaySpan]:
    return [
        assignment.span
        for assignment in clients.roster(session).assignments
        if assignment.account_id == account_id and assignment.client == client_key
    ]


def _put(session: Session, account_id: str, client_key: str, spans: list[DaySpan]) -> list[Change]:
    return clients.put_assignments(
        session,
        [Assignment(AccountId(account_id), ClientKey(client_key), span) for span in spans],
    )
