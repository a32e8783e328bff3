"""Owns what the MSP's own organization looks like, and what a client's account is asked to be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from service.accounts.emails import check_email
from service.accounts.names import check_account_name, token_of
from service.errors import BadInput

if TYPE_CHECKING:
    from service.accounts.roles import RoleSpec

# Tags on accounts and roles: proof of ownership, never the registry (AWS drops an account's tags
# when it leaves).
TAG_ONBOARDING = "msp:onboarding-id"
TAG_CLIENT = "msp:client"
TAG_MANAGED = "msp:managed"
TAG_OFFBOARDING = "msp:offboarding"

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{16,1224}", re.ASCII)


class Kind(StrEnum):
    """How an account comes to be billed by us."""

    CREATE = "create"
    INVITE = "invite"
    BILLING_TRANSFER = "billing_transfer"


class ContactType(StrEnum):
    """AWS's three alternate contacts."""

    BILLING = "BILLING"
    OPERATIONS = "OPERATIONS"
    SECURITY = "SECURITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    name: str
    title: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """The MSP's organization as `svc_setup.json` left it; one writer works on it at a time."""

    payer_account_id: str
    organization_id: str
    root_id: str
    client_ou_id: str
    membership_scp_id: str
    """Keeps the account in the organization and our roles in the account."""
    root_scp_id: str
    """Denies the use of root; apart, because the client's root must work before membership ends."""
    mailbox: str
    automation_arn: str
    """The onboarding role in the payer account (`svc_onboard.json`)."""
    offboarding_arn: str
    """The offboarding role there (`svc_offboard.json`); nobody else may enter by itself."""
    access_account_id: str
    """The account whose IAM users and Identity Center roles are people; better not the payer."""
    contacts: dict[ContactType, Contact]
    bootstrap_role: str = "MspBootstrap"
    partition: str = "aws"
    region: str = "us-east-1"
    probe_teams: frozenset[str] = frozenset()
    """Teams that have a probe user with a virtual MFA device, to prove the roles of people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One onboarding, as accepted: nothing in it is still to be decided."""

    onboarding_id: str
    kind: Kind
    client_key: str
    account_name: str
    email: str
    """Created: the new root address. Invited: the address invited, where no account id is known."""
    account_id: str = ""
    """Invited: the account; billing transfer: the client's management account; created: ''."""
    external_id: str
    """Ours, one per client, never chosen by the client."""
    roles: tuple[RoleSpec, ...] = ()
    budget_amount: str = ""
    """Monthly, decimal text in USD; '' for no budget."""
    transfer_starts_at: datetime | None = None
    """Billing transfer: the first of a month, 00:00 UTC."""
    consents: frozenset[Consent] = field(default=frozenset())


class Consent(StrEnum):
    """What the client of an invited account allowed us to do there."""

    REPAIR_ROLES = "repair_roles"
    DELETE_ROOT_CREDENTIALS = "delete_root_credentials"


def check_request(practice: Practice, request: Request) -> Request:
    """The request itself, or BadInput: whatever AWS would refuse is refused before any write."""
    token_of(request.onboarding_id)
    check_external_id(request.external_id)
    match request.kind:
        case Kind.CREATE:
            check_email(request.email)
            check_account_name(request.account_name)
            if request.account_id:
                raise BadInput("an account to be created has no account_id yet; leave it out")
        case Kind.INVITE if not request.account_id:
            check_email(request.email)
        case Kind.INVITE:
            check_account_id(request.account_id)
        case Kind.BILLING_TRANSFER:
            check_account_id(request.account_id)
            _check_transfer_start(request.transfer_starts_at)
            for role in request.roles:
                if role.trust != "trust_automation":
                    raise BadInput(
                        f"{role.name}: a billing transfer has roles for automation only, "
                        "which the client deploys"
                    )
    if request.account_id == practice.payer_account_id:
        raise BadInput(f"{request.account_id} is our own payer account; give the client's")
    names = [role.name for role in request.roles]
    if len(names) != len(set(names)):
        raise BadInput(f"a role is asked for twice: {', '.join(sorted(names))}")
    return request


def check_account_id(account_id: str) -> str:
    """The id itself, or BadInput unless it is twelve digits."""
    if _ACCOUNT_ID.fullmatch(account_id) is None:
        raise BadInput(f"{account_id!r} is no AWS account id; it is twelve digits, as text")
    return account_id


def check_external_id(external_id: str) -> str:
    """The id itself, or BadInput: AWS takes from 2 characters, we ask for 16, not to be guessed."""
    if _EXTERNAL_ID.fullmatch(external_id) is None:
        raise BadInput("an ExternalId has 16 to 1224 letters, digits or characters of _+=,.@:/-")
    return external_id


def _check_transfer_start(starts_at: datetime | None) -> None:
    if starts_at is None or starts_at.utcoffset() is None:
        raise BadInput("a billing transfer needs transfer_starts_at, an instant in UTC")
    utc = starts_at.astimezone(tz=starts_at.tzinfo)
    midnight = (utc.hour, utc.minute, utc.second, utc.microsecond) == (0, 0, 0, 0)
    if utc.utcoffset() or utc.day != 1 or not midnight:
        raise BadInput(
            f"a billing transfer starts on the first of a month at 00:00 UTC, not {starts_at}"
        )
