"""How a command ended is told by its status: what a supervisor may start again, and what not."""

from __future__ import annotations

import signal
import socket

import pytest

from service import cli
from service.cli import commands
from tests.scenarios.conftest import Rebill


def test_a_database_that_does_not_answer_is_told_apart_from_bad_input(
    rebill: Rebill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REBILL_DATABASE_URL", "postgresql://127.0.0.1:1/nobody")

    answer = rebill("db", "upgrade")

    assert (answer.status, answer.out, answer.err.count("\n")) == (75, "", 1)
    assert answer.err.startswith("rebill: cannot use the database: connection failed")


def test_an_address_that_is_taken_is_no_bad_input(rebill: Rebill) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = rebill("serve", "--port", taken.getsockname()[1])

    assert answer.status == 75
    assert "rebill: cannot listen on 127.0.0.1:" in answer.err


def test_a_defect_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_arguments: list[str]) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(commands, "run", breaks)
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        cli.main()

    signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 70
