"""Owns virtual MFA devices: their codes by RFC 6238, and the check that a code is fresh."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.core.calls import Answer, ApiCall, answers
from sandbox.aws.core.errors import AwsError
from sandbox.aws.core.world import World

STEP_SECONDS = 30


def code_at(seed: bytes | str, at: datetime) -> str:
    """The six digits an authenticator shows, from the device's base-32 seed."""
    return _code(seed, int(at.timestamp()) // STEP_SECONDS)


def _code(seed: bytes | str, step: int) -> str:
    secret = base64.b32decode(seed)
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def check_code(world: World, account_id: str, user: str, *, serial: str, code: str) -> None:
    """Codes of the last, this and the next half minute are good, each of them once."""
    refused = AwsError(
        "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code."
    )
    iam: Any = iam_backends[account_id]["aws"]
    owner = iam.users.get(user)
    device = iam.virtual_mfa_devices.get(serial)
    if owner is None or device is None or serial not in owner.mfa_devices:
        raise AwsError(
            "AccessDenied",
            f"MultiFactorAuthentication failed, unable to validate MFA code for {serial}.",
        )
    now = int(world.now().timestamp()) // STEP_SECONDS
    for step in (now - 1, now, now + 1):
        if _code(device.base32_string_seed, step) == code and (serial, step) not in world.mfa_used:
            world.mfa_used.add((serial, step))
            return
    raise refused


@answers("iam", "EnableMFADevice")
def enable_device(call: ApiCall) -> Answer | None:
    """Two codes in a row prove that the person has the device."""
    iam: Any = iam_backends[call.account_id]["aws"]
    device = iam.virtual_mfa_devices.get(call.params["SerialNumber"])
    if device is None:
        raise AwsError("NoSuchEntity", "VirtualMFADevice with that serial number does not exist.")
    given = (call.params["AuthenticationCode1"], call.params["AuthenticationCode2"])
    now = int(call.now.timestamp()) // STEP_SECONDS
    for step in range(now - 3, now + 3):
        if given == tuple(_code(device.base32_string_seed, s) for s in (step, step + 1)):
            return None
    raise AwsError("InvalidAuthenticationCode", "Authentication code for device is not valid.")
