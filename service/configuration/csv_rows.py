"""Owns CSV files that people make with a spreadsheet: rows by column, or one line of trouble."""

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path

from kernel.errors import BadInput

BYTES_MAX = 1_000_000
FORMULA_STARTS = ("=", "+", "-", "@")


def read_text(path: Path, what: str) -> str:
    """Raises BadInput."""
    if not path.is_file():
        raise BadInput(f"{path} is no file")
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MAX + 1)
        if len(raw) > BYTES_MAX:
            raise BadInput(f"{path}: {what} has at most {BYTES_MAX:,} bytes")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadInput(f"{path}: row {line} is not UTF-8; save it as UTF-8") from error


def csv_rows(
    path: Path, text: str, columns: Collection[str], *, numbers: Collection[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """What is filled in of each row, by its number as a spreadsheet shows it; row 1 names columns.

    No text may be a formula but in columns of `numbers`. Raises BadInput.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = _header(path, _next(path, reader, 1) or [], columns)
    number = 1
    while (cells := _next(path, reader, number := number + 1)) is not None:
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise BadInput(
                f"{path}: row {number} has {len(cells)} cells, and there are {len(header)} columns"
            )
        for name, cell in zip(header, cells, strict=True):
            _check_cell(f"{path}: row {number}, column {name}", cell, name in numbers)
        yield number, {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell}


def _next(path: Path, reader: Iterator[list[str]], number: int) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise BadInput(f"{path}: row {number} is no CSV: {error}") from error


def _header(path: Path, cells: list[str], columns: Collection[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if len(header) == 1 and ";" in header[0]:
        raise BadInput(f"{path}: row 1: separate columns by commas, not by semicolons")
    for number, name in enumerate(header, 1):
        if name not in columns:
            raise BadInput(
                f"{path}: row 1, column {number}: {name[:40]!r} is no column; "
                f"there are {', '.join(columns)}"
            )
        if header.index(name) != number - 1:
            raise BadInput(f"{path}: row 1, column {number}: {name} is there twice")
    if not header:
        raise BadInput(f"{path} is empty; row 1 names the columns: {', '.join(columns)}")
    return header


def _check_cell(where: str, cell: str, is_number: bool) -> None:  # noqa: FBT001 - of a column
    if not cell.isprintable():
        raise BadInput(f"{where}: {cell[:40]!r} has characters that cannot be printed")
    if not is_number and cell.lstrip().startswith(FORMULA_STARTS):
        raise BadInput(f"{where}: {cell[:40]!r} looks like a formula; give its value")
