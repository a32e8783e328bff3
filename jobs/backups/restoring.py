"""Owns bringing a backup back: checked before anything is written, into an empty database only."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jobs.backups.manifest import DUMP, BackupManifest, BadBackup, from_text, kept
from jobs.backups.places import BackupPlace, whole
from jobs.snapshots import DamagedSnapshot, Snapshots
from kernel.room import telling_no_room
from service.store import revision
from service.store.access import audit
from service.store.address import DatabaseAddress
from service.store.archive import dump
from service.store.archive.proof import Proven, prove_documents
from service.store.database import Database
from service.store.upgrade import upgrade

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Restored:
    manifest: BackupManifest
    proven: Proven


def restore(
    address: DatabaseAddress,
    home: Path,
    place: BackupPlace,
    name: str | None,
    *,
    actor: str,
    now: datetime,
    report: Report = lambda *_: None,
) -> Restored:
    """The backup `name` of `place`, the latest whole one where there is no name.

    A crash at any point leaves an empty database, and it can be tried again: snapshots come first
    (they are known by their content), and the database last, in one transaction.
    Raises BadBackup, DatabaseNotEmpty, BackupFails, DumpFails, NoRoom, DamagedDocuments.
    """
    dump.check_empty(address.conninfo)
    manifest = _manifest(place, name)
    with telling_no_room(), tempfile.TemporaryDirectory(dir=home, suffix=".restore") as folder:
        fetched = Path(folder)
        _fetch(place, manifest, fetched, report)
        _take_in(Snapshots(home / "snapshots"), Snapshots(fetched / "snapshots"), manifest, place)
        report("the database", 0, 0)
        dump.load(address.conninfo, fetched / DUMP)
    upgrade(address.conninfo)
    database = Database(address.conninfo)
    try:
        with database.transaction() as session:
            proven = prove_documents(session)
            where = place.describe(manifest.name)
            audit.record(session, actor=actor, action="restore", subject=where, now=now)
        return Restored(manifest, proven)
    finally:
        database.close()


def _manifest(place: BackupPlace, name: str | None) -> BackupManifest:
    if name is None:
        there = whole(place)
        if not there:
            raise BadBackup(f"{place.describe('')}: there is no whole backup")
        name = there[-1]
    text = place.manifest(name)
    where = place.describe(name)
    if text is None:
        raise BadBackup(f"{where}: there is no whole backup of that name (it has no manifest)")
    manifest = from_text(text, where)
    if manifest.name != name:
        raise BadBackup(f"{where}: its manifest is another backup's ({manifest.name})")
    if manifest.revision[:4] > revision.HEAD[:4]:
        raise BadBackup(
            f"{where}: made by a newer Rebill ({manifest.rebill}, tables {manifest.revision}; "
            f"this one knows {revision.HEAD}): install that version or a later one"
        )
    return manifest


def _fetch(place: BackupPlace, manifest: BackupManifest, fetched: Path, report: Report) -> None:
    """Keys are ours: the manifest was refused where one was not of a backup's form."""
    for done, (key, expected) in enumerate(sorted(manifest.files.items())):
        report("files", done, len(manifest.files))
        path = fetched / key
        path.parent.mkdir(parents=True, exist_ok=True)
        place.fetch(manifest.name, key, path)
        if kept(path) != expected:
            where = place.describe(manifest.name)
            raise BadBackup(f"{where}: {key} is not what was backed up; take another backup")


def _take_in(
    ours: Snapshots, theirs: Snapshots, manifest: BackupManifest, place: BackupPlace
) -> None:
    for snapshot_id in manifest.snapshots:
        if snapshot_id in manifest.unproven:
            ours.take_unproven(snapshot_id, theirs)
            continue
        try:
            ours.take_in(snapshot_id, theirs)
        except DamagedSnapshot as damaged:
            raise BadBackup(f"{place.describe(manifest.name)}: {damaged}") from damaged


__all__ = ["Restored", "restore"]
