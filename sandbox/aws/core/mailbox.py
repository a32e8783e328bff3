"""Owns what AWS sends to people: e-mails and text messages, kept in memory or passed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Message:
    to: str
    subject: str
    body: str
    sent_at: datetime


@dataclass
class Mailbox:
    """`forward` is called with each message, for instance to hand it to a real SMTP server.

    Addresses in `lost` swallow what they are sent, as a mailbox that is down does.
    """

    messages: list[Message] = field(default_factory=list)
    forward: Callable[[Message], None] | None = None
    lost: set[str] = field(default_factory=set)

    def deliver(self, message: Message) -> None:
        if message.to in self.lost:
            return
        self.messages.append(message)
        if self.forward:
            self.forward(message)

    def to(self, address: str) -> list[Message]:
        return [m for m in self.messages if m.to.lower() == address.lower()]

    def code_for(self, address: str) -> str:
        """The code in the newest message to this address."""
        found = self.to(address)
        assert found, f"nothing was sent to {address}"
        return found[-1].body.rsplit(" ", 1)[-1]
