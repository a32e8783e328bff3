"""Owns the files of an export: streamed, and the same bytes for the same bill."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, cast

import pyarrow.parquet as pq

from sandbox.bills.exports.columns import Cells
from sandbox.bills.lines import Lines


class Encoding(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"
    """Gzipped."""
    ZIP = "zip"
    """Zipped CSV; only the legacy report has it."""


SUFFIXES = {Encoding.PARQUET: "snappy.parquet", Encoding.CSV: "csv.gz", Encoding.ZIP: "csv.zip"}
_GZIP_LEVEL = 4
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class Timestamps(StrEnum):
    """How Parquet has instants; legacy reports still have the old form."""

    MILLISECONDS = "milliseconds"
    INT96 = "int96"


def write(
    path: Path,
    cells: Cells,
    pieces: Iterable[Lines],
    encoding: Encoding,
    timestamps: Timestamps = Timestamps.MILLISECONDS,
) -> int:
    """Returns the number of lines written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if encoding == Encoding.PARQUET:
        return _write_parquet(path, cells, pieces, timestamps)
    with _compressed(path, encoding) as sink:
        return _write_csv(sink, cells, pieces)


def _write_parquet(
    path: Path, cells: Cells, pieces: Iterable[Lines], timestamps: Timestamps
) -> int:
    rows, writer = 0, None
    for lines in pieces:
        table = cells.table(lines)
        if writer is None:
            writer = pq.ParquetWriter(
                path,
                table.schema,
                compression="snappy",
                store_schema=False,
                use_deprecated_int96_timestamps=timestamps == Timestamps.INT96,
            )
        writer.write_table(table)
        rows += len(lines)
    assert writer is not None, "an export file has at least one line"
    writer.close()
    return rows


def _write_csv(sink: IO[bytes], cells: Cells, pieces: Iterable[Lines]) -> int:
    rows = 0
    for lines in pieces:
        cells.text_frame(lines).write_csv(sink, include_header=rows == 0)
        rows += len(lines)
    return rows


@contextmanager
def _compressed(path: Path, encoding: Encoding) -> Iterator[IO[bytes]]:
    """Without the time of day, which would tell two equal exports apart."""
    if encoding == Encoding.ZIP:
        entry = zipfile.ZipInfo(path.name.removesuffix(".zip"), _LONG_AGO)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with (
            zipfile.ZipFile(path, "w") as archive,
            archive.open(entry, "w", force_zip64=True) as out,
        ):
            yield out
        return
    with path.open("wb") as raw, gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as packed:
        yield cast(IO[bytes], packed)
