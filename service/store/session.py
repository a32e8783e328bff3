"""Owns the session: the one transaction that a request or a step works in."""

import sqlalchemy as sa
from sqlmodel import Session


def is_answering(session: Session) -> bool:
    """Whether the database does what it is asked."""
    return session.scalar(sa.select(sa.literal(1))) == 1


__all__ = ["Session", "is_answering"]
