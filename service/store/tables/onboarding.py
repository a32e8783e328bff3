"""Owns the tables of member accounts: how they come, who may enter them, and how they leave."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from accounts.model.handover import HandoverKind
from accounts.model.lifecycle import Stage, WaitKind
from accounts.model.organization import OnboardingKind
from kernel.findings import Severity
from service.store.tables import configuration  # noqa: F401 - whose rows these name
from service.store.tables.row import JSON, PERIOD, Row, is_account_id, one_of


class ResellerRow(Row, table=True):
    """The payer's organization as the setup left it: OU, guards, contacts, our own roles."""

    payer_account_id: str = Field(primary_key=True, foreign_key="payer_account.account_id")
    body: dict[str, Any] = Field(sa_type=JSON)


class TeamRow(Row, table=True):
    key: str = Field(primary_key=True)
    name: str


class CatalogueRoleRow(Row, table=True):
    """A role of the reseller's own, beside the catalogue that is shipped."""

    __table_args__ = (sa.Index("uq_catalogue_role_name_case", sa.text("lower(name)"), unique=True),)

    name: str = Field(primary_key=True)
    body: dict[str, Any] = Field(sa_type=JSON)


class ClientExternalIdRow(Row, table=True):
    """Made by us, one per client, never changed: roles in its accounts ask for it."""

    client_key: str = Field(primary_key=True, foreign_key="client.key")
    external_id: str = Field(unique=True)


LEFT = "('cancelled', 'departed', 'awaiting_final_invoice', 'archived')"
"""An account that left may be onboarded again."""


class OnboardingRow(Row, table=True):
    """What was asked, and where it stands; `record` is what the next decision is made from."""

    __table_args__ = (
        sa.CheckConstraint("id ~ '^onb-[0-9a-z]{4,16}$'", name="id_form"),
        sa.CheckConstraint("account_id ~ '^([0-9]{12})?$'", name="account_id_form"),
        sa.Index(
            "uq_onboarding_account_living",
            "account_id",
            unique=True,
            postgresql_where=sa.text(f"account_id <> '' AND stage NOT IN {LEFT}"),
        ),
        sa.Index(
            "uq_onboarding_email_living",
            sa.text("lower(email)"),
            unique=True,
            postgresql_where=sa.text(f"email <> '' AND stage NOT IN {LEFT}"),
        ),
        sa.Index(
            "ix_onboarding_due",
            "payer_account_id",
            "next_at",
            postgresql_where=sa.text("next_at IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    payer_account_id: str = Field(foreign_key="reseller.payer_account_id")
    kind: OnboardingKind = Field(sa_type=one_of(OnboardingKind, check="kind"))
    client_key: str = Field(foreign_key="client.key", index=True)
    account_name: str
    email: str
    account_id: str
    """Once it is known; until then ''."""
    external_ref: str | None = Field(default=None, unique=True)
    batch_id: str | None = Field(default=None, index=True)
    asked: dict[str, Any] = Field(sa_type=JSON)
    """The caller's own words, to tell a repetition from another request."""
    request: dict[str, Any] = Field(sa_type=JSON)
    record: dict[str, Any] = Field(sa_type=JSON)
    stage: Stage = Field(sa_type=one_of(Stage))
    wait_kind: WaitKind | None = Field(default=None, sa_type=one_of(WaitKind))
    wait_reason: str = ""
    what_to_do: str = ""
    aws_words: str = ""
    expires_at: datetime | None = None
    stops_all: bool = False
    """It waits for the payer account itself to be put in order, and so do all others."""
    next_at: datetime | None = None
    """When it is due; None: it has ended, or waits for a person."""
    cancel_asked_by: str | None = None
    version: int = 0
    """Raised by every save: who decided from an older one is overtaken."""
    requested_by: str
    requested_at: datetime
    live_at: datetime | None = None
    departed_at: datetime | None = None
    first_cost_in: str | None = Field(default=None, sa_type=PERIOD)
    """The month of the payer's data that has its first row; None while none was seen."""


class ReservationRow(Row, table=True):
    """A root address and account name, kept for good: AWS gives neither away twice."""

    email: str = Field(primary_key=True)
    """In lower case, as AWS compares."""
    account_name: str = Field(unique=True)
    onboarding_id: str = Field(foreign_key="onboarding.id", unique=True)


class EventKind(StrEnum):
    ASKED = "asked"
    INTENT = "intent"
    CALL = "call"
    ENTRY = "entry"
    WAIT = "wait"
    DONE = "done"
    PERSON = "person"


class EventOutcome(StrEnum):
    OK = "ok"
    REFUSED = "refused"
    LOST = "lost"


class OnboardingEventRow(Row, table=True):
    """One thing that happened; never changed, and without secrets."""

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: str = Field(foreign_key="onboarding.id", index=True)
    at: datetime
    kind: EventKind = Field(sa_type=one_of(EventKind))
    step: str
    outcome: EventOutcome | None = Field(default=None, sa_type=one_of(EventOutcome))
    words: str = ""
    """What AWS, the decision or the person said."""
    operation: str = ""
    """Such as `organizations:CreateAccount`."""
    request_id: str = ""
    """AWS's, for its support."""
    actor: str = ""
    """The person, or '' for the service."""


class RegisteredRoleRow(Row, table=True):
    """Every role of ours that ever was to be made: at hand-over each is shown to be shut."""

    __table_args__ = (is_account_id("account_id"),)

    role_arn: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    onboarding_id: str = Field(foreign_key="onboarding.id")
    registered_at: datetime


class RoleGrantRow(Row, table=True):
    """A team may use a role in an account, from `granted_at` until `revoked_at`."""

    __table_args__ = (
        is_account_id("account_id"),
        sa.Index(
            "uq_role_grant_living",
            "team_key",
            "account_id",
            "role_name",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    team_key: str = Field(foreign_key="team.key")
    account_id: str
    role_name: str
    until: datetime | None = None
    granted_by: str
    granted_at: datetime
    revoked_by: str | None = None
    revoked_at: datetime | None = None


class GrantProposalRow(Row, table=True):
    """A grant of an administrator's role, until a second person approves it."""

    __table_args__ = (
        is_account_id("account_id"),
        sa.CheckConstraint("approved_by <> asked_by", name="a_second_person"),
        sa.Index(
            "uq_grant_proposal_living",
            "team_key",
            "account_id",
            "role_name",
            unique=True,
            postgresql_where=sa.text("decided_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    team_key: str = Field(foreign_key="team.key")
    account_id: str
    role_name: str
    until: datetime | None = None
    asked_by: str
    asked_at: datetime
    approved_by: str | None = None
    withdrawn_by: str | None = None
    decided_at: datetime | None = None


class HandoverRow(Row, table=True):
    __table_args__ = (
        sa.Index(
            "uq_handover_living",
            "onboarding_id",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: str = Field(foreign_key="onboarding.id", index=True)
    exit: HandoverKind = Field(sa_type=one_of(HandoverKind, check="exit"))
    client_email: str
    client_contact: dict[str, str] = Field(sa_type=JSON)
    ends_at: datetime | None = None
    codes: dict[str, str] = Field(sa_type=JSON)
    """One-time codes, here only until the worker takes them."""
    asked_by: str
    asked_at: datetime
    aborted_by: str | None = None
    ended_at: datetime | None = None


class HandoverApprovalRow(Row, table=True):
    """Of one dangerous item, by another person than the one who asked."""

    __table_args__ = (sa.CheckConstraint("approved_by <> asked_by", name="a_second_person"),)

    handover_id: int = Field(primary_key=True, foreign_key="handover.id")
    item: str = Field(primary_key=True)
    asked_by: str
    approved_by: str
    approved_at: datetime


class MemberAccountRow(Row, table=True):
    """What AWS's list last said of an account of the organization."""

    __table_args__ = (is_account_id("account_id"),)

    account_id: str = Field(primary_key=True)
    payer_account_id: str = Field(foreign_key="reseller.payer_account_id")
    name: str
    state: str
    seen_at: datetime


class AccountFindingRow(Row, table=True):
    """What the watch found, until it finds it no more."""

    payer_account_id: str = Field(primary_key=True, foreign_key="reseller.payer_account_id")
    code: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    severity: Severity = Field(sa_type=one_of(Severity))
    message: str
    found_at: datetime
    seen_at: datetime
    settled_at: datetime | None = None
