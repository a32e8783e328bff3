"""Owns checkpoints: where each chain ended at some time, signed, and kept outside the database.

Who may write the whole database can cut a chain's tail or hash it anew. They cannot sign, and what
lies elsewhere remembers.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from invoices.documents.chain import Head
from invoices.documents.document import canonical_bytes
from jobs.aws.storage import ObjectLock, Storage, StorageFails, bucket_place
from jobs.environment import Retention
from kernel.errors import BadInput, Unavailable
from kernel.room import telling_no_room
from service.store.archive.proof import Mark

ENDING = ".checkpoint.json"


class CheckpointFails(Unavailable):
    code = "checkpoint_fails"


def make_key(path: Path) -> Path:
    """A new private key that its owner alone may read; returned is where its public half is."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    beside = path.with_name(f"{path.name}.pub")
    for target, content, mode in ((path, private, 0o600), (beside, public, 0o644)):
        try:
            opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except OSError as error:
            raise BadInput(f"{target}: {error.strerror}; name a file that is not there") from error
        with os.fdopen(opened, "wb") as file:
            file.write(content)
    return beside


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises BadInput where it is none, or others may read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise BadInput(f"{path}: others may read this key: chmod 600 it, or make another")
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(
            f"{path}: no private key ({error}); `rebill checkpoint key` makes one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"{path}: no Ed25519 key; `rebill checkpoint key` makes one")
    return key


def checking_key(path: Path) -> Ed25519PublicKey:
    """Of the file with the public half. Raises BadInput."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: no public key ({error})") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput(f"{path}: no Ed25519 key")
    return key


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint, and how it is kept there."""

    name: str
    not_locked: str = ""
    """Why not, in S3's words, although it was asked; '' where it is, or nobody asked."""


def write_checkpoint(
    place: str,
    key: Ed25519PrivateKey,
    heads: tuple[Head, ...],
    now: datetime,
    retention: Retention | None = None,
) -> KeptCheckpoint:
    """Raises CheckpointFails, NoRoom, BadInput. What cannot be locked is written without a lock."""
    said = {"made_at": now.astimezone(UTC).isoformat(), "heads": [asdict(each) for each in heads]}
    signature = key.sign(canonical_bytes(said))
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S%fZ}-{signature.hex()[:8]}{ENDING}"
    content = canonical_bytes({"checkpoint": said, "signature": signature.hex()}) + b"\n"
    lock = None
    if retention is not None:
        lock = ObjectLock(retention.mode, now + timedelta(days=retention.days))
    return KeptCheckpoint(name, place_of(place).put(name, content, lock))


def newest_heads(place: str, key: Ed25519PublicKey) -> tuple[Head, ...] | None:
    """What the newest checkpoint remembers; None where there is none, or it is not this key's.

    Raises CheckpointFails, as where this role may write there and not read.
    """
    there = place_of(place)
    names = there.names()
    try:
        return tuple(mark.head for mark in _marks(names[-1], there.read(names[-1]), key))
    except (IndexError, BadCheckpoint):
        return None


def lock_words(place: str, name: str) -> str:
    """How S3 keeps a checkpoint; '' of a folder, which locks nothing."""
    there = place_of(place)
    if isinstance(there, CheckpointFolder):
        return ""
    try:
        lock = there.storage.lock(f"{there.prefix}{name.partition('@')[0]}")
    except StorageFails as refused:
        return f"whether it is locked cannot be seen: {refused}"
    if lock is None:
        return "S3 tells of no object lock: it has none, or this role lacks s3:GetObjectRetention"
    return f"locked until {lock.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({lock.mode})"


def read_marks(place: str, key: Ed25519PublicKey) -> tuple[int, tuple[Mark, ...]]:
    """How many checkpoints there are, and what they remember.

    Raises CheckpointFails; BadCheckpoint where one was changed, or signed by somebody else.
    """
    found = [*read_checkpoints(place, key)]
    return len(found), tuple(Mark(head, name) for name, _, heads in found for head in heads)


def read_checkpoints(
    place: str, key: Ed25519PublicKey
) -> Iterator[tuple[str, str, tuple[Head, ...]]]:
    """Name, text and heads of each, the oldest first. Raises as `read_marks` does."""
    there = place_of(place)
    for name in there.names():
        text = there.read(name)
        yield name, text, tuple(mark.head for mark in _marks(name, text, key))


class BadCheckpoint(BadInput):
    pass


def _marks(name: str, text: str, key: Ed25519PublicKey) -> Iterator[Mark]:
    try:
        content: dict[str, Any] = json.loads(text)
        said = content["checkpoint"]
        key.verify(bytes.fromhex(content["signature"]), canonical_bytes(said))
    except (InvalidSignature, ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(
            f"{name}: this checkpoint was changed, or is not signed by this key"
        ) from error
    yield from (Mark(Head(**each), name) for each in said["heads"])


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    root: Path

    def put(self, name: str, content: bytes, lock: ObjectLock | None) -> str:
        """Why it is not locked; '' where nobody asked."""
        with _failing(str(self.root)):
            self.root.mkdir(parents=True, exist_ok=True)
            aside = self.root / f"{name}.writing"
            try:
                _write(aside, content)
            except OSError:
                aside.unlink(missing_ok=True)
                raise
            aside.rename(self.root / name)
        return "a folder locks nothing" if lock else ""

    def names(self) -> tuple[str, ...]:
        """In the order of time, as they are in a bucket."""
        with _failing(str(self.root)):
            found = (each.name for each in self.root.iterdir())
            return tuple(sorted(name for name in found if name.endswith(ENDING)))

    def read(self, name: str) -> str:
        with _failing(str(self.root)):
            return (self.root / name).read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class CheckpointBucket:
    """A bucket's own object lock keeps what is written: by its default retention, or as asked.

    A lock keeps a version, and not from being hidden: whoever may delete puts a delete marker above
    it, after which it is listed no more. So all versions are read, of which none can be taken away:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
    """

    storage: Storage
    prefix: str

    def put(self, name: str, content: bytes, lock: ObjectLock | None) -> str:
        """Why it is not locked, in S3's words; '' where it is, or nobody asked."""
        with _failing(f"s3://{self.storage.name}"), tempfile.TemporaryDirectory() as folder:
            path, key = Path(folder) / name, f"{self.prefix}{name}"
            _write(path, content)
            if lock is None:
                self.storage.put(path, key)
                return ""
            try:
                self.storage.put(path, key, lock)
            except StorageFails as refused:
                # One that can be deleted is better than none, and what is wrong is told.
                self.storage.put(path, key)
                return str(refused)
        return ""

    def names(self) -> tuple[str, ...]:
        """`<name>@<version>`, where the bucket keeps versions."""
        with _failing(f"s3://{self.storage.name}"):
            found = self.storage.versions(self.prefix)
        return tuple(
            sorted(
                f"{key.removeprefix(self.prefix)}{version and f'@{version}'}"
                for key, version in found
                if key.endswith(ENDING)
            )
        )

    def read(self, name: str) -> str:
        key, _, version = name.partition("@")
        with _failing(f"s3://{self.storage.name}"):
            text = self.storage.text(f"{self.prefix}{key}", version)
        return text or ""


def place_of(text: str) -> CheckpointFolder | CheckpointBucket:
    """`s3://bucket/prefix`, or a folder. Raises BadInput."""
    bucket = bucket_place(text)
    if bucket:
        return CheckpointBucket(*bucket)
    return CheckpointFolder(Path(text).expanduser().absolute())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _failing(where: str) -> Iterator[None]:
    try:
        with telling_no_room():
            yield
    except (OSError, StorageFails, UnicodeDecodeError) as error:
        raise CheckpointFails(f"{where}: {error}") from error
