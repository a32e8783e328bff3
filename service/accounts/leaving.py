"""Owns what a hand-over is asked to be, and what its decisions are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from service.accounts.calls import Actor, Decision, NeedsHuman, Session
from service.accounts.facts import Facts
from service.accounts.practice import Practice
from service.accounts.record import Record
from service.accounts.request import Request
from service.accounts.scene import Scene

LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Exit(StrEnum):
    """How an account leaves."""

    TRANSFER = "transfer"
    """Straight into the client's own organization; the best way since November 2025."""
    STANDALONE = "standalone"
    CLOSE = "close"
    END_BILLING = "end_billing"
    """A billing transfer ends with a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    request: Request
    """The onboarding that brought the account here: its client, roles and ExternalId."""
    exit: Exit
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
    asked_at: datetime = LONG_AGO
    """Proofs from before are of an earlier, aborted hand-over, or of the way in."""
    aborted: bool = False
    final_invoice_issued: bool = False
    """Told by billing: the last month with charges of the account is final and issued."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """One visit of a hand-over."""

    practice: Practice
    handover: Handover
    facts: Facts
    record: Record
    now: datetime
    codes: Mapping[str, str]

    @property
    def scene(self) -> Scene:
        return Scene(self.practice, self.handover.request, self.facts, self.record, self.now)

    @property
    def account_id(self) -> str:
        return self.scene.account_id

    @property
    def offboard(self) -> Session:
        return Session(actor=Actor.OFFBOARD)

    @property
    def member(self) -> Session:
        """In the account by the bootstrap role, also after it left our organization."""
        return replace(self.scene.member, via=Actor.OFFBOARD)


LeavingGoal = Callable[[Leaving], Decision | None]


def attested_by_a_person(leaving: Leaving, item: str, what_to_do: str) -> Decision | None:
    """AWS cannot be asked; a person says so, and is named in the proof."""
    proof = leaving.record.proofs.get(item)
    if proof is not None and proof.at >= leaving.handover.asked_at:
        return None
    return NeedsHuman(reason=f"nobody has confirmed {item} yet", what_to_do=what_to_do)
