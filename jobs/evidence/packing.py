"""Owns the pack as a file: the same contents are the same bytes, on any machine and any day."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from kernel.errors import BadInput
from kernel.room import telling_no_room

SUMS = "SHA256SUMS"
NO_TIME = (1980, 1, 1, 0, 0, 0)
"""ZIP has no earlier one. Its times are of no zone: a real one would differ from place to place."""


def with_sums(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """And `SHA256SUMS` of all, in the form that `sha256sum -c` reads."""
    lines = (f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in sorted(contents))
    return {**contents, SUMS: "".join(lines).encode()}


def write_pack(path: Path, contents: Mapping[str, bytes]) -> None:
    """Whole or not at all. Raises BadInput, NoRoom."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with telling_no_room():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(aside, contents)
            aside.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if aside.is_file():
            aside.unlink()


def _write(path: Path, contents: Mapping[str, bytes]) -> None:
    """Stored as they are: a ZIP that is compressed depends on the library that does it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as pack:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.create_system = 3  # Unix, on any: else the attributes below mean nothing.
            entry.external_attr = 0o100644 << 16
            pack.writestr(entry, contents[name])


__all__ = ["SUMS", "with_sums", "write_pack"]
