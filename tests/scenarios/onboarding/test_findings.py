"""What is wrong with accounts, on the command line: the mailbox measured, the organization busy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs.onboarding.advance import lock_of
from sandbox.aws import PAYER, Fault
from service.actions.onboarding.set_reseller import set_reseller
from service.cli import opening
from service.cli.accounts import findings
from service.cli.application import EXIT_UNAVAILABLE
from service.store.database import Database
from tests.scenarios.conftest import Rebill
from tests.support.mail_servers import PASSWORD, PASSWORD_ENV, Post, post_office
from tests.support.onboarding import Installation, opened

ADDRESS = "awsaccounts+access@msp.example"


@pytest.fixture
def installation(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    with opened(database) as installation:
        monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
        monkeypatch.setattr(findings, "opened", partial(opening.opened, installation.now))
        monkeypatch.setattr(findings, "onboarding_environment", lambda *_: installation.environment)
        waits = lambda seconds: installation.aws.clock.advance(seconds=seconds)  # noqa: E731
        monkeypatch.setattr(findings, "time", SimpleNamespace(sleep=waits))
        yield installation


@pytest.fixture
def servers(installation: Installation, tmp_path: Path) -> Iterator[Post]:
    with post_office(tmp_path, installation.now) as servers:
        reseller = replace(installation.reseller, mail=servers.check)
        with installation.database.transaction() as session:
            set_reseller(session, reseller, actor="test", now=installation.now())
        yield servers


def test_a_lost_mail_is_waited_for_and_then_a_finding(
    installation: Installation, servers: Post, rebill: Rebill
) -> None:
    servers.box.lost.add(ADDRESS)
    began = installation.now()

    asked = rebill("onboard", "canary", "--wait", 12, "--json")
    assert asked.json == {"addresses": 1, "sent": 1, "waiting": 1, "findings": []}
    assert (asked.status, (installation.now() - began).total_seconds()) == (0, 12)
    installation.aws.clock.advance(days=1)
    lost = rebill("onboard", "canary", "--wait", 0)
    assert lost.status == 1
    assert lost.out.startswith("1 addresses, 1 mails sent, 1 not there yet\ncritical: mailbox_lost")
    assert f"we do not control the e-mail of this account, {ADDRESS}" in lost.out
    stands = rebill("onboard", "findings", "--json")
    assert stands.status == 1
    assert [each["code"] for each in stands.json["findings"]] == ["mailbox_lost"]


def test_while_others_are_at_it_that_is_said(
    installation: Installation, servers: Post, rebill: Rebill
) -> None:
    for lock, command in (
        (lock_of(PAYER), ("onboard", "findings", "--look")),
        (f"mailbox {PAYER}", ("onboard", "canary")),
    ):
        with installation.database.try_lock(lock) as is_ours:
            assert is_ours
            answer = rebill(*command)
        assert (answer.status, answer.out) == (2, "")
        assert "is being looked at by somebody else" in answer.err
    assert servers.box.seen == []


def test_an_aws_that_shows_nothing_is_one_line(installation: Installation, rebill: Rebill) -> None:
    installation.aws.faults.on("organizations:ListAccounts", Fault.THROTTLE)

    answer = rebill("onboard", "findings", "--look")

    assert (answer.status, answer.err.count("\n")) == (EXIT_UNAVAILABLE, 1)
    assert "AWS did not list the organization's accounts" in answer.err


def test_where_nothing_is_wrong_the_status_is_0(installation: Installation, rebill: Rebill) -> None:
    answer = rebill("onboard", "findings", "--look")

    assert (answer.status, answer.out.split("\n")[0]) == (0, "0 findings"), answer.out
