"""Owns the tables of root security: whose root was audited when, and the mailbox's test mails."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from service.store.tables import onboarding  # noqa: F401 - whose rows these name
from service.store.tables.row import Row, is_account_id


class RootAuditRow(Row, table=True):
    """When a member's root was last audited, so that everybody has a turn."""

    __table_args__ = (is_account_id("account_id"),)

    account_id: str = Field(primary_key=True)
    payer_account_id: str = Field(foreign_key="reseller.payer_account_id", index=True)
    audited_at: datetime


class MailboxCanaryRow(Row, table=True):
    """A test mail to an account's root address; written down before it is sent."""

    __table_args__ = (
        is_account_id("account_id"),
        sa.Index("ix_mailbox_canary_latest", "payer_account_id", "account_id", "written_at"),
    )

    token: str = Field(primary_key=True)
    """Not to be guessed: who shows it has read the mail."""
    payer_account_id: str = Field(foreign_key="reseller.payer_account_id")
    account_id: str
    address: str
    written_at: datetime
    sent_at: datetime | None = None
    """When our mail server took it."""
    refusal: str = ""
    """What our mail server said instead."""
    arrived_at: datetime | None = None
    """When it was first seen in the mailbox."""
