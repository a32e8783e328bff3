"""Owns finding our own creations, invitations and transfers among those that AWS lists."""

from __future__ import annotations

from accounts.model.observed import Observed, ObservedCreation, ObservedHandshake, ObservedTransfer
from accounts.model.record import Record
from accounts.model.request import AccountRequest


def creations_of(request: AccountRequest, observed: Observed) -> tuple[ObservedCreation, ...]:
    """Ours, by the name that carries our id: a row keeps the name that was asked for."""
    name = request.asked_as
    return tuple(row for row in observed.creations or () if row.account_name == name)


_ALIVE = frozenset({"OPEN", "REQUESTED", "ACCEPTED"})


def handshake_of(
    request: AccountRequest, observed: Observed, record: Record
) -> ObservedHandshake | None:
    """Ours, known by its id, its notes, or as the open one to this account; the newest.

    One that ended, and that a person's retry gave up, is ours no more.
    """
    target = request.account_id or request.email
    rows = [
        row
        for row in observed.handshakes or ()
        # AWS keeps an ended handshake in its list for 30 days (API reference,
        # `ListHandshakesForOrganization`): `tests/unit/accounts/onboarding/test_invited.py`,
        # `test_an_ended_invitation_asks_a_person_and_retry_sends_a_new_one`.
        if (row.handshake_id not in record.past_handshakes or row.state in _ALIVE)
        and (
            row.handshake_id == record.handshake_id
            or request.onboarding_id in row.notes.split()
            or (row.target.lower() == target.lower() and row.state in ("OPEN", "REQUESTED"))
        )
    ]
    return max(rows, key=lambda row: row.requested_at, default=None)


def transfer_of(
    request: AccountRequest, observed: Observed, record: Record
) -> ObservedTransfer | None:
    """From this management account; one that ended, and was given up, is ours no more."""
    rows = [
        row
        for row in observed.transfers or ()
        if row.source_account_id == request.account_id
        and (row.transfer_id not in record.past_handshakes or row.status in _ALIVE)
    ]
    return max(rows, key=lambda row: row.starts_at, default=None)
