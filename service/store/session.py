"""Owns the session: the one transaction that a request or a step works in."""

from sqlmodel import Session

__all__ = ["Session"]
