"""A real SMTP server in front of a real IMAP server: aiosmtpd delivers where pymap reads."""

from __future__ import annotations

import asyncio
import imaplib
import ipaddress
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pysasl.hashing import BuiltinHash

from accounts.model.mailbox import MailboxCheck, MailServer, Tls

USER, PASSWORD = "awsaccounts@msp.example", "correct horse"
PASSWORD_ENV = "TEST_MAILBOX_PASSWORD"
STARTS_IN_SECONDS = 20.0


@dataclass
class Delivering(Mailbox):
    """Keeps what it is sent, but for addresses that are lost or refused."""

    folder: Path
    now: Callable[[], datetime]
    lost: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    seen: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.folder)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        secured = server.transport.get_extra_info("sslcontext") is not None
        self.seen.append((envelope.rcpt_tos, secured, session.authenticated))
        if set(envelope.rcpt_tos) & self.lost:
            return "250 OK"
        before = set((self.folder / "new").iterdir())
        answer = await super().handle_DATA(server, session, envelope)
        self._date(set((self.folder / "new").iterdir()) - before)
        return str(answer)

    def _date(self, delivered: set[Path]) -> None:
        """The day it came is the clock's, as the IMAP server gives it."""
        for path in delivered:
            os.utime(path, (self.now().timestamp(),) * 2)

    def put(self, raw: bytes, *, at: datetime | None = None) -> Path:
        """As delivered by somebody else."""
        path = self.folder / "new" / f"{time.time_ns()}.M1P1Q{len(self.seen)}.other"
        path.write_bytes(raw)
        os.utime(path, ((at or self.now()).timestamp(),) * 2)
        return path

    def mail(self, subject: str, *, sender: str, to: str) -> Path:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message.set_content("hello")
        return self.put(bytes(message))


@dataclass
class Post:
    check: MailboxCheck
    box: Delivering
    imap: subprocess.Popen[bytes]
    smtp: Controller


@contextmanager
def post_office(
    folder: Path,
    now: Callable[[], datetime],
    *,
    tls: Tls = Tls.NONE,
    certificate: Path | None = None,
) -> Iterator[Post]:
    """Both know one user; with STARTTLS both insist on it, and on the password."""
    (folder / "pymap-etc-passwd").write_text(f"{USER}:x::::mail:\n")
    hashed = BuiltinHash(rounds=1_000).hash(PASSWORD)
    (folder / "pymap-etc-shadow").write_text(f"{USER}:{hashed}:::::::\n")
    box = Delivering(folder / "mail", now)
    imap_port, smtp_port = free_port(), free_port()
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    smtp = Controller(
        box,
        hostname="127.0.0.1",
        port=smtp_port,
        authenticator=_authenticated,
        auth_required=tls is Tls.STARTTLS,
        auth_require_tls=tls is Tls.STARTTLS,
        tls_context=context if tls is Tls.STARTTLS else None,
        require_starttls=tls is Tls.STARTTLS,
        ssl_context=context if tls is Tls.TLS else None,
    )
    smtp.start()
    imap = _imap_server(folder, imap_port, certificate if tls is Tls.STARTTLS else None)
    with ExitStack() as stack:
        if tls is Tls.TLS:
            assert context is not None
            imap_port = stack.enter_context(_wrapped(smtp.loop, imap_port, context))
        stack.callback(imap.wait, timeout=10)
        stack.callback(imap.terminate)
        stack.callback(smtp.stop)
        yield Post(_check(imap_port, smtp_port, tls), box, imap, smtp)


@contextmanager
def _wrapped(loop: asyncio.AbstractEventLoop, inner: int, context: ssl.SSLContext) -> Iterator[int]:
    """A port that speaks TLS from the first byte, in front of one that does not: pymap has none."""
    port = free_port()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to, back = await asyncio.open_connection("127.0.0.1", inner)
        await asyncio.gather(_pipe(reader, back), _pipe(to, writer))

    serving = asyncio.start_server(relay, "127.0.0.1", port, ssl=context)
    server = asyncio.run_coroutine_threadsafe(serving, loop).result(timeout=10)
    try:
        yield port
    finally:
        server.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):  # Whoever hangs up first.
        while read := await reader.read(65_536):
            writer.write(read)
            await writer.drain()
    writer.close()


def _authenticated(server: Any, session: Any, envelope: Any, how: str, given: Any) -> AuthResult:
    assert isinstance(given, LoginPassword)
    is_right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, auth_data=USER if is_right else None)


def _imap_server(folder: Path, port: int, certificate: Path | None) -> subprocess.Popen[bytes]:
    secured = ["--cert", str(certificate)] if certificate else ["--no-tls"]
    program = Path(sys.executable).parent / "pymap"
    words = [str(program), "--host", "127.0.0.1", "--port", str(port), *secured, "maildir"]
    log = (folder / "imap.log").open("wb")
    with log:
        server = subprocess.Popen([*words, str(folder)], stdout=log, stderr=log)
    until = time.monotonic() + STARTS_IN_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
        except OSError:
            time.sleep(0.05)
        else:
            return server
    server.kill()
    raise AssertionError(f"the IMAP server did not start: {(folder / 'imap.log').read_text()}")


def _check(imap_port: int, smtp_port: int, tls: Tls) -> MailboxCheck:
    def server(port: int) -> MailServer:
        return MailServer(
            host="127.0.0.1", port=port, tls=tls, user=USER, password_env=PASSWORD_ENV
        )

    return MailboxCheck(
        smtp=server(smtp_port), imap=server(imap_port), sender="canary@other.example"
    )


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1, to be trusted by SSL_CERT_FILE; its key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))
    day = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=365 * 50))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
