"""Owns the refusal: why an export was not taken, in one line a person can act on."""

from __future__ import annotations


class IngestError(Exception):
    """Nothing was changed. `code` is stable; `where` names the file, row, column or key."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.code, self.where, self.message = code, _one_line(where), _one_line(message)

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.code}]"


def _one_line(text: str) -> str:
    """Names come from outside: control characters are shown, never obeyed."""
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return shown if len(shown) <= 400 else shown[:399] + "…"


__all__ = ["IngestError"]
