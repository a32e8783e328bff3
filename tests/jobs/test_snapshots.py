"""Snapshots: one id per content, whole or absent, and never believed without a check."""

import hashlib
import itertools
import os
import struct
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from invoices.charges import KEYS, MEASURES, SCHEMA, Charges
from jobs.snapshots import DamagedSnapshot, Snapshots, digest
from kernel.room import no_room
from tests.support.room import file_bytes_max


def charge(**values: object) -> dict[str, object]:
    blank: dict[str, object] = {**dict.fromkeys(KEYS, ""), **dict.fromkeys(MEASURES, "0")}
    return blank | {"service_day": date(2026, 10, 1)} | values


def flat(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema_overrides={"service_day": pl.Date}).select(
        pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()
    )


def charges(*rows: dict[str, object]) -> Charges:
    return Charges.of(flat(*rows))


ONE = charge(account_id="011254002932", service="AmazonEC2", billed_cost="71.4558054277")
TWO = charge(account_id="836060457634", service="Größe", billed_cost="-0.0000000001")


def test_equal_charges_are_one_snapshot_whatever_their_order_and_chunks(tmp_path: Path) -> None:
    kept = Snapshots(tmp_path)

    together = kept.keep(charges(ONE, TWO))
    pieces = kept.keep(Charges.of(pl.concat([flat(TWO), flat(ONE)], rechunk=False)))

    assert together == pieces
    assert [path.name for path in tmp_path.iterdir()] == [together]
    assert kept.load(together).frame.equals(flat(ONE, TWO).sort(KEYS))


def test_the_id_never_changes_with_a_library() -> None:
    month = charges(ONE, TWO, ONE | {"service_day": date(2026, 10, 3)})

    assert digest(month) == "1c1b2c57ecb87e20640b566bd00aee7660c88603f339cfeec7fb9240bb930f3b"
    assert digest(month) == digest_spelled_out(month)


def digest_spelled_out(month: Charges) -> str:
    """The documented form, in plain Python."""
    height = f"{month.keys.height} keys, {month.daily.height} charges\n"
    told = hashlib.sha256(f"rebill charges 3\n{height}".encode())
    for column in (*month.keys, *month.daily):
        told.update(f"{column.name}\n".encode())
        values = column.to_list()
        if column.name == "service_day":
            told.update(b"".join(struct.pack("<i", (v - date(1970, 1, 1)).days) for v in values))
        elif column.name == "key":
            told.update(b"".join(struct.pack("<I", v) for v in values))
        elif column.name in MEASURES:
            told.update(
                b"".join(int(v * 10**10).to_bytes(16, "little", signed=True) for v in values)
            )
        else:
            texts = [v.encode() for v in values]
            ends = itertools.accumulate(len(text) for text in texts)
            told.update(b"".join(struct.pack("<q", end) for end in ends) + b"".join(texts))
    return told.hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        {"billed_cost": "71.4558054278"},
        {"account_id": "11254002932"},
        {"service": "AmazonEC", "region": "2"},
        {"service_day": date(2026, 10, 2)},
    ],
)
def test_the_smallest_difference_is_another_id(other: dict[str, object]) -> None:
    assert digest(charges(ONE)) != digest(charges(ONE | other))


@pytest.mark.parametrize("name", ["keys.parquet", "daily.parquet"])
def test_an_altered_cut_or_missing_file_is_refused_until_it_is_kept_again(
    tmp_path: Path, name: str
) -> None:
    kept, month = Snapshots(tmp_path), charges(ONE, TWO)
    other = charges(ONE)
    snapshot_id = kept.keep(month)
    path = tmp_path / snapshot_id / name
    whole = path.read_bytes()

    (other.keys if name == "keys.parquet" else other.daily).write_parquet(path)
    with pytest.raises(DamagedSnapshot, match="altered"):
        kept.load(snapshot_id)
    path.write_bytes(whole[:-20])
    with pytest.raises(DamagedSnapshot, match="cannot be read"):
        kept.load(snapshot_id)
    path.unlink()
    with pytest.raises(DamagedSnapshot, match="not kept here"):
        kept.load(snapshot_id)
    with pytest.raises(DamagedSnapshot, match="no snapshot id"):
        kept.load("../../etc/passwd")

    assert kept.keep(month) == snapshot_id
    assert kept.load(snapshot_id).frame.equals(month.frame)
    assert [path.name for path in tmp_path.iterdir()] == [snapshot_id]


def test_a_full_disk_leaves_nothing_and_is_no_defect_of_a_library(tmp_path: Path) -> None:
    """Of a copy as well, which a later one would take for there already."""
    kept, others = Snapshots(tmp_path / "ours"), Snapshots(tmp_path / "theirs")
    snapshot_id = others.keep(charges(ONE))
    for write in (
        lambda: kept.keep(charges(ONE)),
        lambda: kept.take_unproven(snapshot_id, others),
    ):
        with file_bytes_max(100), pytest.raises(OSError, match="File too large") as caught:
            write()
        assert no_room(caught.value) is not None
        assert list(kept.root.iterdir()) == []

    kept.take_unproven(snapshot_id, others)
    assert kept.load(snapshot_id).frame.equals(charges(ONE).frame)


def test_a_crash_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        Snapshots(tmp_path).keep(charges(ONE))

    assert list(tmp_path.iterdir()) == []
