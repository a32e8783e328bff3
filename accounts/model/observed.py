"""Owns what was observed in AWS: values, each None until it was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from accounts.model.decision import Refusal
from accounts.model.organization import Contact
from accounts.model.role_spec import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedOrganization:
    organization_id: str
    payer_account_id: str
    all_features: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAccount:
    account_id: str
    name: str
    email: str
    state: str
    """AWS's `State` (its `Status` was retired on 2026-09-09)."""
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedCreation:
    """One row of ListCreateAccountStatus; it shows neither e-mail nor tags."""

    request_id: str
    account_name: str
    state: str
    requested_at: datetime
    account_id: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedHandshake:
    handshake_id: str
    state: str
    requested_at: datetime
    expires_at: datetime
    target: str
    """Account id or e-mail address of the party invited."""
    notes: str = ""
    """What the inviter wrote: we write the onboarding id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedTransfer:
    """A billing transfer towards us."""

    transfer_id: str
    status: str
    source_account_id: str
    starts_at: datetime
    handshake_id: str = ""
    """Of the request while it is open."""
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRole:
    name: str
    path: str
    trust: Document
    inline: Mapping[str, Document]
    managed_arns: frozenset[str]
    boundary_arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedPolicy:
    """A managed policy of the member account."""

    arn: str
    document: Document
    version_ids: tuple[str, ...]
    """The default version first, then the others, oldest last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRoot:
    """Whether the root user of a member can sign in, from GetAccountSummary as root."""

    password: bool
    access_keys: bool
    mfa: bool
    signing_certificates: bool

    @property
    def has_credentials(self) -> bool:
        return self.password or self.access_keys or self.signing_certificates


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedBudget:
    name: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """None: not looked at yet, or stale after a write. Empty: looked at, and nothing there.

    Made anew for every visit of the worker: nothing seen yesterday decides today.
    """

    organization: ObservedOrganization | None = None
    accounts: tuple[ObservedAccount, ...] | None = None
    account: ObservedAccount | None = None
    """The member alone."""
    account_tags: Mapping[str, str] | None = None
    creations: tuple[ObservedCreation, ...] | None = None
    handshakes: tuple[ObservedHandshake, ...] | None = None
    transfers: tuple[ObservedTransfer, ...] | None = None
    parent_id: str | None = None
    contacts: Mapping[str, Contact | None] = field(default_factory=dict)
    roles: tuple[ObservedRole, ...] | None = None
    policies: tuple[ObservedPolicy, ...] | None = None
    written: frozenset[str] = frozenset()
    """Keys of the batch writes sent since `roles` were seen."""
    session_seconds: Mapping[str, int] | None = None
    """By role name; GetAccountAuthorizationDetails leaves it out."""
    root: ObservedRoot | None = None
    root_access_key_ids: tuple[str, ...] | None = None
    root_certificate_ids: tuple[str, ...] | None = None
    budget: tuple[ObservedBudget, ...] | None = None
    cost_tags: Mapping[str, str] | None = None
    scp_ids: frozenset[str] | None = None
    probes: Mapping[str, Refusal | None] = field(default_factory=dict)
    """By probe: None where AWS let it pass, else what AWS said."""
    primary_email: str | None = None
    contact_information: Mapping[str, str] | None = None
    phone_verification: str | None = None
    delegated_services: tuple[str, ...] | None = None
    stack_sets: Mapping[str, bool] | None = None
    """By name: does it delete its stacks in an account that leaves?"""
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the account shares, uses or has bought: names, by the key of the question."""
    invitations: tuple[ObservedHandshake, ...] | None = None
    """Of other organizations to the member."""
