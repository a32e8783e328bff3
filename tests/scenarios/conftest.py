"""Owns the command line under test: a fresh installation, and `rebill` as a function."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.cli import commands
from service.store.database import Database


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        return json.loads(self.out)


Rebill = Callable[..., Answer]


@pytest.fixture
def rebill(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Rebill:
    monkeypatch.setenv("REBILL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REBILL_DATABASE_URL", database.conninfo)

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        status = commands.run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Answer(status, printed.out, printed.err)

    return run
