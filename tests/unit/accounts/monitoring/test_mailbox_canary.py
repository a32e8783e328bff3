"""A test mail to each root address: who is sent one when, what silence means, hostile mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.model.mailbox import MailboxCheck, MailServer, Tls, check_mailbox_check
from accounts.model.observed import ObservedAccount
from accounts.monitoring.mailbox_canary import (
    Canary,
    Mail,
    accounts_due,
    alarm_of,
    alarms,
    foreign_address_findings,
    is_of,
    mailbox_findings,
    mark_arrived,
    read_mail,
    root_addresses,
    to_one_line,
    unsent,
)
from kernel.errors import BadInput
from tests.support.accounts_reseller import MEMBER, NOW

MAILBOX = "awsaccounts@msp.example"
ADDRESS = "awsaccounts+acme-7f3a@msp.example"
ADDRESSES = {MEMBER: ADDRESS}
SERVER = MailServer(host="mail.msp.example", port=993, user="u", password_env="P")
CHECK = MailboxCheck(smtp=SERVER, imap=SERVER, sender="canary@other.example")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def sent(age: timedelta, *, token: str = "t0", arrives: bool = False, refusal: str = "") -> Canary:
    at = NOW - age
    return Canary(
        token=token,
        account_id=MEMBER,
        address=ADDRESS,
        written_at=at,
        sent_at=None if refusal else at,
        refusal=refusal,
        arrived_at=at + HOUR if arrives else None,
    )


def codes(*canaries: Canary) -> list[str]:
    found = mailbox_findings(CHECK, MAILBOX, ADDRESSES, canaries, NOW)
    return [each.code for each in found]


def test_addresses_of_the_mailbox_are_measured_and_no_client_s() -> None:
    def account(number: int, email: str, state: str = "ACTIVE") -> ObservedAccount:
        return ObservedAccount(
            account_id=f"{number:012}", name="", email=email, state=state, joined_at=NOW
        )

    assert root_addresses(
        MAILBOX,
        [
            account(1, MAILBOX), account(2, "AWSaccounts+Acme@MSP.example"),
            account(3, "root@acme.example"), account(4, ADDRESS, "SUSPENDED"),
            account(5, "awsaccountsx@msp.example"), account(6, "awsaccounts+a@evil.example"),
        ],
    ) == {"000000000001": MAILBOX, "000000000002": "AWSaccounts+Acme@MSP.example"}  # fmt: skip


def test_an_address_is_tried_monthly_and_daily_while_in_trouble() -> None:
    for canaries, expected in (
        ((), True),
        ((sent(29 * DAY, arrives=True),), False),
        ((sent(-400 * DAY, arrives=True),), True),  # by a clock that was ahead
        ((sent(29 * DAY, arrives=True), sent(-400 * DAY, arrives=True)), False),
        ((sent(30 * DAY, arrives=True),), True),
        ((sent(23 * HOUR),), False),
        ((sent(25 * HOUR),), True),
        ((sent(23 * HOUR, refusal="550"),), False),
        ((sent(25 * HOUR, refusal="550"),), True),
        ((replace(sent(HOUR), address="old@msp.example"),), True),
    ):
        assert bool(accounts_due(CHECK, ADDRESSES, canaries, NOW)) == expected, canaries


def test_a_round_has_no_more_mails_than_configured_and_those_who_waited_longest() -> None:
    check = replace(CHECK, mails_max=2)
    addresses = {f"{n:012}": f"awsaccounts+{n}@msp.example" for n in range(3)}
    canaries = [
        replace(sent((40 - n) * DAY, token=str(n), arrives=True), account_id=a, address=address)
        for n, (a, address) in enumerate(addresses.items())
    ]

    assert accounts_due(check, addresses, canaries[1:], NOW) == ("000000000000", "000000000001")


def test_what_was_written_and_not_sent_is_sent_again() -> None:
    waiting = replace(sent(HOUR), sent_at=None)

    assert unsent([sent(DAY, token="old"), waiting]) == (waiting,)
    assert unsent([waiting, sent(timedelta(), token="later")]) == ()


def test_only_the_token_proves_the_arrival() -> None:
    token = "aXyZ" * 8
    canary = sent(HOUR, token=token)
    mails = [Mail("1", "x@y.example", frozenset({ADDRESS}), "Rebill mailbox check")]
    assert mark_arrived([canary], mails, NOW) == ()
    mails.append(Mail("2", "x@y.example", frozenset(), f"Fwd: Rebill mailbox check {token}"))
    assert mark_arrived([canary], mails, NOW) == (replace(canary, arrived_at=NOW),)
    assert mark_arrived([replace(canary, arrived_at=NOW)], mails, NOW) == ()


def test_the_latest_mail_that_came_to_an_end_judges() -> None:
    assert codes() == []
    assert codes(sent(23 * HOUR)) == [], "it may still arrive"
    assert codes(sent(24 * HOUR)) == ["mailbox_lost"]
    assert codes(sent(HOUR, refusal="550 no such user")) == ["mailbox_lost"]
    assert codes(sent(2 * DAY, token="a"), sent(HOUR, token="b")) == ["mailbox_lost"]
    assert codes(sent(2 * DAY, token="a"), sent(2 * HOUR, token="b", arrives=True)) == []
    assert codes(sent(9 * DAY, token="a", arrives=True), sent(2 * DAY, token="b")) == [
        "mailbox_lost"
    ]


def test_the_words_say_whose_account_and_why() -> None:
    (lost,) = mailbox_findings(CHECK, MAILBOX, ADDRESSES, [sent(DAY)], NOW)
    (refused,) = mailbox_findings(
        CHECK, MAILBOX, ADDRESSES, [sent(HOUR, refusal="550 \x1b[31mno\u202e")], NOW
    )

    assert lost.where == MEMBER
    assert lost.message.startswith(f"we do not control the e-mail of this account, {ADDRESS}: ")
    assert "has not arrived in INBOX of awsaccounts@msp.example within 24 hours" in lost.message
    assert "does not take mail for it: 550 [31mno;" in refused.message


def test_an_account_of_ours_with_another_address_is_told() -> None:
    found = foreign_address_findings(MAILBOX, {MEMBER: "team@msp.example", "1": ADDRESS})

    assert [(each.code, each.where) for each in found] == [("root_email_elsewhere", MEMBER)]
    assert is_of(MAILBOX, ADDRESS) and not is_of(MAILBOX, "team@msp.example")


@pytest.mark.parametrize(
    ("sender", "subject", "code"),
    [
        ("no-reply@signin.aws.amazon.com", "AWS root user sign-in", "aws_mail_root"),
        ("no-reply@amazonaws.com", "Amazon Web Services Password Assistance", "aws_mail_root"),
        ("x@amazon.com", "Your AWS Access Key is exposed publicly", "aws_mail_compromised"),
        ("x@amazon.com", "Irregular activity detected in your account", "aws_mail_compromised"),
        ("x@amazon.com", "Your AWS account has been closed", "aws_mail_closure"),
        ("x@amazon.com", "AWS account suspended", "aws_mail_closure"),
        ("x@amazon.com", "Your AWS account email address has been changed", "aws_mail_address"),
        ("x@amazon.com", "New features of Amazon EC2", ""),
        ("x@amazon.com", "Your invoice is available", ""),
        ("x@amazon.com.evil.example", "Your AWS account has been closed", ""),
        ("x@notamazon.com", "Your AWS account has been closed", ""),
        ("ada@msp.example", "Fwd: Your AWS account has been closed", ""),
    ],
)
def test_alarms_are_told_from_advertisements_and_from_other_people(
    sender: str, subject: str, code: str
) -> None:
    assert alarm_of(Mail("7", sender, frozenset(), subject)) == code


def test_an_alarm_names_the_account_and_quotes_the_subject_only() -> None:
    raw = (
        b"From: =?utf-8?q?AWS?= <no-reply@amazon.com>\n"
        b"To: Ops <awsaccounts+ACME-7f3a@msp.example>\n"
        b"Subject: =?utf-8?b?WW91ciBBV1MgYWNjb3VudCBoYXMgYmVlbiBjbG9zZWQ=?=\n\n"
    )
    (found,) = alarms(MAILBOX, "INBOX", ADDRESSES, [read_mail("41", raw)])

    assert (found.code, found.where) == ("aws_mail_closure", f"{MEMBER} mail 41")
    assert found.message == (
        'a mail that says it is from AWS: "Your AWS account has been closed"; read it in INBOX, '
        "see to it, and move it out of the folder"
    )


HOSTILE = (
    b"", b"\xff\xfe\x00", b"Subject: =?utf-8?b?!!!?=\n", b"Subject: =?nonsense?q?=41?=\n",
    b"Subject: =?idna?q?=ff?=\nFrom: <<<>>>(\n", b"Subject: a\x00b\r\n\tc\x1b[2J\nTo: (((((\n",
    b"Subject: \xe2\x80\xaeevil\n", b"From: " + b"(" * 3000, b"Subject: " + b"=?utf-8?q?" * 500,
    b"To: " + b"<a@b>, " * 1000, b"Subject: =?utf-16?b?//8=?=\n",
)  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE)
def test_hostile_headers_are_text_or_nothing(raw: bytes) -> None:
    mail = read_mail("1", raw)

    assert mail.subject.isprintable() and len(mail.subject) <= 120
    assert mail.sender.isprintable() and len(mail.sender) <= 200


@given(st.binary(max_size=300), st.text(max_size=80))
def test_no_bytes_of_a_mail_raise(junk: bytes, words: str) -> None:
    encoded = words.encode("utf-8", "replace")
    for raw in (
        junk,
        b"Subject: " + junk,
        b"From: " + junk,
        b"To: " + encoded,
        b"Subject: =?" + junk,
    ):
        mail = read_mail("1", raw)
        assert to_one_line(mail.subject) == mail.subject
        assert alarm_of(mail) in {"", "aws_mail_root", "aws_mail_address", "aws_mail_closure"}


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (replace(CHECK, imap=replace(SERVER, tls=Tls.NONE)), "without TLS"),
        (replace(CHECK, smtp=replace(SERVER, password_env="")), "give user with"),
        (replace(CHECK, smtp=replace(SERVER, password_file="/p")), "not both"),
        (replace(CHECK, imap=replace(SERVER, user="", password_env="")), "whose mailbox"),
        (replace(CHECK, sender="nobody"), "exactly one @"),
    ],
)
def test_a_check_that_cannot_work_or_is_not_safe_is_refused(
    check: MailboxCheck, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        check_mailbox_check(check)
