"""Owns the refusals of a file: what of it cannot be read, where, and as what."""

from __future__ import annotations

from collections.abc import Iterable


class BadFile(ValueError):
    """A file that cannot be read as what it should be."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")


class MissingColumns(BadFile):
    def __init__(self, file: str, columns: Iterable[str]) -> None:
        super().__init__(file, f"no column {', '.join(columns)}")


class _BadCell(BadFile):
    """Rows count from 1, without the header."""

    what = ""

    def __init__(self, file: str, row: int, column: str, text: str) -> None:
        super().__init__(file, f"row {row}, column {column}: {text[:80]!r} is not {self.what}")


class BadAmount(_BadCell):
    """A cell that is no finite decimal number of at most 28 digits before the point."""

    what = "an amount"


class BadDay(_BadCell):
    what = "a time"


class BadText(_BadCell):
    what = "UTF-8: the file is damaged"


class BadMap(_BadCell):
    what = "a JSON object of amounts or texts"


def require(columns: Iterable[str], header: Iterable[str], file: str) -> None:
    missing = set(columns) - set(header)
    if missing:
        raise MissingColumns(file, sorted(missing))


__all__ = [
    "BadAmount",
    "BadDay",
    "BadFile",
    "BadMap",
    "BadText",
    "MissingColumns",
    "require",
]
