"""Owns the session: the one transaction that a request or a step works in."""

import sqlalchemy as sa
from sqlmodel import Session


def is_answering(session: Session) -> bool:
    """Whether the database does what it is asked."""
    return session.scalar(sa.select(sa.literal(1))) == 1


def look_at_one_instant(session: Session) -> None:
    """First in a transaction: all that it reads is of one time, and it writes nothing."""
    session.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))


__all__ = ["Session", "is_answering", "look_at_one_instant"]
