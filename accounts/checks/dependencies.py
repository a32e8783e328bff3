"""Owns what depends on us in an account: what AWS answered when asked, in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.model.observed import Observed
from accounts.model.record import Record
from kernel.findings import Finding, warning

FAMILY = "leaving_"
"""How the codes of these findings begin."""


STACKS = "see_stacks"


PEOPLE = "see_people"


CODES = {
    STACKS: ("stack_sets", "is managed by the StackSet {what}; nobody updates its stacks then"),
    "see_shares_given": ("shares_given", "shares {what} with others; who is outside loses it"),
    "see_shares_taken": ("shares_taken", "uses what is shared with it as {what}, and may lose it"),
    PEOPLE: ("people", "is reached by people with {what} of Identity Center, who lose it"),
    "see_reservations": ("reservations", "has bought {what}; they go with it, for nobody else"),
    "see_savings_plans": ("savings_plans", "has bought {what}; they go with it, for nobody else"),
}


def dependencies_of(record: Record) -> list[Finding]:
    return sorted(each for code, each in record.findings.items() if code.startswith(FAMILY))


def dependency_findings(account_id: str, observed: Observed) -> Mapping[str, Finding]:
    """In plain words, by code: what was found of what was asked so far."""
    named: dict[str, list[str]] = {}
    for key, names in observed.dependencies.items():
        step, _, subject = key.partition(":")
        if step in CODES and names:
            named.setdefault(step, []).extend([subject] if step == STACKS else sorted(names))
    return {
        FAMILY + code: warning(FAMILY + code, account_id, words.format(what=", ".join(named[step])))
        for step, (code, words) in CODES.items()
        if step in named
    }
