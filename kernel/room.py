"""Owns the trouble of no room to write: how it is known, and told with its cause first."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from kernel.errors import Unavailable

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No room: of the disk, of what this user may have of it, or of what one file may."""

_SAID = ("No space left on device", "Disk quota exceeded", "File too large")
"""As the C libraries have it; and what is written for us speaks English."""


class NoRoom(Unavailable):
    """Nothing half-written was left."""

    code = "no_room"

    def __init__(self, cause: str, where: str = "") -> None:
        place = f" for {where}" if where else ""
        super().__init__(
            f"{cause.lower()}{place}: make room and run it again; "
            "what was being written is not kept"
        )


def no_room(trouble: BaseException) -> NoRoom | None:
    """None where it is another trouble."""
    if not isinstance(trouble, OSError) or trouble.errno not in FULL:
        return None
    # A copy names first what is read, and then what has no room.
    where = trouble.filename2 or trouble.filename or ""
    return NoRoom(trouble.strerror or _SAID[0], str(where))


@contextmanager
def telling_no_room() -> Iterator[None]:
    """Raises NoRoom instead of the OSError that means it."""
    try:
        yield
    except OSError as trouble:
        full = no_room(trouble)
        if full is None:
            raise
        raise full from trouble


def line_of_full(words: str) -> str:
    """Where another program says that a disk is full: that line. '' where none does."""
    said = (line.strip() for line in words.splitlines() if any(word in line for word in _SAID))
    return next(said, "")


__all__ = ["FULL", "NoRoom", "line_of_full", "no_room", "telling_no_room"]
