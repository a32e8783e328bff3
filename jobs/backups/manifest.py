"""Owns a backup's manifest: what is in it, and the hashes by which it is known to be whole."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kernel.errors import BadInput, Unavailable

MANIFEST = "manifest.json"
"""Written last: what has none is no backup, however much of it is there."""

DUMP = "database.dump"
FORM = 1
_NAME = "%Y-%m-%dT%H-%M-%SZ"
_KEY = re.compile(rf"{re.escape(DUMP)}|snapshots/[0-9a-f]{{64}}/(keys|daily)\.parquet")
_FIELDS = {
    "form": int, "made_at": str, "rebill": str, "revision": str, "postgres": int,
    "documents": int, "last_ordinals": dict, "not_kept": list, "unproven": list, "files": dict,
}  # fmt: skip


class BadBackup(BadInput):
    """It is no backup, not whole, or not for this version; nothing was changed."""

    code = "bad_backup"


class BackupFails(Unavailable):
    """The place does not take it or give it; what was there before is untouched."""

    code = "backup_fails"


@dataclass(frozen=True, slots=True)
class KeptFile:
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupManifest:
    made_at: datetime
    rebill: str
    revision: str
    postgres: int
    documents: int
    last_ordinals: Mapping[str, int]
    not_kept: tuple[str, ...]
    """Snapshots that were lost already when the backup was made."""
    unproven: tuple[str, ...]
    """Snapshots that are no longer what their id says, or of an older form: kept as they are."""
    files: Mapping[str, KeptFile]

    @property
    def name(self) -> str:
        return name_of(self.made_at)

    def warnings(self) -> tuple[str, ...]:
        """One line for each snapshot that is not wholly safe."""
        what_to_do = "ingest its period again, then back up"
        return (
            *(f"snapshot {each} is lost, and not in the backup: {what_to_do}"
              for each in self.not_kept),
            *(f"snapshot {each} is not what its id says; it is in the backup as it is: {what_to_do}"
              for each in self.unproven),
        )  # fmt: skip

    @property
    def snapshots(self) -> tuple[str, ...]:
        return tuple(sorted({key.split("/")[1] for key in self.files if "/" in key}))


def name_of(made_at: datetime) -> str:
    """Names of backups are in the order of time."""
    return made_at.astimezone(UTC).strftime(_NAME)


def time_of(name: str) -> datetime | None:
    """When a backup of that name was begun; None where it is no such name."""
    try:
        return datetime.strptime(name, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return None


def kept(path: Path) -> KeptFile:
    with path.open("rb") as file:
        return KeptFile(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def to_text(manifest: BackupManifest) -> str:
    plain = {"form": FORM} | asdict(manifest) | {"made_at": manifest.made_at.isoformat()}
    return json.dumps(plain, indent=2, sort_keys=True) + "\n"


def from_text(text: str, where: str) -> BackupManifest:
    """Raises BadBackup."""
    try:
        plain = json.loads(text)
    except ValueError as error:
        raise BadBackup(f"{where}: its manifest is damaged; take another backup") from error
    if isinstance(plain, dict) and isinstance(form := plain.get("form"), int) and form > FORM:
        raise BadBackup(f"{where}: made by a newer Rebill (form {form}); install that version")
    try:
        return _read(plain)
    except (KeyError, TypeError, ValueError) as error:
        raise BadBackup(f"{where}: its manifest is damaged; take another backup") from error


def _read(plain: Any) -> BackupManifest:
    for field, kind in _FIELDS.items():
        if not isinstance(plain[field], kind):
            raise TypeError(field)
    files = {key: KeptFile(int(f["size"]), str(f["sha256"])) for key, f in plain["files"].items()}
    if DUMP not in files or any(_KEY.fullmatch(key) is None for key in files):
        raise ValueError("files")
    return BackupManifest(
        made_at=datetime.fromisoformat(plain["made_at"]),
        rebill=plain["rebill"],
        revision=plain["revision"],
        postgres=plain["postgres"],
        documents=plain["documents"],
        last_ordinals=plain["last_ordinals"],
        not_kept=tuple(plain["not_kept"]),
        unproven=tuple(plain["unproven"]),
        files=files,
    )


__all__ = [
    "DUMP",
    "MANIFEST",
    "BackupFails",
    "BackupManifest",
    "BadBackup",
    "KeptFile",
    "from_text",
    "kept",
    "name_of",
    "time_of",
    "to_text",
]  # fmt: skip
