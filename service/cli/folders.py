"""Owns writing files into a folder that the caller chose, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

from kernel.errors import BadInput
from kernel.file_names import FileName
from kernel.room import FULL


def write_inside(folder: Path, *names: FileName, content: bytes | str) -> Path:
    """`folder/name/name…`, its folders made; text as UTF-8, byte for byte. Raises BadInput.

    Raises OSError where there is no room. A link inside the folder that leads out of it is not
    followed.
    """
    path = folder.joinpath(*names)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{path} leads out of {folder}; nothing is written there")
    aside = path.with_name(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a disk that is full would leave half a document under its name.
        aside.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        aside.replace(path)
    except OSError as error:
        if aside.is_file():
            aside.unlink()
        if error.errno in FULL:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise BadInput(f"{path} cannot be written: {error}") from error
    return path
