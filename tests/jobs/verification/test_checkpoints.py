"""Checkpoints: signed by a key that the database has not, and unforgiving."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from invoices.documents.chain import Head
from jobs.verification.checkpoints import (
    BadCheckpoint,
    CheckpointFails,
    checking_key,
    make_key,
    place_of,
    read_marks,
    signing_key,
    write_checkpoint,
)
from kernel.errors import BadInput
from kernel.room import NoRoom
from sandbox.server import SandboxAWS
from service.store.archive.proof import Mark
from tests.support.room import file_bytes_max

HEAD = Head("seller", 10, "ab" * 32, "INV-000002")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _written(place: str, key: Path) -> str:
    return write_checkpoint(place, signing_key(key), (HEAD,), NOW).name


def test_what_was_signed_is_read_back_and_any_other_byte_is_refused(tmp_path: Path) -> None:
    public = make_key(tmp_path / "key")
    name = _written(str(tmp_path / "kept"), tmp_path / "key")

    place = str(tmp_path / "kept")
    assert read_marks(place, checking_key(public)) == (1, (Mark(HEAD, name),))
    assert name.startswith("20261123T120000000000Z-")
    file = tmp_path / "kept" / name
    written = file.read_bytes()
    for at in range(0, len(written) - 1, 7):
        file.write_bytes(written[:at] + bytes([written[at] ^ 1]) + written[at + 1 :])
        with pytest.raises(BadCheckpoint, match=name):
            read_marks(place, checking_key(public))


def test_a_bucket_remembers_as_a_folder_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    public = make_key(tmp_path / "key")
    with SandboxAWS() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        with pytest.raises(CheckpointFails, match=r"s3://audit: .*NoSuchBucket"):
            read_marks("s3://audit/rebill", checking_key(public))
        aws.client("s3").create_bucket(Bucket="audit")
        name = _written("s3://audit/rebill", tmp_path / "key")

        assert read_marks("s3://audit/rebill", checking_key(public)) == (1, (Mark(HEAD, name),))


def test_what_a_delete_marker_hides_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Object lock keeps a version, and lets whoever may delete hide it from every list."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    public = make_key(tmp_path / "key")
    with SandboxAWS() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="audit", ObjectLockEnabledForBucket=True)
        name = _written("s3://audit/rebill", tmp_path / "key")
        s3.delete_object(Bucket="audit", Key=f"rebill/{name}")
        assert "Contents" not in s3.list_objects_v2(Bucket="audit")

        count, (mark,) = read_marks("s3://audit/rebill", checking_key(public))
        assert (count, mark.head) == (1, HEAD)
        assert mark.source.startswith(f"{name}@")

        # Nor does anything written above it take its place.
        s3.put_object(Bucket="audit", Key=f"rebill/{name}", Body=b"{}")
        with pytest.raises(BadCheckpoint, match=f"{name}@"):
            read_marks("s3://audit/rebill", checking_key(public))


def test_somebody_elses_signature_is_none(tmp_path: Path) -> None:
    make_key(tmp_path / "ours")
    theirs = make_key(tmp_path / "theirs")
    write_checkpoint(str(tmp_path / "kept"), signing_key(tmp_path / "ours"), (HEAD,), NOW)

    with pytest.raises(BadCheckpoint, match="not signed by this key"):
        read_marks(str(tmp_path / "kept"), checking_key(theirs))


def test_a_key_is_its_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600

    with pytest.raises(BadInput, match="name a file that is not there"):
        make_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(BadInput, match="others may read this key"):
        signing_key(tmp_path / "key")


def test_a_full_disk_is_told_and_leaves_no_half_checkpoint(tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    key = signing_key(tmp_path / "key")

    with file_bytes_max(100), pytest.raises(NoRoom, match=r"^file too large"):
        write_checkpoint(str(tmp_path / "kept"), key, (HEAD,), NOW)

    assert list((tmp_path / "kept").iterdir()) == []


def test_a_profile_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(BadInput, match=r"^s3://audit/rebill: .*\(nobody\)"):
        place_of("s3://audit/rebill")
