"""Owns what the moving of onboardings stands on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from jobs.aws.calls import Caller
from service.store.database import Database


@dataclass(frozen=True, slots=True)
class OnboardingEnvironment:
    """One per organization: its caller is used by whoever holds the organization's lock."""

    database: Database
    caller: Caller
    now: Callable[[], datetime]
