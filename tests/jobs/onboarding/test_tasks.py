"""What the queue wakes by itself: members daily, mailboxes hourly where they can be reached."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.model.mailbox import MailboxCheck, MailServer
from jobs.environment import Environment
from jobs.onboarding import tasks
from jobs.onboarding.tasks import onboarding_environment
from jobs.onboarding.watching import ListNotShown
from sandbox.aws import Fault
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.onboarding.set_reseller import set_reseller
from service.configuration.reading import read_configuration
from service.store.database import Database
from tests.support.accounts_reseller import NOW, PAYER, RESELLER
from tests.support.onboarding import CLIENTS, configuration, opened

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
        set_reseller(session, replace(RESELLER, mail=mail), actor="test", now=NOW)
    asked: list[str] = []
    monkeypatch.setattr(tasks, "measure", lambda _, payer: asked.append(payer))
    monkeypatch.setattr(tasks, "configured_signers", lambda: None)

    tasks.measure_mailboxes(woken(environment), 0)

    assert asked == measured


def test_the_watch_looks_once_a_day_and_again_until_aws_lets_it(
    database: Database, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database) as installation:
        monkeypatch.setattr(tasks, "_organization", lambda *_: installation.environment)
        awake = woken(replace(environment, database=database, now=installation.now))
        installation.aws.faults.on("organizations:ListAccounts", Fault.THROTTLE)

        with pytest.raises(ExceptionGroup, match="could not be looked at"):
            tasks.watch_members(awake, 0)
        looks = []
        for _ in range(26):
            tasks.watch_members(awake, 0)
            looks.append(len(installation.aws.calls("organizations:ListAccounts")) - 1)
            installation.aws.clock.advance(hours=1)

    assert looks == [1] * 12 + [2] * 14, "it was noon; another look after midnight"


def test_one_organization_s_trouble_does_not_keep_the_others_waiting(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "999999999999"
    with environment.database.transaction() as session:
        chosen = read_configuration(json.dumps(written(PAYER, other)))
        apply_configuration(session, chosen, actor="test", now=NOW)
        for payer in (PAYER, other):
            reseller = replace(
                RESELLER,
                payer_account_id=payer,
                automation_arn=RESELLER.automation_arn.replace(PAYER, payer),
                offboarding_arn=RESELLER.offboarding_arn.replace(PAYER, payer),
                mail=CHECK,
            )
            set_reseller(session, reseller, actor="test", now=NOW)
    asked: list[str] = []

    def measure(_: Any, payer: str) -> None:
        asked.append(payer)
        raise ListNotShown(payer)

    monkeypatch.setattr(tasks, "measure", measure)
    monkeypatch.setattr(tasks, "configured_signers", lambda: None)
    with pytest.raises(ExceptionGroup):
        tasks.measure_mailboxes(woken(environment), 0)

    assert asked == [PAYER, other]


def test_an_organization_has_one_caller_as_long_as_the_environment_that_keeps_it(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several jobs may ask at once: a second caller would spend a second MFA code."""
    made: list[str] = []

    def slowly() -> None:
        made.append("signers")
        time.sleep(0.05)

    monkeypatch.setattr(tasks, "configured_signers", slowly)
    with ThreadPoolExecutor(8) as jobs:
        offices = list(jobs.map(lambda _: onboarding_environment(environment, PAYER), range(8)))

    assert {id(installation) for installation in offices} == {id(offices[0])}
    assert len(made) == 1
    others = [
        onboarding_environment(environment, "999999999999"),
        tasks._checking_environment(environment),
        onboarding_environment(replace(environment), PAYER),
    ]
    assert len({id(each.caller) for each in (*others, offices[0])}) == 4


def written(*payers: str) -> dict[str, Any]:
    address = {"street": "1 Quay", "city": "Cork", "postcode": "T12", "country": "IE"}
    return {
        "seller": {"name": "Example Cloud Ltd", "address": address, "tax_id": "IE6388047V"},
        "payers": [{"account_id": payer} for payer in payers],
    }


def woken(environment: Environment) -> Any:
    return SimpleNamespace(additional_context={"environment": environment})
