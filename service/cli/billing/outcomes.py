"""Owns what a command came to for each of several payers: in a word, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import typer

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from kernel.errors import Refused
from kernel.findings import Finding, Severity
from service.cli import output
from service.cli.application import EXIT_BAD_INPUT, EXIT_FINDING
from service.cli.tables import print_table


@dataclass(frozen=True, slots=True)
class PayerOutcome:
    """`status` is the exit status that it asks for."""

    payer_account_id: AccountId
    word: str
    why: str = ""
    status: int = 0

    def to_json(self) -> dict[str, str]:
        shown = {"payer_account_id": self.payer_account_id, "outcome": self.word}
        return shown | {"why": self.why}


def done(payer: AccountId, findings: Iterable[Finding], what: str) -> PayerOutcome:
    """Critical findings say what could not be done; `what` says what was, where there are none."""
    stopped = [each for each in findings if each.severity is Severity.CRITICAL]
    if not stopped:
        return PayerOutcome(payer, "done", what)
    others = f" (and {len(stopped) - 1} more)" if len(stopped) > 1 else ""
    why = f"{stopped[0].code}: {stopped[0].message}{others}"
    return PayerOutcome(payer, "done in part", why, EXIT_FINDING)


def refused(payer: AccountId, reason: Refused, status: int = EXIT_BAD_INPUT) -> PayerOutcome:
    return PayerOutcome(payer, "not done", str(reason), status)


def without_charges(payers: Iterable[AccountId], period: BillingPeriod) -> list[PayerOutcome]:
    """Told, because one may have been forgotten; it may as well have ended."""
    return [
        PayerOutcome(each, "no charges", f"no export of {period} is ingested") for each in payers
    ]


def in_order(outcomes: Iterable[PayerOutcome]) -> list[PayerOutcome]:
    return sorted(outcomes, key=lambda each: each.payer_account_id)


def print_outcomes(period: BillingPeriod, outcomes: Sequence[PayerOutcome]) -> None:
    """Nothing of a single payer, whose findings say it all."""
    if len(outcomes) < 2:
        return
    rows = [(each.payer_account_id, str(period), each.word, each.why) for each in outcomes]
    print_table(f"{period}: payers", ("payer", "period", "outcome", "why"), rows)


def complain_of_refused(outcomes: Iterable[PayerOutcome]) -> None:
    for each in outcomes:
        if each.word == "not done":
            output.complain(f"{each.payer_account_id}: {each.why}")


def exit_by_the_worst(outcomes: Iterable[PayerOutcome]) -> None:
    status = max((each.status for each in outcomes), default=0)
    if status:
        raise typer.Exit(status)
