"""Owns the state of the pretend AWS: every account, organization, invitation and session."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from threading import RLock
from typing import Any

from sandbox.aws.core.clock import Clock
from sandbox.aws.core.errors import AwsError
from sandbox.aws.core.mailbox import Mailbox
from sandbox.aws.core.rules import Rules
from sandbox.aws.core.sessions import Principal, administrator, root_user


@dataclass
class RootCredentials:
    password: bool = False
    access_keys: dict[str, str] = field(default_factory=dict)
    """Key id -> Active or Inactive."""
    mfa_devices: list[str] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)
    password_last_used: datetime | None = None


@dataclass(frozen=True)
class CredentialReport:
    started_at: datetime
    content: str


@dataclass
class AwsAccount:
    """One AWS account, member or not. What a person does at the console is set here."""

    id: str
    name: str
    email: str
    created_at: datetime
    joined_at: datetime
    joined_method: str = "INVITED"
    organization: Organization | None = None
    parent_id: str = ""
    closed_at: datetime | None = None
    suspended: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    root: RootCredentials = field(default_factory=RootCredentials)
    payment_instrument: bool = True
    payment_valid: bool = True
    accepted_agreement: bool = True
    email_verified: bool = True
    owner_verified: bool = True
    seller_of_record: str = "AWS Inc."
    phone_status: str = "VERIFIED"
    contact: dict[str, str] = field(default_factory=dict)
    alternate_contacts: dict[str, dict[str, str]] = field(default_factory=dict)
    codes: dict[str, Any] = field(default_factory=dict)
    regions: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    renamed: tuple[str, datetime] | None = None
    """The name before the last change, and when it was changed."""
    transfer_obstacle: str = ""
    """A reason that keeps this payer from transferring its bill, e.g. PAST_DUE_INVOICE."""


@dataclass
class Unit:
    id: str
    name: str
    parent_id: str


@dataclass
class ControlPolicy:
    id: str
    name: str
    type: str
    content: str
    description: str = ""
    aws_managed: bool = False


@dataclass
class CreateRequest:
    id: str
    params: dict[str, Any]
    requested_at: datetime
    polls: int = 0
    completed_at: datetime | None = None
    account_id: str = ""
    failure: str = ""
    twin: bool = False
    """Another request for the same e-mail was in progress when this one came."""

    @property
    def state(self) -> str:
        if self.completed_at is None:
            return "IN_PROGRESS"
        return "FAILED" if self.failure else "SUCCEEDED"


@dataclass
class Organization:
    id: str
    root_id: str
    payer_id: str
    created_at: datetime
    feature_set: str = "ALL"
    members: dict[str, AwsAccount] = field(default_factory=dict)
    """In the order they joined, the payer first."""
    units: dict[str, Unit] = field(default_factory=dict)
    policies: dict[str, ControlPolicy] = field(default_factory=dict)
    attached: dict[str, list[str]] = field(default_factory=dict)
    """Target -> ids of the policies attached to it."""
    policy_types: list[str] = field(default_factory=list)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    services: dict[str, datetime] = field(default_factory=dict)
    delegates: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """(account, service principal) -> since when."""
    requests: dict[str, CreateRequest] = field(default_factory=dict)
    root_features: set[str] = field(default_factory=set)
    closures: list[datetime] = field(default_factory=list)
    invitations: list[datetime] = field(default_factory=list)
    cost_tags: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    anomaly: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Handshake:
    id: str
    action: str
    organization: Organization
    party: dict[str, str]
    requested_at: datetime
    expires_at: datetime
    settled: str = ""
    """ACCEPTED, DECLINED or CANCELED; until then it is open, or expired by the clock."""
    settled_at: datetime | None = None
    notes: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    transfer_id: str = ""


@dataclass
class Transfer:
    """Responsibility for a bill: the source's, to be paid by the target."""

    id: str
    name: str
    source_id: str
    target: Organization
    handshake_id: str
    start_at: datetime
    end_at: datetime | None = None
    withdrawn: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    """Of the target's, who asked for it."""


class World:
    """All of it, under one lock. Ids follow from the seed, so a run can be repeated."""

    def __init__(self, *, payer_id: str, clock: Clock, rules: Rules, seed: int = 1) -> None:
        self.payer_id = payer_id
        self.clock = clock
        self.rules = rules
        self.random = Random(seed)
        self.lock = RLock()
        self.mail = Mailbox()
        self.enforcing = False
        self.accounts: dict[str, AwsAccount] = {}
        self.organizations: dict[str, Organization] = {}
        self.handshakes: dict[str, Handshake] = {}
        self.transfers: dict[str, Transfer] = {}
        self.sessions: dict[str, Principal] = {}
        self.key_owners: dict[str, tuple[str, ...]] = {}
        self.failures: dict[str, list[str]] = {}
        """E-mail -> the reasons its next creations fail with."""
        self.reserved_ids: dict[str, str] = {}
        """E-mail -> the account id its creation gives, for bills that know it beforehand."""
        self.mfa_used: set[tuple[str, int]] = set()
        self.trusts: dict[str, list[tuple[datetime, str]]] = {}
        """Role ARN -> its trust policies, each with the time it was written."""
        self.credential_reports: dict[str, CredentialReport] = {}
        """Account -> its latest report."""
        self.stubs: dict[tuple[str, str], Callable[..., dict[str, Any]]] = {}

    def now(self) -> datetime:
        return self.clock.now()

    def in_days(self, days: float) -> datetime:
        return self.now() + timedelta(days=days)

    def new_id(self, prefix: str, size: int) -> str:
        return prefix + "".join(self.random.choices(string.ascii_lowercase + string.digits, k=size))

    def new_account_id(self, email: str) -> str:
        wanted = self.reserved_ids.pop(email.lower(), "")
        while not wanted or wanted in self.accounts:
            wanted = "".join(self.random.choices(string.digits[1:], k=12))
        return wanted

    def account(self, account_id: str) -> AwsAccount:
        found = self.accounts.get(account_id)
        if found is None:
            raise AwsError(
                "AccountNotFoundException", "You specified an account that doesn't exist."
            )
        return found

    def account_with_email(self, email: str) -> AwsAccount | None:
        """Unique over all of AWS, whatever the case; a closed account keeps its address."""
        wanted = email.lower()
        return next((a for a in self.accounts.values() if a.email.lower() == wanted), None)

    def add_standalone(self, account_id: str, *, name: str, email: str) -> AwsAccount:
        """An account somebody signed up for: with a payment instrument and a root password."""
        now = self.now()
        account = AwsAccount(account_id, name, email, now, now)
        account.root.password = True
        account.contact = dict(CONTACT)
        self.accounts[account_id] = account
        return account

    def administrator_of(self, account_id: str) -> Principal:
        return self._standing(administrator(account_id))

    def root_of(self, account_id: str) -> Principal:
        return self._standing(root_user(account_id))

    def _standing(self, caller: Principal) -> Principal:
        return self.sessions.setdefault(caller.access_key_id, caller)


def name_shown(account: AwsAccount, rules: Rules, now: datetime) -> str:
    """By Organizations, which learns of a change late; the Account API knows at once."""
    if account.renamed is None:
        return account.name
    former, changed_at = account.renamed
    return former if now < changed_at + timedelta(seconds=rules.naming_seconds) else account.name


CONTACT = {
    "FullName": "Reseller Owner",
    "AddressLine1": "1 Quay",
    "City": "Cork",
    "PostalCode": "T12",
    "CountryCode": "IE",
    "PhoneNumber": "+353 21 0000000",
}


def state_of(account: AwsAccount, rules: Rules, now: datetime) -> str:
    """The `State` of ListAccounts; `Status` was retired on 2026-09-09 and is never given."""
    if account.closed_at is not None:
        if now < account.closed_at + timedelta(seconds=rules.closing_seconds):
            return "PENDING_CLOSURE"
        gone = now >= account.closed_at + timedelta(days=rules.closed_days)
        return "CLOSED" if gone else "SUSPENDED"
    if account.suspended:
        return "SUSPENDED"
    pending = account.joined_method == "CREATED" and now < account.created_at + timedelta(
        seconds=rules.activation_seconds
    )
    return "PENDING_ACTIVATION" if pending else "ACTIVE"
