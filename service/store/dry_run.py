"""Owns trying something out: all of it is done and checked, and nothing of it is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.store.session import Session


@contextmanager
def nothing_recorded(session: Session) -> Iterator[None]:
    """What is written inside is undone at the end; the transaction around it goes on."""
    attempt = session.begin_nested()
    try:
        yield
    finally:
        attempt.rollback()
