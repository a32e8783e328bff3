"""AWS's accounts, organizations and identities as they behave, for the demo and the tests."""

from sandbox.aws.billing import cost_management
from sandbox.aws.core.clock import Clock
from sandbox.aws.core.errors import AwsError, Undescribed
from sandbox.aws.core.faults import Crash, Fault, Faults
from sandbox.aws.core.guard import NetworkForbidden, no_network
from sandbox.aws.core.mailbox import Mailbox, Message
from sandbox.aws.core.rules import Rules
from sandbox.aws.iam import credential_report, identities, mfa, root, sts
from sandbox.aws.iam.mfa import code_at
from sandbox.aws.organizations import (
    account_api,
    accounts,
    delegates,
    handshakes,
    organization,
    policies,
    tags,
    ties,
    transfers,
)
from sandbox.aws.strict import PAYER, StrictAWS, session_from

ANSWERING = (
    account_api,
    accounts,
    cost_management,
    credential_report,
    delegates,
    handshakes,
    identities,
    mfa,
    organization,
    policies,
    root,
    sts,
    tags,
    ties,
    transfers,
)
"""Importing a module registers what it answers."""

__all__ = [
    "ANSWERING",
    "PAYER",
    "AwsError",
    "Clock",
    "Crash",
    "Fault",
    "Faults",
    "Mailbox",
    "Message",
    "NetworkForbidden",
    "Rules",
    "StrictAWS",
    "Undescribed",
    "code_at",
    "no_network",
    "session_from",
]
