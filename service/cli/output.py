"""Owns what a command prints but for tables: text, one JSON object, one line of trouble."""

import json
import sys
from collections.abc import Callable
from typing import Any, TextIO

Report = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is (0 when unknown)."""

_UNPRINTED = dict.fromkeys(map(ord, "\a\b\v\f\r"))
"""Names come from outside: none of them rings, nor writes over what stands there."""


def say(text: str = "") -> None:
    _print(text, sys.stdout)


def complain(text: str) -> None:
    note(f"rebill: {text}")


def note(text: str) -> None:
    """Beside the answer, on standard error."""
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    """At once: in a pipe, somebody may wait for the line."""
    stream.write(text.translate(_UNPRINTED) + "\n")
    stream.flush()


def write(text: str) -> None:
    """A file's text, as it is."""
    sys.stdout.write(text)


def print_json(value: Any) -> None:
    """One JSON object on standard output and nothing else."""
    sys.stdout.write(json_text(value))


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
