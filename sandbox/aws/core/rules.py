"""Owns the sandbox's knobs: AWS's quotas, and how slowly its many parts come to agree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """Quotas as AWS documents them; delays are nought, so a test asks for the one it is about."""

    accounts: int = 1_000
    """Members, open invitations and closed accounts together. AWS starts an organization at 10."""
    creations_in_flight: int = 5
    creation_polls: int = 2
    """Reads of a request's state before it is done, …"""
    creation_seconds: float = 0
    """… and the time it takes at least."""
    request_listing_seconds: float = 0
    """How late ListCreateAccountStatus shows a new request."""
    listing_seconds: float = 0
    """How late ListAccounts shows a new account."""
    activation_seconds: float = 0
    """PENDING_ACTIVATION for so long after creation."""
    usable_seconds: float = 0
    """STS refuses a new account's roles for so long after creation."""
    usable_error: str = "AccessDenied"
    """What it says meanwhile: AccessDenied, InvalidClientTokenId, RegionDisabledException, …"""
    role_seconds: float = 0
    """A new role, or a changed trust policy, takes effect so late."""

    wait_days: float = 4
    """Before a created account may leave or be transferred."""
    handshake_days: float = 15
    handshakes_per_day: int = 20
    handshake_memory_days: float = 30
    closing_seconds: float = 60
    closed_days: float = 90
    closures_in_flight: int = 3
    closures_floor: int = 250
    """Closures per 30 days: this, or a fifth of the members up to 1,000, whichever is more."""

    otp_seconds: float = 1_800
    email_seconds: float = 0
    naming_seconds: float = 0
    """How late Organizations shows a name that was changed: up to four hours, says AWS."""
    region_seconds: float = 0
    cost_tag_seconds: float = 0
    """How late a tag key put on an account is known to cost allocation."""
    report_seconds: float = 0
    """How long a credential report is in the making."""
    page_size: int = 20
