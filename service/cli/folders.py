"""Owns writing files into a folder that the caller chose, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from kernel.errors import BadInput
from kernel.file_names import FileName


def write_inside(folder: Path, *names: FileName, content: bytes | str) -> Path:
    """`folder/name/name…`, its folders made; text as UTF-8, byte for byte. Raises BadInput.

    A link inside the folder that leads out of it is not followed.
    """
    path = folder.joinpath(*names)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{path} leads out of {folder}; nothing is written there")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error}") from error
    return path
