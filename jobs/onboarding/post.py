"""Owns the reseller's post: test mails go out by SMTP, headers come in by IMAP."""

from __future__ import annotations

import imaplib
import os
import re
import smtplib
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from accounts.model.mailbox import MailboxCheck, MailServer, Tls
from accounts.monitoring.mailbox_canary import SUBJECT, Canary, Mail, read_mail

SECONDS_MAX = 30.0
MAILS_MAX = 5_000
"""Of a month, a reseller's mailbox has far fewer; with more, none is left out in silence."""
MAILS_AT_ONCE = 200
HEADER_BYTES_MAX = 8_192
HEADERS = "FROM TO CC DELIVERED-TO X-ORIGINAL-TO SUBJECT"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
BODY = """This mail measures that the mailbox of AWS account {account_id} is read.
Nobody has to do anything. Leave it in the folder until tomorrow.
"""


class PostTrouble(Exception):
    """A server could not be reached, or did not do what was asked; in one line."""


def send(
    check: MailboxCheck, canaries: Iterable[Canary], now: datetime
) -> Iterator[tuple[Canary, str]]:
    """Each canary with '' where it was taken, else what the server said. Raises PostTrouble."""
    with _troubles("SMTP", check.smtp), _smtp(check.smtp, check.sender) as server:
        for canary in canaries:
            try:
                server.send_message(_to_message(check, canary, now))
            except smtplib.SMTPRecipientsRefused as refused:
                code, words = refused.recipients[canary.address]
                yield canary, f"{code} {words.decode('utf-8', 'replace')}"
            else:
                yield canary, ""


def _to_message(check: MailboxCheck, canary: Canary, now: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"] = check.sender
    message["To"] = canary.address
    message["Subject"] = SUBJECT.format(token=canary.token)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{canary.token}@{check.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(BODY.format(account_id=canary.account_id))
    return message


@contextmanager
def _smtp(server: MailServer, sender: str) -> Iterator[smtplib.SMTP]:
    us = sender.rpartition("@")[2]
    context = ssl.create_default_context()
    smtp = (
        smtplib.SMTP_SSL(server.host, server.port, us, timeout=SECONDS_MAX, context=context)
        if server.tls is Tls.TLS
        else smtplib.SMTP(server.host, server.port, us, timeout=SECONDS_MAX)
    )
    with smtp:
        if server.tls is Tls.STARTTLS:
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, _password(server))
        yield smtp


def headers_since(check: MailboxCheck, day: date) -> tuple[Mail, ...]:
    """Of the mails that came to the folder since; nothing there is changed. Raises PostTrouble."""
    with _troubles("IMAP", check.imap), _imap(check.imap) as server:
        # Read-only, as IMAP otherwise marks what is read as seen (RFC 3501, section 6.3.2):
        # `tests/jobs/monitoring/test_canary.py::test_nothing_in_the_mailbox_is_changed`.
        _answer(server.select(_quoted(check.folder), readonly=True))
        # IMAP's dates have English months whatever the locale (RFC 3501, `date-month`).
        since = f"{day.day:02}-{MONTHS[day.month - 1]}-{day.year}"
        listed = b" ".join(filter(None, _answer(server.uid("SEARCH", "SINCE", since))))
        uids = [uid.decode("ascii") for uid in listed.split()]
        if len(uids) > MAILS_MAX:
            raise PostTrouble(
                f"IMAP {check.imap.host}: {check.folder} got {len(uids)} mails since {day}, more "
                f"than {MAILS_MAX}: give AWS's mails a folder of their own"
            )
        return tuple(
            mail
            for first in range(0, len(uids), MAILS_AT_ONCE)
            for mail in _fetched(server, uids[first : first + MAILS_AT_ONCE])
        )


def _fetched(server: imaplib.IMAP4, uids: list[str]) -> Iterator[Mail]:
    wanted = f"(UID BODY.PEEK[HEADER.FIELDS ({HEADERS})]<0.{HEADER_BYTES_MAX}>)"
    parts = _answer(server.uid("FETCH", ",".join(uids), wanted))
    for part, after in zip(parts, [*parts[1:], b""], strict=True):
        if not isinstance(part, tuple):
            continue
        # The UID stands before the headers or after them, as the server likes.
        around = part[0] + (after if isinstance(after, bytes) else b"")
        found = re.search(rb"\bUID (\d+)", around)
        if found:
            yield read_mail(found[1].decode("ascii"), part[1][:HEADER_BYTES_MAX])


@contextmanager
def _imap(server: MailServer) -> Iterator[imaplib.IMAP4]:
    context = ssl.create_default_context()
    imap = (
        imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context, timeout=SECONDS_MAX)
        if server.tls is Tls.TLS
        else imaplib.IMAP4(server.host, server.port, timeout=SECONDS_MAX)
    )
    try:
        if server.tls is Tls.STARTTLS:
            imap.starttls(ssl_context=context)
        _answer(imap.login(server.user, _password(server)))
        yield imap
    finally:
        # All that was wanted was read, or another trouble is raised already.
        with suppress(OSError, imaplib.IMAP4.error):
            imap.logout()
        with suppress(OSError):
            imap.shutdown()


def _answer(reply: tuple[str, Sequence[Any]]) -> Sequence[Any]:
    status, parts = reply
    if status != "OK":
        raise imaplib.IMAP4.error(f"the server says {status}: {parts!r:.200}")
    return parts


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _password(server: MailServer) -> str:
    """Read when it is needed, and kept nowhere."""
    if server.password_file:
        return Path(server.password_file).read_text(encoding="utf-8").strip()
    password = os.environ.get(server.password_env, "")
    if not password:
        raise PostTrouble(f"the environment variable {server.password_env} is not set")
    return password


@contextmanager
def _troubles(kind: str, server: MailServer) -> Iterator[None]:
    """Whatever these libraries raise, in words, without what was sent."""
    where = f"{kind} {server.host}:{server.port}"
    try:
        yield
    except (OSError, smtplib.SMTPException, imaplib.IMAP4.error) as trouble:
        raise PostTrouble(f"{where}: {type(trouble).__name__}: {trouble}") from trouble
    except UnicodeError:
        # From none: the error shows what could not be sent.
        raise PostTrouble(f"{where}: it takes a user and password in ASCII only") from None
