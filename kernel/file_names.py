"""Owns names of files made from text that others wrote: a name, never a path."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

FileName = NewType("FileName", str)
"""One part of a path, as `file_name` makes it: what is written goes by no other name."""

CHARS_MAX = 100
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*[A-Za-z0-9_-]|[A-Za-z0-9_]")
# Names that Windows keeps for devices, whatever their ending (Win32, "Naming Files, Paths, and
# Namespaces").
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def file_name(text: str, *, ending: str = "") -> FileName:
    """`text` where it is plain ASCII; else what is plain of it and a hash, so that two stay two.

    No separator, no leading dot, no device of Windows, no control character. `ending` is ours.
    """
    if len(text) <= CHARS_MAX and _PLAIN.fullmatch(text) and not _DEVICE.fullmatch(text):
        return FileName(text + ending)
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[: CHARS_MAX - 9]
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return FileName(f"{plain}-{digest}{ending}" if plain else digest + ending)
