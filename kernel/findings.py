"""Owns the finding: what a check noticed, and where, in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    CRITICAL = "critical"
    """Blocks: a client is parked, a period cannot be issued, or nothing is written to AWS."""
    WARNING = "warning"
    """Travels with the result and blocks nothing."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Expected trouble as a value: `code` is stable, `where` names what it is about.

    That is a client, file or figure of a bill; an account, role or statement of a policy.
    """

    severity: Severity
    code: str
    where: str
    message: str
    client: str = ""
    """The client this finding parks, or '' when it concerns the whole period."""


def critical(code: str, where: str, message: str) -> Finding:
    return Finding(Severity.CRITICAL, code, where, message)


def warning(code: str, where: str, message: str) -> Finding:
    return Finding(Severity.WARNING, code, where, message)


def is_blocked(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is Severity.CRITICAL for finding in findings)


def blocking_words(findings: Iterable[Finding]) -> str:
    """What blocks, in one line; '' where nothing does."""
    return "; ".join(each.message for each in findings if each.severity is Severity.CRITICAL)
