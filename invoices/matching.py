"""Owns which charges are meant: globs by column, and which of two matches says more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

MATCHED: tuple[str, ...] = (
    "service",
    "region",
    "usage_type",
    "operation",
    "kind",
    "billing_entity",
)
"""The columns of a charge that can be matched, besides its account."""

ACCOUNT = "account_id"
"""Matched where anything speaks of it: there are as many keys more as accounts."""


@dataclass(frozen=True, slots=True)
class Match:
    """Globs (`*`, `?`, case-sensitive) by column; a column left out matches everything."""

    service: str = "*"
    region: str = "*"
    usage_type: str = "*"
    operation: str = "*"
    kind: str = "*"
    billing_entity: str = "*"
    # Not in its text, of which the keys of lines at fixed rates are made (`line_names.py`): these
    # name the account. Its metadata is `ADDED_LATER` of `clients.py`.
    account_id: str = field(default="*", repr=False, metadata={"added_later": True})

    def takes(self, charge: Mapping[str, str]) -> bool:
        """`charge` has MATCHED, and ACCOUNT where the match speaks of it."""
        return all(is_like(charge[column], glob) for column, glob in self.said.items())

    @property
    def said(self) -> dict[str, str]:
        """The columns that it speaks of, each with its glob."""
        globs = {column: getattr(self, column) for column in (*MATCHED, ACCOUNT)}
        return {column: glob for column, glob in globs.items() if not is_any(glob)}


EVERYTHING = Match()


def specificity(match: Match) -> tuple[int, int, int]:
    """How much a match says: columns written out, columns with a glob, letters in those globs.

    Compared in this order, more is more specific. `*` says nothing; `?` says as much as a letter.

    - `service: AmazonEC2, region: eu-*` (1, 1, 3) beats `service: AmazonEC2` (1, 0, 0)
    - `service: AmazonEC2` (1, 0, 0) beats `service: Amazon*, region: eu-*` (0, 2, 9)
    - `usage_type: EU-Box*` (0, 1, 6) beats `usage_type: EU-*` (0, 1, 3)
    """
    said = match.said.values()
    wild = [glob for glob in said if "*" in glob or "?" in glob]
    letters = sum(len(glob.replace("*", "")) for glob in wild)
    return len(said) - len(wild), len(wild), letters


def is_like(value: str, glob: str) -> bool:
    """`*` and `?`, of the whole value, case-sensitive."""
    return bool(_regex(glob).fullmatch(value))


def is_any(glob: str) -> bool:
    """Whether it says nothing."""
    return glob != "" and set(glob) == {"*"}


@cache
def _regex(glob: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(letter) or re.escape(letter) for letter in glob), re.DOTALL)


__all__ = ["ACCOUNT", "EVERYTHING", "MATCHED", "Match", "is_any", "is_like", "specificity"]
