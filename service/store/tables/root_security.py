"""Owns the tables of root security: audits of root, its tasks, and the mailbox's test mails."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from accounts.root_access.root_task import RootTaskKind, RootTaskState
from service.store.tables import onboarding  # noqa: F401 - whose rows these name
from service.store.tables.row import Row, is_account_id, one_of


class RootAuditRow(Row, table=True):
    """When a member's root was last audited, so that everybody has a turn."""

    __table_args__ = (is_account_id("account_id"),)

    account_id: str = Field(primary_key=True)
    payer_account_id: str = Field(foreign_key="reseller.payer_account_id", index=True)
    audited_at: datetime


class RootTaskRow(Row, table=True):
    """Root of a member, entered for one task: who asked, who approved, what was seen."""

    __table_args__ = (
        is_account_id("account_id"),
        sa.CheckConstraint("approved_by <> asked_by", name="a_second_person"),
        sa.Index(
            "uq_root_task_living",
            "account_id",
            "kind",
            "resource",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    payer_account_id: str = Field(foreign_key="reseller.payer_account_id", index=True)
    account_id: str
    onboarding_id: str = Field(foreign_key="onboarding.id")
    kind: RootTaskKind = Field(sa_type=one_of(RootTaskKind))
    resource: str = ""
    region: str = ""
    reason: str
    state: RootTaskState = Field(sa_type=one_of(RootTaskState))
    asked_by: str
    asked_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    shown: str = ""
    """The policy as it was, word for word: whoever needs it again finds it here."""
    root_before: str = ""
    trouble: str = ""
    proof: str = ""
    ended_at: datetime | None = None


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
