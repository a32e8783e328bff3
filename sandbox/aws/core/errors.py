"""Owns how the sandbox says no: AWS's error code, its words, and the fields of its error shape."""

from __future__ import annotations

from typing import Any

STATUS = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "InvalidClientTokenId": 403,
    "ExpiredToken": 403,
    "OptInRequired": 403,
    "SubscriptionRequiredException": 403,
    "RegionDisabledException": 403,
    "NoSuchEntity": 404,
    "EntityAlreadyExists": 409,
    "ConcurrentModification": 409,
    "DeleteConflict": 409,
    "LimitExceeded": 409,
}
"""HTTP status of the codes a service model does not give one for; others are 400."""


class AwsError(Exception):
    """Fields become members of the error (`Reason`, `Type`), as botocore shows them."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = fields


class Undescribed(AssertionError):
    """An answer that AWS could not have given: it does not fit botocore's own service model."""


def constraint(reason: str, message: str = "") -> AwsError:
    words = message or "You have violated a constraint of your organization."
    return AwsError("ConstraintViolationException", words, Reason=reason)


def handshake_constraint(reason: str) -> AwsError:
    words = "The handshake you requested violates a constraint."
    return AwsError("HandshakeConstraintViolationException", words, Reason=reason)


def invalid(reason: str, message: str = "You specified an invalid value.") -> AwsError:
    return AwsError("InvalidInputException", message, Reason=reason)


def denied(message: str = "You don't have permissions to access this resource.") -> AwsError:
    return AwsError("AccessDeniedException", message)
