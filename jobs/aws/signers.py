"""Owns whose credentials sign our calls: named by the machine's AWS configuration, kept nowhere."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import boto3
import botocore.session

ONBOARD = "msp-onboard"
OFFBOARD = "msp-offboard"
SETUP = "msp-setup"
ANALYZER = "msp-analyzer"
PROBE = "msp-probe-{team}"


class HasCredentials(Protocol):
    """A boto3.Session, which renews what runs out."""

    def get_credentials(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Signer:
    """A session, and for an IAM user its MFA device and how to read the code it shows."""

    session: HasCredentials
    mfa_serial: str = ""
    mfa_code: Callable[[], str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Signers:
    """By name; made by a composition root or a test."""

    named: Mapping[str, Signer]

    def get(self, name: str) -> Signer | None:
        return self.named.get(name)


def configured_signers() -> Signers:
    """The environment's own credentials onboard; the profile `msp-offboard` offboards.

    The profile `msp-setup` sets up; without one, the environment's own credentials do. The profile
    `msp-analyzer` asks Access Analyzer; without one, nobody does.
    A profile `msp-probe-<team>` is the probe user of that team: `mfa_serial` names its device, and
    `mfa_process` a command that prints the code (as in aws-vault). What is not there signs nothing.
    """
    own = Signer(boto3.Session())
    named = {ONBOARD: own, SETUP: own}
    profiles = botocore.session.Session().full_config.get("profiles", {})
    for name, settings in profiles.items():
        if name in (OFFBOARD, SETUP, ANALYZER):
            named[name] = Signer(boto3.Session(profile_name=name))
        elif name.startswith(PROBE.format(team="")):
            code = _code_from(settings["mfa_process"]) if "mfa_process" in settings else None
            session = boto3.Session(profile_name=name)
            named[name] = Signer(session, settings.get("mfa_serial", ""), code)
    return Signers(named)


def _code_from(command: str) -> Callable[[], str]:
    def read() -> str:
        words = shlex.split(command)
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - the reseller's own command, from their AWS configuration
        return done.stdout.strip()

    return read


__all__ = [
    "ANALYZER",
    "OFFBOARD",
    "ONBOARD",
    "PROBE",
    "SETUP",
    "Signer",
    "Signers",
    "configured_signers",
]
