"""A payer whose deliveries are watched."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.environment import Environment
from tests.support.bills.deliveries import (
    configure,
)


@pytest.fixture
def export(environment: Environment, tmp_path: Path) -> Path:
    """A payer whose export is a folder, of which nothing was delivered so far."""
    place = tmp_path / "exports/main"
    place.mkdir(parents=True)
    configure(environment, tmp_path, place)
    return place
