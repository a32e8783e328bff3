"""Owns what the MSP's own organization looks like, and the words for what comes to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from accounts.model.mailbox import MailboxCheck
from kernel.errors import BadInput

# Tags on accounts and roles: proof of ownership, never the registry (AWS drops an account's tags
# when it leaves).
TAG_ONBOARDING = "msp:onboarding-id"
TAG_CLIENT = "msp:client"
TAG_MANAGED = "msp:managed"
TAG_OFFBOARDING = "msp:offboarding"
AWS_DOOR = "OrganizationAccountAccessRole"
"""What AWS calls the first role of an account that it makes, where nobody chose a name."""

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{16,1224}", re.ASCII)


class OnboardingKind(StrEnum):
    """How an account comes to be billed by us."""

    CREATE = "create"
    INVITE = "invite"
    ADOPT = "adopt"
    """A member already: made by hand, or joined by an invitation that was none of ours."""
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
class Reseller:
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
    mail: MailboxCheck | None = None
    """How it is measured that the mailbox receives what is sent to the root addresses."""
    sso_start_url: str = ""
    """Of Identity Center's portal, where people of the access account sign in by it."""
    sso_region: str = ""


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
