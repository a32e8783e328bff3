"""Owns making a backup while others work, and taking away those that are too many."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from jobs.backups.manifest import (
    DUMP,
    MANIFEST,
    BackupFails,
    BackupManifest,
    KeptFile,
    kept,
    name_of,
    time_of,
    to_text,
)
from jobs.backups.places import BackupPlace, whole
from jobs.snapshots import DamagedSnapshot, Snapshots
from kernel.errors import Refused
from kernel.room import telling_no_room
from service.store.access import audit
from service.store.archive import dump
from service.store.database import Database

Report = Callable[[str, int, int], None]
LOCK = "backup"
ABANDONED = timedelta(days=1)
"""A backup without a manifest may still be under way; one so old is what a crash left."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What is backed up, and a folder on a disk that has room for the dump."""

    database: Database
    snapshots: Snapshots
    scratch: Path


def back_up(
    source: Installed,
    place: BackupPlace,
    *,
    keep: int | None,
    actor: str,
    now: datetime,
    report: Report = lambda *_: None,
) -> BackupManifest:
    """The backup, whole; of the whole ones the latest `keep` stay.

    Database and snapshots agree: the dump is of one instant, and a snapshot was on disk before
    the database knew of it, and never changes. Raises BackupFails, DumpFails, NoRoom, Refused.
    """
    with source.database.try_lock(LOCK) as is_ours:
        if not is_ours:
            raise Refused("another backup is being made: wait for its end")
        name = name_of(now)
        if name in place.begun():
            raise Refused(f"{place.describe(name)}: there is a backup of this second already")
        try:
            with telling_no_room():
                manifest = _make(source, place, now, report)
        except Exception:
            # What is there is no backup, and takes the room that the next one may need.
            with suppress(BackupFails):
                place.remove(name)
            raise
        _thin_out(place, name, keep)
        with source.database.transaction() as session:
            audit.record(
                session,
                actor=actor,
                action="back_up",
                subject=place.describe(name),
                after={
                    "documents": manifest.documents,
                    "not_kept": list(manifest.not_kept),
                    "unproven": list(manifest.unproven),
                },
                now=now,
            )
    return manifest


def _make(source: Installed, place: BackupPlace, now: datetime, report: Report) -> BackupManifest:
    name = name_of(now)
    files: dict[str, KeptFile] = {}
    not_kept, unproven = [], []

    def put(path: Path, key: str) -> None:
        files[key] = kept(path)
        place.put(path, name, key)

    source.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=source.scratch, suffix=".backup") as folder:
        scratch = Path(folder)
        report("the database", 0, 0)
        with dump.instant(source.database.conninfo) as instant:
            instant.dump(scratch / DUMP)
        put(scratch / DUMP, DUMP)
        for done, snapshot_id in enumerate(instant.snapshots):
            report("snapshots", done, len(instant.snapshots))
            paths = source.snapshots.files(snapshot_id)
            for path in paths:
                put(path, f"snapshots/{snapshot_id}/{path.name}")
            if not paths:
                not_kept.append(snapshot_id)
            elif not _is_proven(source.snapshots, snapshot_id):
                unproven.append(snapshot_id)
        manifest = BackupManifest(
            made_at=now,
            rebill=version("rebill"),
            revision=instant.revision,
            postgres=instant.postgres,
            documents=instant.documents,
            last_ordinals=instant.last_ordinals,
            not_kept=tuple(not_kept),
            unproven=tuple(unproven),
            files=files,
        )
        (scratch / MANIFEST).write_text(to_text(manifest), encoding="utf-8")
        place.put(scratch / MANIFEST, name, MANIFEST)
    return manifest


def _is_proven(snapshots: Snapshots, snapshot_id: str) -> bool:
    try:
        snapshots.load(snapshot_id)
    except DamagedSnapshot:
        return False
    return True


def _thin_out(place: BackupPlace, made: str, keep: int | None) -> None:
    """Also what crashes left; the backup just made stays, whatever its time."""
    if keep is None:
        return
    there = whole(place)
    for name in [each for each in there if each != made][: max(0, len(there) - keep)]:
        place.remove(name)
    began, remaining = time_of(made), frozenset(whole(place))
    for name in place.begun():
        begun = time_of(name)
        assert begun is not None and began is not None, "places list names of backups only"
        if name not in remaining and begun < began - ABANDONED:
            place.remove(name)


__all__ = ["BackupFails", "Installed", "back_up"]
