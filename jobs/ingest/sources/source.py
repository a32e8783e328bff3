"""Owns where an export's files lie: one small interface over a local folder and a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from jobs.aws.exports import Bucket, ExportReadError, Object
from jobs.aws.session import s3
from kernel.errors import IngestError


@dataclass(frozen=True, slots=True, order=True)
class StoredFile:
    """A file as it stood when we looked: other bytes have another `etag` or `size`."""

    key: str
    size: int
    etag: str
    modified_at: datetime

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]


class Source(Protocol):
    """A root under which files have keys: `/`-separated, relative, never leaving the root."""

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """Every file whose key starts with `prefix`, in key order."""
        ...

    def stat(self, key: str) -> StoredFile | None: ...

    def local(self, file: StoredFile, scratch: Path, /) -> Path:
        """A path with exactly the bytes of `file`, in `scratch` when it had to be fetched."""
        ...

    def describe(self, key: str) -> str:
        """The name a person knows the file by."""
        ...

    def identity(self, file: StoredFile) -> str:
        """The same for the same bytes only."""
        ...

    def names(self, uri: str) -> str | None:
        """The key of an absolute URI (`s3://…`) of this source, or None when it is another's."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A local folder; a file's identity is its path, size and times (a copied time is noticed)."""

    root: Path

    def list(self, prefix: str) -> Iterator[StoredFile]:
        base = self.root / prefix.rpartition("/")[0]
        for path in sorted(base.rglob("*")):
            key = path.relative_to(self.root).as_posix()
            if key.startswith(prefix) and (file := self.stat(key)) is not None:
                yield file

    def stat(self, key: str) -> StoredFile | None:
        path = self.root / key
        if not path.is_file() or not path.resolve().is_relative_to(self.root.resolve()):
            return None
        seen = path.stat()
        etag = f"{seen.st_mtime_ns:x}-{seen.st_ctime_ns:x}"
        return StoredFile(key, seen.st_size, etag, datetime.fromtimestamp(seen.st_mtime, UTC))

    def local(self, file: StoredFile, _scratch: Path, /) -> Path:
        if self.stat(file.key) != file:
            raise IngestError("changed_while_read", file.key, "the file changed; ingest again")
        return self.root / file.key

    def describe(self, key: str) -> str:
        return str(self.root / key)

    def identity(self, file: StoredFile) -> str:
        return f"{self.root / file.key} {file.size} {file.etag}"

    def names(self, uri: str) -> str | None:
        """A copied export keeps the keys of the bucket it came from."""
        return uri.removeprefix("s3://").partition("/")[2] or None


@dataclass(frozen=True, slots=True)
class S3:
    """One bucket; a file's identity is S3's ETag and its size."""

    bucket: Bucket

    def list(self, prefix: str) -> Iterator[StoredFile]:
        try:
            for found in self.bucket.list(prefix):
                if not found.key.endswith("/"):
                    yield _stored(found)
        except ExportReadError as error:
            raise self._refused(error) from error

    def stat(self, key: str) -> StoredFile | None:
        try:
            found = self.bucket.stat(key)
        except ExportReadError as error:
            raise self._refused(error) from error
        return None if found is None else _stored(found)

    def local(self, file: StoredFile, scratch: Path, /) -> Path:
        # The key is AWS's, or a stranger's: it never becomes a path.
        path = scratch / "fetched"
        try:
            wanted = Object(file.key, file.size, file.etag, file.modified_at)
            self.bucket.download(wanted, path)
        except ExportReadError as error:
            raise self._refused(error) from error
        return path

    def describe(self, key: str) -> str:
        return f"s3://{self.bucket.name}/{key}"

    def identity(self, file: StoredFile) -> str:
        """Whatever its key: a redelivery under a new folder is not read again."""
        # An ETag need not be an MD5, but it changes with the bytes (S3 API Reference, "Object"):
        # `tests/jobs/test_aws_exports.py::test_the_same_bytes_under_a_new_key_are_not_read_again`.
        return f"{file.size} {file.etag}"

    def names(self, uri: str) -> str | None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return key if bucket == self.bucket.name and key else None

    def _refused(self, error: ExportReadError) -> IngestError:
        return IngestError(error.code, self.describe(error.key), error.message)


def open_location(location: str) -> tuple[Source, str]:
    """The source of a location and the key or prefix inside it: `s3://bucket/key` or a path.

    Raises IngestError where a local path does not exist.
    """
    if location.startswith("s3://"):
        bucket, _, key = location.removeprefix("s3://").partition("/")
        if not bucket:
            raise IngestError("no_location", location, "write it as s3://bucket/prefix")
        return S3(Bucket(s3(), bucket)), key
    path = Path(location).expanduser().resolve()
    if path.is_dir():
        return Folder(path), ""
    if path.is_file():
        return Folder(path.parent), path.name
    raise IngestError("no_location", location, "there is no such file or folder")


def _stored(found: Object) -> StoredFile:
    return StoredFile(found.key, found.size, found.etag, found.modified_at)


__all__ = ["S3", "Folder", "Source", "StoredFile", "open_location"]
