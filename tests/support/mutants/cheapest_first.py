"""Owns which tests a mutant meets: the cheapest first, for the first that fails ends it, and no
more than some seconds of them, for one that lives would meet all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from mutmut.mutation.trampoline import get_mutant_under_test

MEASURED = Path("mutmut-stats.json")
"""What mutmut measured without a mutant. It runs the tests in the folder of this file."""

MOST_SECONDS = 6.0
"""What only a test beyond them notices counts as not noticed: the score can but be too low."""

_seconds: dict[str, float] = {}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """No escapes in a name: pytest finds no test by such a one where it has collected before."""
    spelled = ascii(val)
    if isinstance(val, str | bytes) and "\\" in spelled:
        return f"{argname}-{hashlib.sha256(spelled.encode()).hexdigest()[:8]}"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not _seconds and MEASURED.exists():
        _seconds.update(json.loads(MEASURED.read_text(encoding="utf-8"))["duration_by_test"])
    items.sort(key=lambda item: _seconds.get(item.nodeid, 0.0))
    if "__mutmut_" not in get_mutant_under_test():
        return
    spent = 0.0
    for number, item in enumerate(items):
        spent += _seconds.get(item.nodeid, 0.0)
        if number and spent > MOST_SECONDS:
            config.hook.pytest_deselected(items=items[number:])
            del items[number:]
            return


def pytest_collection_finish(session: pytest.Session) -> None:
    """Mutants are forked from a process that only collected: Polars' threads would not be there.

    Each mutant would wait for them until its time is over.
    """
    threads = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    if session.config.option.collectonly and any(name.startswith("polars-0") for name in threads):
        raise pytest.UsageError("a test uses Polars when it is imported: do so within the test")
