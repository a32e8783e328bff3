"""Owns how the reseller's mailbox is reached: two servers, and where their passwords are kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from accounts.model.emails import check_email
from kernel.errors import BadInput

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Tls(StrEnum):
    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"
    """Only for a server on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    host: str
    port: int
    tls: Tls = Tls.TLS
    user: str = ""
    """'' where the server asks nobody who they are."""
    password_env: str = ""
    """The environment variable that holds the password, …"""
    password_file: str = ""
    """… or the file that does. The password itself is stored nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxCheck:
    """How the belief that we read every root address is measured."""

    smtp: MailServer
    """Better not the mailbox's own server: AWS's mail comes from outside too."""
    imap: MailServer
    sender: str
    folder: str = "INBOX"
    every_days: int = 30
    hours: int = 24
    """A test mail that has not arrived after so long is lost."""
    mails_max: int = 50
    """Test mails of one round; the others wait for the next."""


def check_mailbox_check(check: MailboxCheck) -> MailboxCheck:
    """The check itself, or BadInput."""
    check_email(check.sender)
    for name, server in (("smtp", check.smtp), ("imap", check.imap)):
        if server.tls is Tls.NONE and server.host not in LOOPBACK:
            raise BadInput(f"{name}: without TLS a password travels in clear; use tls or starttls")
        if bool(server.user) != bool(server.password_env or server.password_file):
            raise BadInput(f"{name}: give user with password_env or password_file, or neither")
        if server.password_env and server.password_file:
            raise BadInput(f"{name}: give password_env or password_file, not both")
    if not check.imap.user:
        raise BadInput("imap: give the user whose mailbox it is")
    return check
