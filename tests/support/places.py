"""Owns where a test finds things: the checkout, and AWS's sample exports beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "../shared/data"
NOT_THERE = "sample data is missing beside the checkout"
"""How the reason of such a skip begins; the run counts them at its end (`tests/conftest.py`)."""


def sample(name: str) -> Path:
    """A file or folder of AWS's own data, which is too large for the checkout; else a skip."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{NOT_THERE}: ../shared/data/{name}")
    return path
