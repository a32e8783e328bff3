"""Who reads the root addresses is measured: by real mail, through a real SMTP and IMAP server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from accounts.model.mailbox import MailboxCheck, MailServer, Tls
from accounts.monitoring.mailbox_canary import LOOKED_BACK
from jobs.onboarding import post
from jobs.onboarding.canary import NoMailboxCheck, Round, Sends, measure
from jobs.onboarding.watching import watch
from sandbox.aws import PAYER
from service.actions.onboarding.set_reseller import set_reseller
from service.store.accounts import members, root_security
from service.store.database import Database
from tests.support.mail_servers import (
    PASSWORD,
    PASSWORD_ENV,
    Post,
    free_port,
    post_office,
    self_signed,
)
from tests.support.onboarding import NOON, Installation, opened, quietly

ONE, OTHER = "awsaccounts+acme-1@msp.example", "awsaccounts+globex-2@msp.example"
ACCESS_EMAIL = "awsaccounts+access@msp.example"
AWS = "no-reply@signin.aws.amazon.com"


@dataclass
class Measured:
    """A reseller with two clients' accounts and its own access account, and its post office."""

    installation: Installation
    post: Post
    one: str
    other: str

    def round(self, sends: Sends = Sends.DUE) -> Round:
        done = measure(self.installation.environment, PAYER, sends)
        assert done is not None
        return done

    def codes(self, sends: Sends = Sends.DUE) -> list[tuple[str, str]]:
        return [(each.code, each.where) for each in self.round(sends).findings]

    def later(self, **span: float) -> None:
        self.installation.aws.clock.advance(**span)

    def stored(self) -> list[str]:
        with self.installation.database.transaction() as session:
            return [each.code for each in members.open_findings(session, PAYER)]

    def configure(self, check: MailboxCheck | None) -> None:
        reseller = replace(self.installation.reseller, mail=check)
        with self.installation.database.transaction() as session:
            set_reseller(session, reseller, actor="test", now=self.installation.now())


@pytest.fixture
def installation(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    with opened(database, enforced=True) as installation:
        yield installation


@pytest.fixture
def measured(installation: Installation, tmp_path: Path) -> Iterator[Measured]:
    ids: list[str] = []

    def create() -> None:
        emails = (ONE, OTHER, "root@client.example")
        ids.extend(installation.aws.create_account(name=email, email=email) for email in emails)

    quietly(installation, create)
    with post_office(tmp_path, installation.now) as servers:
        measured = Measured(installation, servers, *ids[:2])
        measured.configure(servers.check)
        yield measured


def test_every_address_is_sent_a_mail_of_its_own_and_it_is_read_back(measured: Measured) -> None:
    first = measured.round()

    assert (first.sent, first.waiting, first.addresses, first.findings) == (3, 3, 3, ())
    receivers = sorted(address for each in measured.post.box.seen for address in each[0])
    assert receivers == sorted([ACCESS_EMAIL, ONE, OTHER]), "nothing goes to a client's mailbox"
    second = measured.round()
    assert (second.sent, second.waiting, second.findings) == (0, 0, ())
    with measured.installation.database.transaction() as session:
        canaries = root_security.canaries(session, PAYER, since=NOON)
    assert len({each.token for each in canaries}) == 3
    assert {len(each.token) for each in canaries} == {32}, "24 bytes of a secret source"
    assert all(each.sent_at and each.arrived_at for each in canaries)


def test_a_month_later_it_is_measured_again(measured: Measured) -> None:
    measured.round()
    assert measured.round().sent == 0
    measured.later(days=29)
    assert measured.round().sent == 0
    measured.later(days=1)
    assert measured.round().sent == 3


def test_a_mail_that_does_not_arrive_is_an_account_we_do_not_control(measured: Measured) -> None:
    measured.post.box.lost.add(ONE)
    measured.round()
    measured.later(hours=23)
    assert measured.codes() == [], "it may still come"
    measured.later(hours=1)

    assert measured.codes() == [("mailbox_lost", measured.one)]
    measured.post.box.lost.clear()
    measured.later(days=1)
    assert measured.codes() == [("mailbox_lost", measured.one)], "its second mail is under way"
    assert measured.codes() == [] and measured.stored() == []


def test_an_address_that_the_server_refuses_is_told_at_once(measured: Measured) -> None:
    measured.post.box.refused.add(OTHER)

    (found,) = measured.round().findings
    assert (found.code, found.where) == ("mailbox_lost", measured.other)
    assert "550 5.1.1 no such user here" in found.message
    assert measured.round().sent == 0, "it is tried again tomorrow, not every hour"


def test_the_watch_and_the_canary_leave_each_other_s_findings_alone(measured: Measured) -> None:
    measured.post.box.refused.add(ONE)
    measured.round()
    watch(measured.installation.environment, PAYER)
    assert {"mailbox_lost", "account_unassigned"} <= set(measured.stored())
    measured.round()
    assert {"mailbox_lost", "account_unassigned"} <= set(measured.stored())


def test_aws_s_alarms_are_told_while_they_are_in_the_folder(measured: Measured) -> None:
    box = measured.post.box
    mail = box.mail("AWS root user sign-in \x1b[31m", sender=f"AWS <{AWS}>", to=ONE)
    box.mail("Your AWS account has been closed", sender="eve@evil.example", to=ONE)
    box.mail("What's new in Amazon EC2", sender=AWS, to=OTHER)
    box.put(b"\xff\xfe no mail at all")

    (found,) = measured.round().findings
    assert found.code == "aws_mail_root" and found.where.startswith(f"{measured.one} mail ")
    assert '"AWS root user sign-in [31m"' in found.message and "hello" not in found.message
    assert measured.codes() == [(found.code, found.where)]
    mail.unlink()
    assert measured.codes() == [] and measured.stored() == []


def test_mail_of_long_ago_is_not_looked_at(measured: Measured) -> None:
    message = f"From: {AWS}\nSubject: Your AWS account has been closed\n\n".encode()
    measured.post.box.put(message, at=NOON - LOOKED_BACK - timedelta(days=2))

    assert measured.codes() == []


def test_nothing_in_the_mailbox_is_changed(measured: Measured) -> None:
    folder = measured.post.box.folder
    hello = measured.post.box.mail("hello", sender="ada@msp.example", to=ONE)
    measured.round()
    measured.round()

    assert len(list((folder / "new").iterdir())) == 4 and hello.exists()
    assert list((folder / "cur").iterdir()) == [], "a mail that was opened would be here"


def test_a_mailbox_that_cannot_be_read_is_told_and_settles_nothing(measured: Measured) -> None:
    measured.post.box.refused.add(ONE)
    measured.round()
    with patch.dict(os.environ, {PASSWORD_ENV: "wrong"}):
        done = measured.round(Sends.EVERYBODY)
    assert [each.code for each in done.findings] == ["mailbox_unread"]
    assert done.sent == 0, "what could not be read back is not sent"
    assert "correct" not in done.findings[0].message and "wrong" not in done.findings[0].message
    assert measured.stored() == ["mailbox_lost", "mailbox_unread"]
    assert measured.codes() == [("mailbox_lost", measured.one)]
    assert measured.stored() == ["mailbox_lost"]


def test_servers_that_are_not_there_are_told(measured: Measured) -> None:
    nobody = MailServer(
        host="127.0.0.1", port=free_port(), tls=Tls.NONE, user="u", password_env=PASSWORD_ENV
    )
    check = measured.post.check
    measured.configure(replace(check, smtp=nobody))
    assert measured.codes() == [("mailbox_unsent", "awsaccounts@msp.example")]
    measured.configure(replace(check, imap=nobody))
    (found,) = measured.round().findings
    assert found.code == "mailbox_unread" and "ConnectionRefusedError" in found.message
    measured.configure(check)
    assert measured.round().sent == 3, "what could not be sent is sent now"
    assert measured.stored() == []


def test_a_worker_that_ends_before_it_sent_forgets_nothing(measured: Measured) -> None:
    with (
        patch.object(post, "_smtp", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        measured.round()
    with measured.installation.database.transaction() as session:
        before = root_security.canaries(session, PAYER, since=NOON)

    assert measured.round().sent == 3
    with measured.installation.database.transaction() as session:
        after = root_security.canaries(session, PAYER, since=NOON)
    assert [each.token for each in before] == [each.token for each in after]
    assert all(each.sent_at is None for each in before)
    assert all(each.sent_at == NOON for each in after)


def test_two_rounds_at_once_are_one(measured: Measured) -> None:
    with measured.installation.database.try_lock(f"mailbox {PAYER}") as is_ours:
        assert is_ours
        assert measure(measured.installation.environment, PAYER) is None
    assert measured.post.box.seen == []


def test_without_a_configuration_one_clear_refusal(measured: Measured) -> None:
    measured.configure(None)

    with pytest.raises(NoMailboxCheck, match="is not configured"):
        measured.round()


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.TLS])
def test_over_tls_a_server_that_is_not_trusted_gets_no_password(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: Tls
) -> None:
    certificate = self_signed(tmp_path)
    with post_office(tmp_path, installation.now, tls=tls, certificate=certificate) as servers:
        measured = Measured(installation, servers, "", "")
        measured.configure(servers.check)
        (untrusted,) = measured.round().findings
        assert untrusted.code == "mailbox_unread" and "certificate" in untrusted.message
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert measured.round().sent == 1
        assert measured.round().waiting == 0
        assert [each[1:] for each in servers.box.seen] == [(True, True)], "secured, signed in"


def test_the_password_may_be_in_a_file(measured: Measured, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n")
    check = measured.post.check
    imap = replace(check.imap, password_env="", password_file=str(secret))
    measured.configure(replace(check, imap=imap))
    assert measured.round().sent == 3
    secret.unlink()
    (found,) = measured.round().findings
    assert found.code == "mailbox_unread" and "No such file" in found.message
