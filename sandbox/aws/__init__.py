"""AWS's accounts, organizations and identities as they behave, for the demo and the tests."""

from sandbox.aws import (
    account_api,
    accounts,
    billing,
    credential_report,
    delegates,
    handshakes,
    iam,
    mfa,
    organization,
    policies,
    root,
    sts,
    tags,
    ties,
    transfers,
)
from sandbox.aws.clock import Clock
from sandbox.aws.errors import AwsError, Undescribed
from sandbox.aws.faults import Crash, Fault, Faults
from sandbox.aws.guard import NetworkForbidden, no_network
from sandbox.aws.mailbox import Mailbox, Message
from sandbox.aws.mfa import code_at
from sandbox.aws.rules import Rules
from sandbox.aws.strict import PAYER, StrictAWS, session_from

ANSWERING = (
    account_api,
    accounts,
    billing,
    credential_report,
    delegates,
    handshakes,
    iam,
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
