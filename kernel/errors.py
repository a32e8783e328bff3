"""Owns our exceptions: what happened, in one line of plain words; who shows them decides how.

* RebillError
  - BadInput             what was given cannot be right: says what, where, and what to do
    + IngestError        an AWS export cannot be taken in: its file, row or column
  - Refused              the request is understood, and the answer is no
    + NotFound           there is no such thing, or not for you
    + NoEstimate         Cost Explorer has nothing to say of the month, or answers nonsense
    + DamagedSnapshot    kept charges are lost, or no longer what they were
  - Unavailable          something we need does not answer; try again
    + CostExplorerFails  Cost Explorer refuses, or does not answer

A package adds children of its own beside what raises them. All trouble that we expect is in this
tree, so whoever shows it catches `RebillError`, and imports nothing of who raised it.
"""


class RebillError(Exception):
    """`code` is stable; the message is one line for a person."""

    code = "error"


class BadInput(RebillError):
    code = "bad_input"


class IngestError(BadInput):
    """Nothing was changed. `code` is stable; `where` names the file, row, column or key."""

    code = "ingest"

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.code, self.where, self.message = code, _one_line(where), _one_line(message)

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.code}]"


def _one_line(text: str) -> str:
    """Names come from outside: control characters are shown, never obeyed."""
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return shown if len(shown) <= 400 else shown[:399] + "…"


class Refused(RebillError):
    code = "refused"


class NotFound(Refused):
    code = "not_found"


class NoEstimate(Refused):
    code = "no_estimate"


class DamagedSnapshot(Refused):
    """A snapshot is absent, or is no longer what its id says it was."""

    code = "damaged_snapshot"

    def __init__(self, snapshot_id: str, why: str) -> None:
        super().__init__(
            f"snapshot {snapshot_id}: {why}; ingest the period again, which makes the same id"
        )


class Unavailable(RebillError):
    code = "unavailable"


class CostExplorerFails(Unavailable):
    """The message holds AWS's own words."""

    code = "cost_explorer"
