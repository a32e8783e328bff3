"""Owns where backups lie: one small interface over a folder and a bucket.

Below a place each backup has a name; below a name each file has a key.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jobs.aws.storage import Storage, StorageFails, bucket_place
from jobs.backups.manifest import MANIFEST, BackupFails, time_of
from kernel.room import telling_no_room


class BackupPlace(Protocol):
    """Every method raises BackupFails; NoRoom where a disk is full."""

    def begun(self) -> tuple[str, ...]:
        """The names of backups, whole or not, in the order of time."""
        ...

    def put(self, path: Path, name: str, key: str) -> None: ...

    def manifest(self, name: str) -> str | None:
        """None where the backup is not whole."""
        ...

    def fetch(self, name: str, key: str, path: Path) -> None: ...

    def remove(self, name: str) -> None:
        """Its manifest first: what is half removed is no backup."""
        ...

    def describe(self, name: str) -> str: ...


def whole(place: BackupPlace) -> tuple[str, ...]:
    return tuple(name for name in place.begun() if place.manifest(name) is not None)


def place_of(text: str) -> BackupPlace:
    """`s3://bucket/prefix`, or a folder. Raises BadInput."""
    bucket = bucket_place(text)
    return BackupBucket(*bucket) if bucket else BackupFolder(Path(text).expanduser().absolute())


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """Only its owner may read what is in it."""

    root: Path

    def begun(self) -> tuple[str, ...]:
        with self._failing():
            if not self.root.exists():
                return ()
            found = (each.name for each in self.root.iterdir() if each.is_dir())
            return tuple(sorted(name for name in found if time_of(name)))

    def put(self, path: Path, name: str, key: str) -> None:
        """Under another name until it is whole and on disk."""
        target = self.root / name / key
        aside = target.with_name(f"{target.name}.writing")
        with self._failing():
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).chmod(0o700)
            try:
                shutil.copyfile(path, aside)
            except OSError:
                aside.unlink(missing_ok=True)
                raise
            aside.chmod(0o600)
            with aside.open("rb") as written:
                os.fsync(written.fileno())
            aside.rename(target)
            for folder in (target.parent, self.root / name, self.root):
                _flush(folder)

    def manifest(self, name: str) -> str | None:
        with self._failing():
            try:
                return (self.root / name / MANIFEST).read_text(encoding="utf-8")
            except FileNotFoundError:
                return None

    def fetch(self, name: str, key: str, path: Path) -> None:
        with self._failing():
            shutil.copyfile(self.root / name / key, path)

    def remove(self, name: str) -> None:
        with self._failing():
            (self.root / name / MANIFEST).unlink(missing_ok=True)
            _flush(self.root / name)
            shutil.rmtree(self.root / name)

    def describe(self, name: str) -> str:
        return str(self.root / name)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            with telling_no_room():
                yield
        except (OSError, UnicodeDecodeError) as error:
            raise BackupFails(f"{self.root}: {error}") from error


@dataclass(frozen=True, slots=True)
class BackupBucket:
    storage: Storage
    prefix: str

    def begun(self) -> tuple[str, ...]:
        with self._failing():
            keys = self.storage.keys(self.prefix)
        found = {key.removeprefix(self.prefix).partition("/")[0] for key in keys}
        return tuple(sorted(name for name in found if time_of(name)))

    def put(self, path: Path, name: str, key: str) -> None:
        with self._failing():
            self.storage.put(path, self._key(name, key))

    def manifest(self, name: str) -> str | None:
        with self._failing():
            return self.storage.text(self._key(name, MANIFEST))

    def fetch(self, name: str, key: str, path: Path) -> None:
        with self._failing():
            self.storage.fetch(self._key(name, key), path)

    def remove(self, name: str) -> None:
        with self._failing():
            self.storage.delete(self._key(name, MANIFEST))
            for key in self.storage.keys(self._key(name, "")):
                self.storage.delete(key)

    def describe(self, name: str) -> str:
        return f"s3://{self.storage.name}/{self.prefix}{name}"

    def _key(self, name: str, key: str) -> str:
        return f"{self.prefix}{name}/{key}"

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except StorageFails as error:
            raise BackupFails(f"s3://{self.storage.name}/{self.prefix}: {error}") from error


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["BackupBucket", "BackupFolder", "BackupPlace", "place_of", "whole"]
