"""Owns what time it is: read in the composition roots only, and passed down from there."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present instant, in UTC."""


def system_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - this is the one place that reads it
