"""Owns what a hand-over is asked to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from accounts.model.request import AccountRequest

NEVER = datetime.min.replace(tzinfo=UTC)


class HandoverKind(StrEnum):
    """How an account leaves."""

    TRANSFER = "transfer"
    """Straight into the client's own organization; the best way since November 2025."""
    STANDALONE = "standalone"
    CLOSE = "close"
    END_BILLING = "end_billing"
    """A billing transfer ends with a month."""


SELF_ASSERTED = "(self-asserted)"
"""Behind a name that somebody gave for themselves, and no system vouches for."""


def is_same_person(first: str, second: str) -> bool:
    """Whoever says to be somebody is not a second person beside them."""
    names = (each.removesuffix(SELF_ASSERTED).strip().casefold() for each in (first, second))
    return next(names) == next(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    request: AccountRequest
    """The onboarding that brought the account here: its client, roles and ExternalId."""
    exit: HandoverKind
    asked_by: str
    approvals: Mapping[str, str] = field(default_factory=dict)
    """Who approved a dangerous item of the checklist, by its key."""
    client_email: str = ""
    """The client's own address, root's from now on."""
    client_contact: Mapping[str, str] = field(default_factory=dict)
    """AWS's ContactInformation."""
    registered_roles: tuple[str, ...] = ()
    """ARNs of every role of ours ever registered for the account."""
    ends_at: datetime | None = None
    """Of a billing transfer: the last second of a month, UTC."""
    asked_at: datetime = NEVER
    """Proofs from before are of an earlier, aborted hand-over, or of the way in."""
    aborted: bool = False
    final_invoice_issued: bool = False
    """Told by billing: the last month with charges of the account is final and issued."""
