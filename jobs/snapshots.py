"""Owns the snapshots: a month's charges kept for good, each under the digest of what they say."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from invoices.charges import DAILY, TEXTS, Charges
from kernel.errors import DamagedSnapshot

SERIALISATION = b"rebill charges 3\n"
"""Part of the digest: another serialisation, another id."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """A folder of immutable snapshots, each a folder of two Parquet files: keys and days."""

    root: Path

    def keep(self, charges: Charges) -> str:
        """The id of these charges: equal charges have one id, and are written once.

        A damaged snapshot of this id is replaced.
        """
        snapshot_id = digest(charges)
        try:
            self.load(snapshot_id)
        except DamagedSnapshot:
            self.root.mkdir(parents=True, exist_ok=True)
            _write_whole(charges, self._path(snapshot_id))
        return snapshot_id

    def load(self, snapshot_id: str) -> Charges:
        """The charges, checked against the id. Raises DamagedSnapshot."""
        if re.fullmatch(r"[0-9a-f]{64}", snapshot_id) is None:
            raise DamagedSnapshot(snapshot_id, "this is no snapshot id")
        path = self._path(snapshot_id)
        try:
            keys, daily = (pl.read_parquet(path / name) for name in _FILES)
        except FileNotFoundError as error:
            raise DamagedSnapshot(snapshot_id, "it is not kept here") from error
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DamagedSnapshot(snapshot_id, "its files cannot be read") from error
        if set(TEXTS) - set(keys.columns):
            raise DamagedSnapshot(snapshot_id, "an earlier version kept it: ingest the month again")
        altered = DamagedSnapshot(snapshot_id, "its files were altered")
        if keys.schema != TEXTS or daily.schema != DAILY:
            raise altered
        charges = Charges(keys, daily)
        if digest(charges) != snapshot_id:
            raise altered
        return charges

    def files(self, snapshot_id: str) -> tuple[Path, ...]:
        """Those that are there, whatever is in them."""
        paths = (self._path(snapshot_id) / name for name in _FILES)
        return tuple(path for path in paths if path.is_file())

    def take_in(self, snapshot_id: str, others: Snapshots) -> None:
        """Keep a copy of what `others` have under this id. Raises DamagedSnapshot."""
        kept = self.keep(others.load(snapshot_id))
        assert kept == snapshot_id, "loading checks the id"

    def take_unproven(self, snapshot_id: str, others: Snapshots) -> None:
        """Byte by byte what `others` have under this id, unless something is here already."""
        path = self._path(snapshot_id)
        if path.exists():
            return
        self.root.mkdir(parents=True, exist_ok=True)
        with _aside(path) as folder:
            for each in others.files(snapshot_id):
                shutil.copyfile(each, folder / each.name)

    def _path(self, snapshot_id: str) -> Path:
        return self.root / snapshot_id


_FILES = ("keys.parquet", "daily.parquet")


def digest(charges: Charges) -> str:
    """SHA-256 over both frames, column by column, in a form no library's version can change.

    Per column its name, then: text as the UTF-8 of all rows after their end offsets (64 bits), a
    key's number and a day (its number since 1970) in 32 bits, money as its units of 1e-10 in 128
    bits; integers little endian, two's complement.
    """
    assert sys.byteorder == "little", "the digest reads columns as little-endian memory"
    height = f"{charges.keys.height} keys, {charges.daily.height} charges\n"
    told = hashlib.sha256(SERIALISATION + height.encode())
    for series in (*charges.keys.iter_columns(), *charges.daily.iter_columns()):
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
    width = 16 if series.dtype.is_decimal() else 4
    assert values.offset == 0, "a sliced column"
    return [memoryview(values.buffers()[1]).cast("B")[: width * len(values)]]


def _write_whole(charges: Charges, path: Path) -> None:
    """A crash leaves the whole snapshot or none: write aside, flush, rename, flush the name.

    What is there is damaged, and gives way. Nobody else writes it: a month has one writer.
    """
    with _aside(path) as folder:
        for name, frame in zip(_FILES, (charges.keys, charges.daily), strict=True):
            # To a disk that is full, Polars itself raises what no other disk error is.
            whole = io.BytesIO()
            frame.write_parquet(whole)
            with (folder / name).open("wb") as file:
                file.write(whole.getbuffer())
                file.flush()
                os.fsync(file.fileno())


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """A folder that is moved to `path`, in place of what is there, once all is written into it."""
    aside = Path(tempfile.mkdtemp(dir=path.parent, suffix=".writing"))
    try:
        yield aside
        _flush(aside)
        shutil.rmtree(path, ignore_errors=True)
        # The new name itself is on disk only once its folder is flushed (fsync(2)):
        # `tests/jobs/test_snapshots.py::test_a_crash_while_writing_leaves_nothing`.
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _flush(path.parent)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["DamagedSnapshot", "Snapshots", "digest"]
