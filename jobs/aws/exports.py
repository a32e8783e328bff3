"""Owns reading an export's objects in S3: list, stat, and whole, unmixed bytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 4
"""How often a body that broke off half-way is asked for again; botocore repeats only requests."""

ABSENT = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})


class ExportReadError(Exception):
    """An object could not be read whole; `code` is ours or AWS's own."""

    def __init__(self, code: str, key: str, message: str) -> None:
        super().__init__(message)
        self.code, self.key, self.message = code, key, message


@dataclass(frozen=True, slots=True)
class Object:
    """One object: `etag` (as S3 gives it, without quotes) changes whenever its bytes do."""

    key: str
    size: int
    etag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket, read only. Every method raises ExportReadError with the key and the reason."""

    client: S3Client
    name: str

    def list(self, prefix: str) -> Iterator[Object]:
        """The objects whose keys start with `prefix`, in key order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix
        )
        try:
            for page in pages:
                for entry in page.get("Contents", []):
                    etag = entry["ETag"].strip('"')
                    yield Object(entry["Key"], entry["Size"], etag, entry["LastModified"])
        except (ClientError, BotoCoreError) as error:
            raise _refusal(prefix, error) from error

    def stat(self, key: str) -> Object | None:
        """None where there is no such object."""
        try:
            head = self.client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None
            raise _refusal(key, error) from error
        except BotoCoreError as error:
            raise _refusal(key, error) from error
        return Object(key, head["ContentLength"], head["ETag"].strip('"'), head["LastModified"])

    def download(self, wanted: Object, path: Path) -> None:
        """The bytes that were listed, or nothing: a changed ETag or a short body is an error."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._download_once(wanted, path)
            except (IncompleteReadError, ReadTimeoutError, ResponseStreamingError) as error:
                if attempt == ATTEMPTS:
                    raise _refusal(wanted.key, error) from error
            except (ClientError, BotoCoreError) as error:
                raise _refusal(wanted.key, error) from error
            else:
                return

    def _download_once(self, wanted: Object, path: Path) -> None:
        # If-Match (RFC 9110, section 13.1.1): the version that was listed, or error 412:
        # `tests/jobs/test_aws_exports.py::test_an_object_that_was_replaced_is_never_half_read`.
        answer = self.client.get_object(
            Bucket=self.name, Key=wanted.key, IfMatch=f'"{wanted.etag}"'
        )
        with path.open("wb") as file:
            shutil.copyfileobj(answer["Body"], file, 1 << 20)
            size = file.tell()
        if size != wanted.size:
            raise IncompleteReadError(actual_bytes=size, expected_bytes=wanted.size)


def _refusal(key: str, error: Exception) -> ExportReadError:
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        words = error.response["Error"].get("Message", "")
        if code in {"PreconditionFailed", "412"}:
            return ExportReadError("changed_while_read", key, "AWS replaced it; ingest again")
        return ExportReadError(code, key, f"S3 answers {code}: {words}".rstrip(": "))
    return ExportReadError(type(error).__name__, key, f"S3 cannot be read: {error}")


__all__ = ["Bucket", "ExportReadError", "Object"]
