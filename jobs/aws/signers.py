"""Owns whose credentials sign our calls: named by the machine's AWS configuration, kept nowhere."""

from __future__ import annotations

import os
import re
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
ACCESS = "msp-access"
ANALYZER = "msp-analyzer"
PROBE = "msp-probe-{team}"
CODE_SECONDS_MAX = 30.0


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
    `msp-analyzer` asks Access Analyzer, `msp-access` sets the access account up; without one,
    nobody does.
    A profile `msp-probe-<team>` is the probe user of that team: `mfa_serial` names its device, and
    `mfa_process` a command that prints the code (as in aws-vault). What is not there signs nothing.
    """
    own = Signer(boto3.Session())
    named = {ONBOARD: own, SETUP: own}
    profiles = botocore.session.Session().full_config.get("profiles", {})
    for name, settings in profiles.items():
        if name in (ACCESS, OFFBOARD, SETUP, ANALYZER):
            named[name] = Signer(boto3.Session(profile_name=name))
        elif name.startswith(PROBE.format(team="")):
            code = _code_from(settings["mfa_process"]) if "mfa_process" in settings else None
            session = boto3.Session(profile_name=name)
            named[name] = Signer(session, settings.get("mfa_serial", ""), code)
    return Signers(named)


class NoCode(Exception):
    """The command that prints a code did not; why, without what it was called with."""


def _code_from(command: str) -> Callable[[], str]:
    def read() -> str:
        try:
            # The reseller's own command, from their AWS configuration.
            done = subprocess.run(  # noqa: S603
                shlex.split(command), capture_output=True, timeout=CODE_SECONDS_MAX, check=False
            )
        # From none: these errors carry the command line, and the seed may stand there:
        # `tests/jobs/test_mfa_helper.py::test_a_helper_that_fails_tells_nothing_of_its_seed`.
        except subprocess.TimeoutExpired:
            raise NoCode(f"did not end within {CODE_SECONDS_MAX:g} s") from None
        except OSError as trouble:
            raise NoCode(f"cannot be started: {os.strerror(trouble.errno or 0)}") from None
        except ValueError:
            raise NoCode("cannot be read: its quotes do not match") from None
        if done.returncode != 0:
            raise NoCode(f"ended with status {done.returncode}")
        code = done.stdout.strip()
        if re.fullmatch(rb"[0-9]{6}", code) is None:
            raise NoCode("printed no code of six digits")
        return code.decode()

    return read


__all__ = [
    "ACCESS",
    "ANALYZER",
    "OFFBOARD",
    "ONBOARD",
    "PROBE",
    "SETUP",
    "NoCode",
    "Signer",
    "Signers",
    "configured_signers",
]
