"""Owns putting a simulation on S3."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def upload(folder: Path, s3: S3Client) -> int:
    """Puts what `simulate` wrote below `folder` on S3, a bucket per folder; says how many objects.

    Manifests come last, as AWS delivers them.
    """
    uploaded = 0
    for bucket in sorted(path for path in folder.iterdir() if path.is_dir()):
        s3.create_bucket(Bucket=bucket.name)
        files = (path for path in bucket.rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: (path.suffix == ".json", str(path))):
            key = path.relative_to(bucket).as_posix()
            s3.upload_file(str(path), bucket.name, key)
            uploaded += 1
    return uploaded
