"""Owns the snapshots: charge frames kept for good, each under the digest of what it says."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from invoices.charges import KEYS, SCHEMA, assert_charges

SERIALISATION = b"rebill charges 1\n"
"""Part of the digest: another serialisation, another id."""


class DamagedSnapshot(Exception):
    """A snapshot is absent, or is no longer what its id says it was."""

    def __init__(self, snapshot_id: str, why: str) -> None:
        super().__init__(
            f"snapshot {snapshot_id}: {why}; ingest the period again, which makes the same id"
        )


@dataclass(frozen=True, slots=True)
class Snapshots:
    """A folder of immutable Parquet files; nothing in it is ever changed."""

    root: Path

    def keep(self, charges: pl.DataFrame) -> str:
        """The id of these charges: equal charges have one id, and are written once."""
        ordered = charges.sort(KEYS)
        snapshot_id = digest(ordered)
        path = self._path(snapshot_id)
        if not path.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            _write_whole(ordered, path)
        return snapshot_id

    def load(self, snapshot_id: str) -> pl.LazyFrame:
        """The charges, checked against the id. Raises DamagedSnapshot."""
        if re.fullmatch(r"[0-9a-f]{64}", snapshot_id) is None:
            raise DamagedSnapshot(snapshot_id, "this is no snapshot id")
        try:
            charges = pl.read_parquet(self._path(snapshot_id))
        except FileNotFoundError as error:
            raise DamagedSnapshot(snapshot_id, "it is not kept here") from error
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DamagedSnapshot(snapshot_id, "its file cannot be read") from error
        if charges.schema != SCHEMA or digest(charges) != snapshot_id:
            raise DamagedSnapshot(snapshot_id, "its file was altered")
        return charges.lazy()

    def _path(self, snapshot_id: str) -> Path:
        return self.root / f"{snapshot_id}.parquet"


def digest(charges: pl.DataFrame) -> str:
    """SHA-256 over the frame, column by column, in a form no library's version can change.

    Per column its name, then: text as the UTF-8 of all rows after their end offsets (64 bits), a
    day as its number since 1970 (32 bits), money as its units of 1e-10 (128 bits); integers little
    endian, two's complement.
    """
    assert_charges(charges)
    assert sys.byteorder == "little", "the digest reads columns as little-endian memory"
    told = hashlib.sha256(SERIALISATION + f"{charges.height} rows\n".encode())
    for series in charges.iter_columns():
        assert series.null_count() == 0, f"column {series.name} has a null"
        told.update(f"{series.name}\n".encode())
        for piece in _memory(series):
            told.update(piece)
    return told.hexdigest()


def _memory(series: pl.Series) -> list[memoryview]:
    values = series.rechunk().to_arrow()
    if series.dtype == pl.String:
        values = values.cast(pa.large_string())
        _, ends, text = values.buffers()
        offsets = memoryview(ends).cast("B").cast("q")[: len(values) + 1]
        assert values.offset == 0 and offsets[0] == 0, "a sliced column"
        return [offsets[1:].cast("B"), memoryview(text or b"").cast("B")[: offsets[-1]]]
    width = 4 if series.dtype == pl.Date else 16
    assert values.offset == 0, "a sliced column"
    return [memoryview(values.buffers()[1]).cast("B")[: width * len(values)]]


def _write_whole(charges: pl.DataFrame, path: Path) -> None:
    """A crash leaves the whole file or none: write aside, flush to disk, rename, flush the name."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".writing", delete=False) as file:
        try:
            charges.write_parquet(file)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


__all__ = ["DamagedSnapshot", "Snapshots", "digest"]
