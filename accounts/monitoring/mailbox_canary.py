"""Owns the mailbox canary: who is sent a test mail when, what its silence means, AWS's alarms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.errors import HeaderParseError
from email.header import decode_header
from email.parser import BytesHeaderParser

from accounts.model.mailbox import MailboxCheck
from accounts.model.observed import ObservedAccount
from kernel.findings import Finding, critical, warning

SUBJECT = "Rebill mailbox check {token}"
AGAIN_AFTER = timedelta(days=1)
"""An address in trouble is tried every day, so that it is known when it works again."""
LOOKED_BACK = timedelta(days=30)
"""How old a mail of the folder may be to be looked at."""
SUBJECT_CHARS_MAX = 120
WORDS_CHARS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A test mail to an account's root address."""

    token: str
    account_id: str
    address: str
    written_at: datetime
    sent_at: datetime | None = None
    refusal: str = ""
    arrived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """What of a mail is looked at: its headers, cleaned of everything that is not text."""

    uid: str
    sender: str
    to: frozenset[str]
    subject: str


# Which accounts, and which of them now. ---------------------------------------------------


def root_addresses(mailbox: str, accounts: Iterable[ObservedAccount]) -> Mapping[str, str]:
    """Account id -> root address, as AWS has it, of members whose address should be ours."""
    return {
        account.account_id: account.email
        for account in accounts
        if account.state == "ACTIVE" and is_of(mailbox, account.email)
    }


def is_of(mailbox: str, address: str) -> bool:
    """Is it the mailbox itself, or a plus-address of it?"""
    local, _, domain = mailbox.lower().rpartition("@")
    theirs, _, there = address.lower().rpartition("@")
    return there == domain and theirs.split("+")[0] == local


def accounts_due(
    check: MailboxCheck,
    addresses: Mapping[str, str],
    canaries: Sequence[Canary],
    now: datetime,
) -> tuple[str, ...]:
    """The accounts to be sent a new test mail, those that waited longest first."""
    # What a clock that was ahead wrote down would hold the next one up until then.
    latest = _latest([each for each in canaries if each.written_at <= now])
    waiting = []
    for account_id, address in sorted(addresses.items()):
        canary = latest.get((account_id, address))
        if canary is None:
            waiting.append((datetime.min.replace(tzinfo=now.tzinfo), account_id))
        elif now - canary.written_at >= _pause(check, canary, now):
            waiting.append((canary.written_at, account_id))
    return tuple(account_id for _, account_id in sorted(waiting)[: check.mails_max])


def unsent(canaries: Sequence[Canary]) -> tuple[Canary, ...]:
    """Written down and then not sent: a worker ended in between. Twice does no harm."""
    return tuple(
        each for each in _latest(canaries).values() if each.sent_at is None and not each.refusal
    )


def outstanding(
    check: MailboxCheck, canaries: Sequence[Canary], now: datetime
) -> tuple[Canary, ...]:
    """Sent, and neither here nor given up."""
    return tuple(
        each
        for each in canaries
        if each.sent_at and not each.arrived_at and not _is_lost(check, each, now)
    )


def _pause(check: MailboxCheck, canary: Canary, now: datetime) -> timedelta:
    troubled = canary.refusal or _is_lost(check, canary, now)
    return AGAIN_AFTER if troubled else timedelta(days=check.every_days)


def _latest(canaries: Sequence[Canary]) -> Mapping[tuple[str, str], Canary]:
    oldest_first = sorted(canaries, key=lambda each: (each.written_at, each.token))
    return {(each.account_id, each.address): each for each in oldest_first}


# What came of them. ----------------------------------------------------------------------


def mark_arrived(
    canaries: Sequence[Canary], mails: Iterable[Mail], now: datetime
) -> tuple[Canary, ...]:
    """Those that are in the mailbox now and were not known to be."""
    # Senders and dates can be forged, a random token cannot:
    # `tests/unit/accounts/monitoring/test_mailbox_canary.py`,
    # `test_only_the_token_proves_the_arrival`.
    subjects = "\n".join(mail.subject for mail in mails)
    return tuple(
        replace(each, arrived_at=now, sent_at=each.sent_at or now)
        for each in canaries
        if each.arrived_at is None and each.token in subjects
    )


def _is_lost(check: MailboxCheck, canary: Canary, now: datetime) -> bool:
    sent_at = canary.sent_at
    return (
        canary.arrived_at is None
        and sent_at is not None
        and now - sent_at >= timedelta(hours=check.hours)
    )


def mailbox_findings(
    check: MailboxCheck,
    mailbox: str,
    addresses: Mapping[str, str],
    canaries: Sequence[Canary],
    now: datetime,
) -> list[Finding]:
    """Of each address what its latest test mail that came to an end says."""
    ended = [
        each for each in canaries if each.arrived_at or each.refusal or _is_lost(check, each, now)
    ]
    latest = _latest(ended)
    found = []
    for account_id, address in sorted(addresses.items()):
        canary = latest.get((account_id, address))
        # While a new mail is on its way the one before it judges:
        # `tests/unit/accounts/monitoring/test_mailbox_canary.py`,
        # `test_the_latest_mail_that_came_to_an_end_judges`.
        if canary is None or canary.arrived_at is not None:
            continue
        if canary.refusal:
            words = f"our mail server does not take mail for it: {to_one_line(canary.refusal)}"
        else:
            words = (
                f"a test mail of {canary.sent_at:%Y-%m-%d %H:%M} UTC has not arrived in "
                f"{check.folder} of {mailbox} within {check.hours} hours"
            )
        found.append(
            critical(
                "mailbox_lost",
                account_id,
                f"we do not control the e-mail of this account, {address}: {words}; mend the "
                "mailbox, for whoever has this address can take over the account",
            )
        )
    return found


def foreign_address_findings(mailbox: str, created: Mapping[str, str]) -> list[Finding]:
    """`created`: account id -> root address of accounts that we made."""
    return [
        warning(
            "root_email_elsewhere",
            account_id,
            f"its root address {to_one_line(address)} is no address of {mailbox}; nobody measures "
            "whether we receive its mail",
        )
        for account_id, address in sorted(created.items())
        if not is_of(mailbox, address)
    ]


def unread(mailbox: str, trouble: str) -> Finding:
    words = f"the mailbox cannot be read, so nothing is known of it: {to_one_line(trouble)}"
    return critical("mailbox_unread", mailbox, words)


def not_sent(mailbox: str, trouble: str) -> Finding:
    return warning("mailbox_unsent", mailbox, f"test mails cannot be sent: {to_one_line(trouble)}")


# AWS's alarms. ---------------------------------------------------------------------------

ALARMS = {
    "aws_mail_compromised": r"compromis|irregular activity|unauthori[sz]ed|suspicious|expos|abus",
    "aws_mail_closure": r"\bclos(e|ed|ing|ure)\b|suspen|terminat|deactivat",
    "aws_mail_address": r"e-?mail address|primary e-?mail|one[- ]time pass|verif\w+ (code|request)",
    "aws_mail_root": r"\broot\b|sign[- ]?in|log[- ]?in|password|\bmfa\b|multi-factor|access key",
}
"""By the subject, the first that fits; AWS documents no list of its subjects."""
CODES = frozenset({"mailbox_lost", "root_email_elsewhere", *ALARMS})
TROUBLES = frozenset({"mailbox_unread", "mailbox_unsent"})
_AWS = re.compile(r"(^|[@.])(amazon\.com|amazonaws\.com|aws|aws\.com)$")


def alarms(
    mailbox: str, folder: str, addresses: Mapping[str, str], mails: Iterable[Mail]
) -> list[Finding]:
    """AWS's alarming mails, while they are in the folder: who has dealt with one moves it out.

    A sender's name can be forged: it is said whom the mail claims to be from, and only its
    subject is shown.
    """
    owners = {address.lower(): account_id for account_id, address in addresses.items()}
    found = []
    for mail in mails:
        code = alarm_of(mail)
        if code:
            account_id = next((owners[to] for to in sorted(mail.to) if to in owners), mailbox)
            words = (
                f'a mail that says it is from AWS: "{mail.subject}"; read it in {folder}, see to '
                "it, and move it out of the folder"
            )
            found.append(critical(code, f"{account_id} mail {mail.uid}", words))
    return found


def alarm_of(mail: Mail) -> str:
    """The code of the finding, or '' where the mail is no alarm of AWS's."""
    if _AWS.search(mail.sender) is None:
        return ""
    words = mail.subject.lower()
    return next((code for code, pattern in ALARMS.items() if re.search(pattern, words)), "")


# Hostile text. ---------------------------------------------------------------------------


RECEIVERS = ("to", "cc", "delivered-to", "x-original-to")
_ADDRESS = re.compile(r"""[^\s<>()\[\],;:"'@]{1,64}@[^\s<>()\[\],;:"'@]{1,255}""")


def read_mail(uid: str, headers: bytes) -> Mail:
    """Whatever the bytes are: nothing of a mail is trusted, and nothing of it raises."""
    parsed = BytesHeaderParser().parsebytes(headers)
    senders = _addresses(parsed.get_all("from", [])[:1])
    to = [each for name in RECEIVERS for each in parsed.get_all(name, [])]
    return Mail(
        uid=uid,
        sender=to_one_line(senders[-1]) if senders else "",
        to=frozenset(_addresses(to)),
        subject=to_one_line(_decoded(str(parsed.get("subject", ""))))[:SUBJECT_CHARS_MAX],
    )


def _addresses(values: Iterable[object]) -> list[str]:
    """Not by the library's own parser, which nested brackets drive into a RecursionError."""
    return [address.lower() for value in values for address in _ADDRESS.findall(str(value))]


def _decoded(subject: str) -> str:
    try:
        parts = decode_header(subject)
    except (HeaderParseError, ValueError):
        return subject
    return "".join(map(_part, parts))


def _part(part: tuple[bytes | str, str | None]) -> str:
    text, charset = part
    if isinstance(text, str):
        return text
    try:
        return text.decode(charset or "ascii", "replace")
    except (LookupError, ValueError):
        return text.decode("latin-1")


def to_one_line(text: str) -> str:
    """One line without control characters, escapes or marks that turn the text around."""
    kept = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(kept.split())[:WORDS_CHARS_MAX]
