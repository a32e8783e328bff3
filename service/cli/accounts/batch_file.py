"""Owns the file of a batch: CSV or JSON becomes what is asked for, or one line of trouble."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kernel.errors import BadInput
from service.actions.onboarding.request_onboarding import Wanted
from service.actions.onboarding.request_onboardings import BATCH_MAX
from service.api.accounts.onboarding_schemas import OnboardingRequest, to_wanted

BYTES_MAX = 1_000_000
LISTS = ("roles", "consents")
"""Columns that hold several words, with blanks between them."""
FORMULA_STARTS = ("=", "+", "-", "@")


Row = tuple[str, Mapping[str, Any]]
"""Where it is, such as `row 3`, and what it says."""


def read_batch(path: Path) -> list[tuple[str, Wanted]]:
    """One to 200 onboardings, each as `POST /v1/onboardings` takes it, and where it is.

    Raises BadInput.
    """
    text = _text(path)
    rows = _json_items(path, text) if text.lstrip().startswith(("{", "[")) else _csv(path, text)
    found = [(where, to_wanted(_checked(path, where, row))) for where, row in rows]
    if not 1 <= len(found) <= BATCH_MAX:
        raise BadInput(f"{path}: a batch has 1 to {BATCH_MAX} onboardings, not {len(found)}")
    return found


def _text(path: Path) -> str:
    if not path.is_file():
        raise BadInput(f"{path} is no file")
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MAX + 1)
        if len(raw) > BYTES_MAX:
            raise BadInput(f"{path}: a batch has at most {BYTES_MAX:,} bytes")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadInput(f"{path}: row {line} is not UTF-8; save it as UTF-8") from error


def _csv(path: Path, text: str) -> Iterator[Row]:
    """Row 1 names the columns; rows are counted as a spreadsheet shows them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = _header(path, _next(path, reader, 1) or [])
    number = 1
    while (cells := _next(path, reader, number := number + 1)) is not None:
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise BadInput(
                f"{path}: row {number} has {len(cells)} cells, and there are {len(header)} columns"
            )
        for name, cell in zip(header, cells, strict=True):
            _check_cell(f"{path}: row {number}, column {name}", name, cell)
        filled = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell}
        lists = {name: filled[name].split() for name in LISTS if name in filled}
        yield f"row {number}", {**filled, **lists}


def _next(path: Path, reader: Iterator[list[str]], number: int) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise BadInput(f"{path}: row {number} is no CSV: {error}") from error


def _header(path: Path, cells: list[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    known = list(OnboardingRequest.model_fields)
    for number, name in enumerate(header, 1):
        if name not in known:
            raise BadInput(
                f"{path}: row 1, column {number}: {name[:40]!r} is no column; "
                f"there are {', '.join(known)}"
            )
        if header.index(name) != number - 1:
            raise BadInput(f"{path}: row 1, column {number}: {name} is there twice")
    if not header:
        raise BadInput(f"{path} is empty; row 1 names the columns: {', '.join(known)}")
    return header


def _check_cell(where: str, name: str, cell: str) -> None:
    if not cell.isprintable():
        raise BadInput(f"{where}: {cell[:40]!r} has characters that cannot be printed")
    if name != "budget" and cell.lstrip().startswith(FORMULA_STARTS):
        raise BadInput(f"{where}: {cell[:40]!r} looks like a formula; give its value")


def _json_items(path: Path, text: str) -> Iterator[Row]:
    """As the API takes it, `{"items": […]}`, or the list alone."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is no JSON: {error}") from error
    items = document.get("items") if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise BadInput(f'{path}: give {{"items": […]}}, a list of onboardings')
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise BadInput(f"{path}: item {number} is no object")
        yield f"item {number}", item


def _checked(path: Path, where: str, row: Mapping[str, Any]) -> OnboardingRequest:
    """By the very rules of the API."""
    try:
        return OnboardingRequest.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {where}, column {column}: {first['msg']}") from error
