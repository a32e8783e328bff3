"""Owns the chain of a series: what a link says of a document or a file, and its hash.

What is hashed here is hashed so for ever: another form would break every chain there is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum

from invoices.documents.document import content_id

START = "0" * 64
"""What the first link of a series follows."""


class Origin(StrEnum):
    ISSUE = "issue"
    """Linked in the transaction that made it."""
    UPGRADE = "upgrade"
    """There before its series had links: it is proven from the upgrade on, not from its issue."""


@dataclass(frozen=True, slots=True)
class LinkedDocument:
    """A document's row, whole; the body by its hash."""

    document_id: int
    number: str
    ordinal: int
    draft_id: int
    payer_account_id: str
    client: str
    period: str
    body_sha256: str
    bodies_sha256: str
    """Of all bodies of the series up to this one."""
    issued_on: date
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A rendering's row; the bytes by their hash."""

    document_id: int
    format: str
    bytes_sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LinkPlace:
    """Where a link stands."""

    series: str
    position: int
    """From 1, without a gap."""
    origin: str
    """An Origin; another word is a damage, and changes the hash."""


@dataclass(frozen=True, slots=True)
class Head:
    """A link that was the last of its series at some time."""

    series: str
    position: int
    chain_sha256: str
    number: str
    """The last one of the series up to there."""


def said_by(place: LinkPlace, facts: LinkedDocument | LinkedFile) -> Mapping[str, object]:
    """Everything that a link says."""
    if isinstance(facts, LinkedDocument):
        # Equal instants are spelled otherwise in other time zones, and the session's is its own.
        facts = replace(facts, issued_at=facts.issued_at.astimezone(UTC))
    return {"place": place, type(facts).__name__: facts}


def link_sha256(before: str, place: LinkPlace, facts: LinkedDocument | LinkedFile) -> str:
    """Of the link before, which holds all before it, and of everything this one says."""
    said_sha256 = content_id(said_by(place, facts))
    return hashlib.sha256(f"{before}{said_sha256}".encode()).hexdigest()


__all__ = [
    "START",
    "Head",
    "LinkPlace",
    "LinkedDocument",
    "LinkedFile",
    "Origin",
    "link_sha256",
    "said_by",
]
