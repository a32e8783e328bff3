"""Owns opening one data file, hostile until proven: its columns, and its exact sums."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.ingest.files.watched import RowShape, Watched, refuse_bomb
from jobs.ingest.reduction import reducer
from jobs.ingest.reduction.reducer import Reading, TextFormat
from jobs.ingest.reduction.sums import Reduced
from kernel.errors import IngestError

HEADER_BYTES_MAX = 1 << 20
DAMAGED_ARCHIVE = (
    EOFError,
    NotImplementedError,  # zipfile, of a method or flag that no writer of exports uses
    UnicodeDecodeError,  # zipfile, of a member's name
    gzip.BadGzipFile,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""All that damaged bytes have raised in gzip and zipfile, as the fault tests found."""

PARQUET_FREE_ROWS = 1 << 20
PARQUET_ROWS_PER_BYTE = 4
"""A line item costs at least some bytes: its id alone has 52 characters."""

# `tests/jobs/ingest/test_sample.py::test_athenas_text_of_november_2019_is_an_unfinalised_bill`
# reads one of AWS's own.
ATHENA = TextFormat(separator="\x01", quote=None, null="\\N")
"""Athena's text output: control-A between cells, `\\N` for null, often no header."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A local file with what a person calls it; `columns` in the order of the file."""

    path: Path
    where: str
    columns: tuple[str, ...]
    text: TextFormat | None
    """None for Parquet."""


def inspect(path: Path, where: str, sibling_columns: Callable[[int], tuple[str, ...]]) -> DataFile:
    """What the file is and which columns it has, by its first bytes, whatever its name says.

    `sibling_columns(n)` gives the header of a file beside this one that has `n` columns, for
    Athena's text without a header. Raises IngestError.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == b"PAR1" or path.name.endswith(".parquet") or where.endswith(".parquet"):
        return DataFile(path, where, _parquet_columns(path, where), None)
    line = _first_line(path, where)
    if "\x01" in line:
        cells = tuple(line.split("\x01"))
        if "identity_line_item_id" in cells or "line_item_unblended_cost" in cells:
            return DataFile(path, where, cells, ATHENA)
        columns = sibling_columns(len(cells))
        text = TextFormat(ATHENA.separator, ATHENA.quote, ATHENA.null, columns)
        return DataFile(path, where, columns, text)
    columns = tuple(next(csv.reader([line]), []))
    return DataFile(path, where, columns, TextFormat())


def reduce(data: DataFile, reading: Reading) -> Reduced:
    """The file's exact sums. Raises IngestError naming file, row, column and rule."""
    with _refusing(data.where):
        if data.text is None:
            return _reduce_parquet(data, reading)
        with _opened(data.path, data.where, _shape(data)) as stream:
            return reducer.reduce(stream, reading, name=data.where, text=data.text)


def _reduce_parquet(data: DataFile, reading: Reading) -> Reduced:
    try:
        return reducer.reduce(data.path, reading, name=data.where)
    except IndexError as error:
        # A page's checksum is optional: a damaged one may point past the end of its dictionary.
        words = "it is damaged: a value points outside its dictionary"
        raise IngestError("damaged_file", data.where, words) from error


@contextmanager
def _refusing(where: str) -> Iterator[None]:
    """Whatever a damaged file makes a library say becomes one line of ours."""
    try:
        yield
    except reducer.MissingColumns as error:
        raise _from_reducer("missing_column", where, error) from error
    except reducer.BadAmount as error:
        raise _from_reducer("bad_amount", where, error) from error
    except reducer.BadDay as error:
        raise _from_reducer("bad_time", where, error) from error
    except reducer.BadFile as error:
        raise _from_reducer("damaged_file", where, error) from error
    except DAMAGED_ARCHIVE as error:
        raise IngestError("damaged_file", where, f"it is cut short or damaged: {error}") from error
    except (pa.ArrowException, OSError) as error:
        raise IngestError("damaged_file", where, f"it cannot be read: {error}") from error
    except pl.exceptions.PolarsError as error:
        first_line = str(error).partition("\n")[0]
        raise IngestError("damaged_file", where, f"it cannot be read: {first_line}") from error


def _from_reducer(code: str, where: str, error: reducer.BadFile) -> IngestError:
    return IngestError(code, where, str(error).removeprefix(f"{where}: "))


def _parquet_columns(path: Path, where: str) -> tuple[str, ...]:
    with _refusing(where):
        try:
            footer = pq.read_metadata(path)
        except pa.ArrowInvalid as error:
            words = f"it is no whole Parquet file: {error}"
            raise IngestError("damaged_file", where, words) from error
        size = path.stat().st_size
        # A run-length of one value says any number of rows in a few bytes:
        # `tests/faults/test_damaged_input.py`,
        # `test_a_parquet_footer_that_claims_more_rows_than_bytes_is_a_bomb`.
        if footer.num_rows > PARQUET_FREE_ROWS + size * PARQUET_ROWS_PER_BYTE:
            words = f"it claims {footer.num_rows} rows in {size} bytes: a decompression bomb"
            raise IngestError("bomb", where, words)
        unpacked = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
        refuse_bomb(unpacked, size, where)
        return tuple(footer.schema.to_arrow_schema().names)


def _first_line(path: Path, where: str) -> str:
    with _refusing(where), _opened(path, where) as stream:
        start = stream.read(HEADER_BYTES_MAX)
    line, end, _ = start.partition(b"\n")
    if not end or not line.strip():
        raise IngestError("no_header", where, "its first line is no row of column names")
    try:
        return line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        raise IngestError("not_utf8", where, "row 1 is no UTF-8 text") from error


def _shape(data: DataFile) -> RowShape | None:
    """Packed text has a checksum; of plain text, every row is counted."""
    assert data.text is not None
    with data.path.open("rb") as file:
        packed = file.read(2) in {b"\x1f\x8b", b"PK"}
    if packed:
        return None
    return RowShape(len(data.columns), data.text.separator, data.text.quote, data.where)


@contextmanager
def _opened(path: Path, where: str, shape: RowShape | None = None) -> Iterator[BinaryIO]:
    """The file's text, unpacked and watched, without a byte order mark."""
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic[:2] == b"\x1f\x8b":
            # One gzip may be several members in a row (RFC 1952, section 2.2); this reads them as
            # one, and checks the CRC of each:
            # `tests/faults/test_damaged_input.py::test_a_cut_gzip_is_refused_wherever_it_was_cut`.
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield _watched(cast(BinaryIO, unpacked), file, where)
        elif magic[:2] == b"PK":
            with (
                zipfile.ZipFile(file) as archive,
                archive.open(_member(archive, path, where)) as member,
            ):
                yield _watched(cast(BinaryIO, member), file, where)
        else:
            yield _watched(file, file, where, shape)


def _member(archive: zipfile.ZipFile, path: Path, where: str) -> zipfile.ZipInfo:
    """The one CSV of a zip; nothing is ever unpacked to a path, so its name only has to be one."""
    members = archive.infolist()
    if len(members) != 1 or members[0].is_dir():
        names = ", ".join(member.filename for member in members[:3])
        raise IngestError(
            "bad_zip", where, f"it holds {len(members)} files ({names}); AWS packs one CSV"
        )
    if members[0].flag_bits & 1:
        raise IngestError("bad_zip", where, "its file is encrypted")
    # No more than `file_size` is ever unpacked, so its word can be taken.
    packed_bytes = min(members[0].compress_size, path.stat().st_size)
    refuse_bomb(members[0].file_size, packed_bytes, where)
    return members[0]


def _watched(
    stream: BinaryIO, packed: BinaryIO, where: str, shape: RowShape | None = None
) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(Watched(stream, packed, where, shape), 1 << 20))


__all__ = ["DataFile", "inspect", "reduce"]
