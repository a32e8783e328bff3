"""Owns what a contract says about AWS Support."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from invoices.allocation.support.plans import SupportPlan


class SupportMode(StrEnum):
    PASS_THROUGH = "pass_through"  # noqa: S105 - no password
    """As AWS charges it to the client's accounts."""
    SUPPRESS = "suppress"
    """The reseller's: what AWS charges to the client's accounts is retained."""
    PROPORTIONAL = "proportional"
    """By what is spent that support is charged for."""
    RECOMPUTE = "recompute"
    """By a plan, as if the client (or each of its accounts) stood alone."""


class Per(StrEnum):
    """Whose spend a plan is applied to."""

    CLIENT = "client"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class SupportPolicy:
    """Of a price book, and so effective-dated as it is."""

    mode: SupportMode = SupportMode.PASS_THROUGH
    plan: SupportPlan | None = None
    """As it was when the contract was recorded: what AWS changes later changes no closed month."""
    per: Per = Per.CLIENT
    has_minimum: bool = True
    excluded_services: tuple[str, ...] = ()
    """Globs of AWS's codes: of these no support is charged, besides those that AWS leaves out."""

    def __post_init__(self) -> None:
        if (self.mode is SupportMode.RECOMPUTE) != (self.plan is not None):
            raise ValueError("mode: recompute and a plan go together")

    @property
    def moves(self) -> bool:
        """Whether what AWS charges its client's accounts is not the client's as it stands."""
        return self.mode is not SupportMode.PASS_THROUGH


AS_CHARGED = SupportPolicy()

__all__ = ["AS_CHARGED", "Per", "SupportMode", "SupportPolicy"]
