"""Owns what one onboarding or hand-over remembers between visits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from accounts.model.decision import (
    Refusal,
)
from accounts.model.lifecycle import Stage
from accounts.model.organization import Contact
from kernel.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Written before a call that is sent once: AWS may have got it even if nothing came back."""

    step: str
    number: int
    at: datetime
    request_id: str = ""
    failure: str = ""
    """Why it surely did not happen, in AWS's words; '' while it may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The last refusal of one step, and how often in a row it was refused."""

    refusal: Refusal
    attempts: int
    at: datetime
    first_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a person or a client can be shown: the step, when, and what AWS or the person said."""

    at: datetime
    words: str
    by: str = ""
    """The person, or '' for the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    stage: Stage = Stage.REQUESTED
    reserved: bool = False
    account_id: str = ""
    intents: tuple[Intent, ...] = ()
    forgiven: int = 0
    """How many intents a person's retry has written off."""
    handshake_id: str = ""
    past_handshakes: frozenset[str] = frozenset()
    """Those (and transfers) that a person's retry gave up, should they have ended."""
    transfer_id: str = ""
    assigned_on: date | None = None
    unassigned_on: date | None = None
    grants_revoked: bool = False
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    prior_contacts: Mapping[str, Contact | None] = field(default_factory=dict)
    """The client's own alternate contacts, to be written back at hand-over."""
    done: frozenset[str] = frozenset()
    """Writes that AWS cannot be asked about afterwards."""
    findings: Mapping[str, Finding] = field(default_factory=dict)
    """What a person should look at, by code; blocks nothing."""

    @property
    def is_any_unsure(self) -> bool:
        """Was something sent once whose fate is unknown? AWS may have done it."""
        return any(not intent.failure for intent in self.intents)

    def intents_for(self, step: str) -> tuple[Intent, ...]:
        """Those that count: not written off."""
        return tuple(intent for intent in self.intents[self.forgiven :] if intent.step == step)
