"""Owns page cursors: opaque, bound to the filters of the list they belong to."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping

from kernel.errors import BadInput


class BadCursor(BadInput):
    code = "bad_cursor"

    def __init__(self) -> None:
        super().__init__("This cursor is not of this list; start again without one.")


def encode(position: tuple[str, ...], filters: Mapping[str, str | None]) -> str:
    """`position` is the sort key of the last item shown."""
    body = json.dumps([*position], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_seal(body, filters) + body).decode().rstrip("=")


def decode(cursor: str, filters: Mapping[str, str | None]) -> tuple[str, ...]:
    """Raises BadCursor on anything that `encode` did not make for these filters."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error):
        raise BadCursor from None
    seal, body = raw[:12], raw[12:]
    if seal != _seal(body, filters):
        raise BadCursor
    position = _texts(body)
    if position is None:
        raise BadCursor
    return position


def after(cursor: str | None, filters: Mapping[str, str | None], form: str) -> str | None:
    """The one text of `form` (a pattern) that a cursor points behind. Raises BadCursor."""
    if not cursor:
        return None
    position = decode(cursor, filters)
    if len(position) != 1 or not re.fullmatch(form, position[0]):
        raise BadCursor
    return position[0]


def _texts(body: bytes) -> tuple[str, ...] | None:
    """The seal is no secret, so what it covers is still a stranger's."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    is_texts = isinstance(found, list) and all(isinstance(each, str) for each in found)
    return tuple(found) if is_texts else None


def _seal(body: bytes, filters: Mapping[str, str | None]) -> bytes:
    """Not a secret: it catches a damaged cursor and one that belongs to another list."""
    return hashlib.sha256(json.dumps(sorted(filters.items())).encode() + body).digest()[:12]
