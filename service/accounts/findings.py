"""Owns the finding of the accounts core: what was noticed about an account, role or policy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    CRITICAL = "critical"
    """Blocks: nothing is written to AWS while it stands."""
    WARNING = "warning"
    """Is shown, and blocks nothing."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Expected trouble as a value: `code` is stable, `where` names account, role or statement."""

    severity: Severity
    code: str
    where: str
    message: str


def critical(code: str, where: str, message: str) -> Finding:
    return Finding(Severity.CRITICAL, code, where, message)


def warning(code: str, where: str, message: str) -> Finding:
    return Finding(Severity.WARNING, code, where, message)


def blocks(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is Severity.CRITICAL for finding in findings)


def blocking_words(findings: Iterable[Finding]) -> str:
    """What blocks, in one line; '' where nothing does."""
    return "; ".join(each.message for each in findings if each.severity is Severity.CRITICAL)
