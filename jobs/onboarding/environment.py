"""Owns what the moving of onboardings stands on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from jobs.aws.calls import Caller, Clients
from jobs.aws.signers import Signers
from service.store.database import Database


@dataclass(frozen=True, slots=True)
class OnboardingEnvironment:
    """Made once by a composition root, and passed down."""

    database: Database
    signers: Signers
    clients: Clients
    now: Callable[[], datetime]

    def caller(self) -> Caller:
        """For one visit: the sessions it gets in members end with it."""
        return Caller(self.signers, self.clients, self.now)
