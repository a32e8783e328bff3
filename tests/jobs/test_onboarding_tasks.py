"""What the queue wakes by itself: members daily, mailboxes hourly where they can be reached."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.environment import Environment
from jobs.onboarding import tasks
from service.accounts.mailboxes import MailboxCheck, MailServer
from service.actions.apply_configuration import apply_configuration
from service.actions.set_practice import set_practice
from tests.accounts_practice import NOW, PAYER, PRACTICE
from tests.onboarding import CLIENTS, configuration

SERVER = MailServer(host="mail.msp.example", port=993, user="u", password_env="P")
CHECK = MailboxCheck(smtp=SERVER, imap=SERVER, sender="canary@other.example")


@pytest.mark.parametrize(("mail", "measured"), [(None, []), (CHECK, [PAYER])])
def test_a_mailbox_is_measured_where_it_can_be_reached(
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
    mail: MailboxCheck | None,
    measured: list[str],
) -> None:
    with environment.database.transaction() as session:
        apply_configuration(session, configuration(CLIENTS), actor="test", now=NOW)
        set_practice(session, replace(PRACTICE, mail=mail), actor="test", now=NOW)
    asked: list[str] = []
    monkeypatch.setattr(tasks, "measure", lambda _, payer: asked.append(payer))
    monkeypatch.setattr(tasks, "configured_signers", lambda: None)

    tasks.measure_mailboxes(woken(environment), 0)

    assert asked == measured


def woken(environment: Environment) -> Any:
    return SimpleNamespace(additional_context={"environment": environment})
