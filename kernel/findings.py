"""Owns the finding: what a check noticed, and where, in words an operator can act on."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    CRITICAL = "critical"
    """Blocks: the client is parked, or nothing of the period can be issued."""
    WARNING = "warning"
    """Travels with the result and blocks nothing."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Expected trouble as a value: `code` is stable, `where` names a client, file or figure."""

    severity: Severity
    code: str
    where: str
    message: str
    client: str = ""
    """The client this finding parks, or '' when it concerns the whole period."""
