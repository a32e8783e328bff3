"""Owns writing whole objects to a bucket, reading them back, and taking them away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from jobs.aws.exports import ABSENT, Bucket, ExportReadError
from jobs.aws.session import s3
from kernel.errors import BadInput

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class StorageFails(Exception):
    """The message has S3's words."""


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """Until when nobody may delete an object: in the mode COMPLIANCE not even its owner."""

    mode: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Storage:
    """A bucket to write to. Every method raises StorageFails."""

    client: S3Client
    name: str

    def keys(self, prefix: str) -> tuple[str, ...]:
        with _failing():
            return tuple(found.key for found in Bucket(self.client, self.name).list(prefix))

    def put(self, path: Path, key: str, lock: ObjectLock | None = None) -> None:
        """In parts where it is large; S3 checks the bytes it gets against a checksum.

        A `lock` is refused by a bucket without object lock, and without `s3:PutObjectRetention`.
        """
        extra: dict[str, object] = {}
        if lock is not None:
            # S3 refuses a lock without a checksum, and some environments turn the default off:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
            extra = {
                "ObjectLockMode": lock.mode,
                "ObjectLockRetainUntilDate": lock.until,
                "ChecksumAlgorithm": "CRC32",
            }
        with _failing():
            self.client.upload_file(str(path), self.name, key, ExtraArgs=extra)

    def lock(self, key: str) -> ObjectLock | None:
        """None where S3 tells of none: it does so to roles with `s3:GetObjectRetention` only.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        with _failing():
            head = self.client.head_object(Bucket=self.name, Key=key)
        mode, until = head.get("ObjectLockMode"), head.get("ObjectLockRetainUntilDate")
        return ObjectLock(mode, until) if mode and until else None

    def versions(self, prefix: str) -> tuple[tuple[str, str], ...]:
        """Key and version of all that was written there, also where a delete marker hides it.

        The version is '' where the bucket keeps none. It takes `s3:ListBucketVersions`.
        """
        paginator = self.client.get_paginator("list_object_versions")
        with _failing():
            return tuple(
                (entry["Key"], entry["VersionId"].replace("null", ""))
                for page in paginator.paginate(Bucket=self.name, Prefix=prefix)
                for entry in page.get("Versions", [])
            )

    def text(self, key: str, version: str = "") -> str | None:
        """None where there is no such object; '' is the newest version."""
        with _failing():
            try:
                answer = (
                    self.client.get_object(Bucket=self.name, Key=key, VersionId=version)
                    if version
                    else self.client.get_object(Bucket=self.name, Key=key)
                )
                return answer["Body"].read().decode()
            except ClientError as error:
                if error.response["Error"]["Code"] in ABSENT - {"NoSuchBucket"}:
                    return None
                raise

    def fetch(self, key: str, path: Path) -> None:
        with _failing():
            self.client.download_file(self.name, key, str(path))

    def delete(self, key: str) -> None:
        with _failing():
            self.client.delete_object(Bucket=self.name, Key=key)


def bucket_place(text: str) -> tuple[Storage, str] | None:
    """`s3://bucket/prefix` as the bucket, and a prefix that ends with `/` where there is one.

    None where it is no such address, but a folder. Raises BadInput.
    """
    if not text.startswith("s3://"):
        return None
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not bucket:
        raise BadInput(f"{text}: write it as s3://bucket/prefix")
    prefix = prefix.strip("/")
    try:
        client = s3()
    except BotoCoreError as error:  # such as a profile that is not there
        raise BadInput(f"{text}: {error}") from error
    return Storage(client, bucket), f"{prefix}/" if prefix else ""


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error, ExportReadError, UnicodeDecodeError) as error:
        raise StorageFails(" ".join(str(error).split())) from error


__all__ = ["ObjectLock", "Storage", "StorageFails", "bucket_place"]
