"""Owns the days on which an account begins and ceases to be a client's."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlmodel import col, select

from invoices.clients import AccountId, Assignment, ClientKey
from invoices.periods import DaySpan
from service.store import tables
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
    for assignment in clients.roster(session, account_id=account_id).assignments:
        span = assignment.span
        ends_later = span.end is None or span.end > until_on
        if span.start >= until_on or not ends_later:
            continue
        own = _spans(session, account_id, assignment.client)
        ended = [DaySpan(span.start, until_on) if each == span else each for each in own]
        changes += _put(session, account_id, assignment.client, ended)
    return changes


def other_owner(
    session: Session, account_id: str, client_key: str, from_on: date
) -> ClientKey | None:
    """The first client but this one that has the account on that day or will have it later."""
    row = tables.configuration.AssignmentRow
    found = session.exec(
        select(row.client_key)
        .where(
            col(row.account_id) == account_id,
            col(row.client_key) != client_key,
            sa.or_(col(row.ends_on).is_(None), col(row.ends_on) > from_on),
        )
        .order_by(col(row.starts_on))
        .limit(1)
    ).first()
    return None if found is None else ClientKey(found)


def free_from(session: Session, account_id: str, client_key: str, joined_on: date) -> date:
    """From when an account that was ours before can be the client's: nothing is written over.

    The first day of what it has already, else the day on which it ceased to be anybody's.
    """
    every = clients.roster(session, account_id=account_id).assignments
    own = [each.span.start for each in every if each.client == client_key and not each.span.end]
    ended = [each.span.end for each in every if each.span.end]
    return own[0] if own else max([joined_on, *ended])


def _spans(session: Session, account_id: str, client_key: str) -> list[DaySpan]:
    return [
        assignment.span
        for assignment in clients.roster(session, account_id=account_id).assignments
        if assignment.client == client_key
    ]


def _put(session: Session, account_id: str, client_key: str, spans: list[DaySpan]) -> list[Change]:
    return clients.put_assignments(
        session,
        [Assignment(AccountId(account_id), ClientKey(client_key), span) for span in spans],
    )
