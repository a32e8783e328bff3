"""Owns the globs of rules and items: `*` and `?`, of the whole value, case-sensitive."""

from __future__ import annotations

import re
from functools import cache


def is_like(value: str, glob: str) -> bool:
    return bool(_regex(glob).fullmatch(value))


def is_any(glob: str) -> bool:
    """Whether it says nothing."""
    return glob != "" and set(glob) == {"*"}


@cache
def _regex(glob: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(letter) or re.escape(letter) for letter in glob), re.DOTALL)
