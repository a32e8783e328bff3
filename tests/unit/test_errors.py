"""The tree of exceptions is the one that is drawn."""

from __future__ import annotations

import inspect
import re

from kernel import errors
from kernel.errors import RebillError

LINE = re.compile(r"^( *)[*+-] (\w+)", re.MULTILINE)


def drawn() -> dict[str, str]:
    """Each class of the drawing, and the class it is drawn under."""
    above: list[tuple[int, str]] = []
    parents = {}
    for indent, name in LINE.findall(errors.__doc__ or ""):
        above = [(depth, each) for depth, each in above if depth < len(indent)]
        parents[name] = above[-1][1] if above else "Exception"
        above.append((len(indent), name))
    return parents


def test_the_tree_is_as_drawn() -> None:
    ours = [
        each
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if each.__module__ == errors.__name__
    ]

    assert RebillError in ours
    assert {each.__name__: each.__bases__[0].__name__ for each in ours} == drawn()
