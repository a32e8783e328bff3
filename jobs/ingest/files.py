"""Owns opening one data file, hostile until proven: its columns, and its exact sums."""

from __future__ import annotations

import csv
import gzip
import io
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

from jobs.ingest import reducer
from jobs.ingest.errors import IngestError
from jobs.ingest.reducer import Reading, TextFormat
from jobs.ingest.reducer_sums import Reduced

HEADER_BYTES_MAX = 1 << 20
LINE_BYTES_MAX = 1 << 23
EXPANSION_FREE_BYTES = 1 << 26
EXPANSION_MAX = 250
"""AWS's own CSV shrinks 10 to 30 times; what grows 250 times past 64 MiB is a bomb."""

PARQUET_FREE_ROWS = 1 << 20
PARQUET_ROWS_PER_BYTE = 4
"""A line item costs at least some bytes: its id alone has 52 characters."""

ATHENA = TextFormat(separator="\x01", quote=None, null="\\N")
"""Athena's text output: control-A between cells, `\\N` for null, often no header."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A local file with what an operator calls it; `columns` in the order of the file."""

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
            return DataFile(path, where, _distinct(cells, where), ATHENA)
        columns = _distinct(sibling_columns(len(cells)), where)
        text = TextFormat(ATHENA.separator, ATHENA.quote, ATHENA.null, columns)
        return DataFile(path, where, columns, text)
    columns = tuple(next(csv.reader([line]), []))
    return DataFile(path, where, _distinct(columns, where), TextFormat())


def reduce(data: DataFile, reading: Reading) -> Reduced:
    """The file's exact sums. Raises IngestError naming file, row, column and rule."""
    with refusing(data.where):
        if data.text is None:
            return reducer.reduce_parquet(data.path, reading, name=data.where)
        with _opened(data.path, data.where) as stream:
            return reducer.reduce_csv(stream, reading, name=data.where, text=data.text)


@contextmanager
def refusing(where: str) -> Iterator[None]:
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
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as error:
        raise IngestError("damaged_file", where, f"it is cut short or damaged: {error}") from error
    except (pa.ArrowException, OSError) as error:
        raise IngestError("damaged_file", where, f"it cannot be read: {error}") from error
    except pl.exceptions.PolarsError as error:
        first_line = str(error).partition("\n")[0]
        raise IngestError("damaged_file", where, f"it cannot be read: {first_line}") from error


def _from_reducer(code: str, where: str, error: reducer.BadFile) -> IngestError:
    return IngestError(code, where, str(error).removeprefix(f"{where}: "))


def _parquet_columns(path: Path, where: str) -> tuple[str, ...]:
    with refusing(where):
        try:
            footer = pq.read_metadata(path)
        except pa.ArrowInvalid as error:
            words = f"it is no whole Parquet file: {error}"
            raise IngestError("damaged_file", where, words) from error
        size = path.stat().st_size
        if footer.num_rows > PARQUET_FREE_ROWS + size * PARQUET_ROWS_PER_BYTE:
            words = f"it claims {footer.num_rows} rows in {size} bytes: a decompression bomb"
            raise IngestError("bomb", where, words)
        unpacked = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
        _refuse_bomb(unpacked, size, where)
        return _distinct(tuple(footer.schema.to_arrow_schema().names), where)


def _distinct(columns: tuple[str, ...], where: str) -> tuple[str, ...]:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise IngestError("duplicate_column", where, f"it has column {twice[0]} more than once")
    return columns


def _first_line(path: Path, where: str) -> str:
    with refusing(where), _opened(path, where) as stream:
        start = stream.read(HEADER_BYTES_MAX)
    line, end, _ = start.partition(b"\n")
    if not end or not line.strip():
        raise IngestError("no_header", where, "its first line is no row of column names")
    try:
        return line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        raise IngestError("not_utf8", where, "row 1 is no UTF-8 text") from error


@contextmanager
def _opened(path: Path, where: str) -> Iterator[BinaryIO]:
    """The file's text, unpacked and watched, without a byte order mark."""
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield _watched(cast(BinaryIO, unpacked), path, where)
        elif magic == b"PK\x03\x04":
            with zipfile.ZipFile(file) as archive, archive.open(_member(archive, where)) as member:
                yield _watched(cast(BinaryIO, member), path, where)
        else:
            yield _watched(file, path, where)


def _member(archive: zipfile.ZipFile, where: str) -> zipfile.ZipInfo:
    """The one CSV of a zip; nothing is ever unpacked to a path, so its name only has to be one."""
    members = archive.infolist()
    if len(members) != 1 or members[0].is_dir():
        names = ", ".join(member.filename for member in members[:3])
        raise IngestError(
            "bad_zip", where, f"it holds {len(members)} files ({names}); AWS packs one CSV"
        )
    if members[0].flag_bits & 1:
        raise IngestError("bad_zip", where, "its file is encrypted")
    return members[0]


def _watched(stream: BinaryIO, path: Path, where: str) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Watched(stream, path.stat().st_size, where), 1 << 20))


class _Watched(io.RawIOBase):
    """Text on its way to the parser: no bomb, no NUL, no UTF-16, no endless line."""

    def __init__(self, stream: BinaryIO, packed_bytes: int, where: str) -> None:
        self._stream, self._packed_bytes, self._where = stream, packed_bytes, where
        self._bytes = self._rows = self._line_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(len(buffer))
        if self._bytes == 0:
            block = self._without_mark(block)
        self._watch(block)
        buffer[: len(block)] = block
        return len(block)

    def _without_mark(self, block: bytes) -> bytes:
        if block.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise IngestError("not_utf8", self._where, "row 1 is UTF-16; AWS writes UTF-8")
        return block.removeprefix(b"\xef\xbb\xbf")

    def _watch(self, block: bytes) -> None:
        if (at := block.find(b"\0")) >= 0:
            row = self._rows + block.count(b"\n", 0, at) + 1
            raise IngestError("nul_byte", self._where, f"row {row} holds a NUL byte")
        self._bytes += len(block)
        _refuse_bomb(self._bytes, self._packed_bytes, self._where)
        last = block.rfind(b"\n")
        self._rows += block.count(b"\n")
        self._line_bytes = len(block) - last - 1 + (self._line_bytes if last < 0 else 0)
        if self._line_bytes > LINE_BYTES_MAX:
            raise IngestError(
                "endless_line", self._where, f"row {self._rows + 1} has no end within 8 MiB"
            )


def _refuse_bomb(unpacked_bytes: int, packed_bytes: int, where: str) -> None:
    if unpacked_bytes > EXPANSION_FREE_BYTES and unpacked_bytes > packed_bytes * EXPANSION_MAX:
        raise IngestError(
            "bomb",
            where,
            f"{packed_bytes} bytes unpack to more than {EXPANSION_MAX} times as much: "
            "a decompression bomb",
        )


__all__ = ["DataFile", "inspect", "reduce", "refusing"]
