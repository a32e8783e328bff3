"""Owns the file of a batch: CSV or JSON becomes what is asked for, or one line of trouble."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kernel.errors import BadInput
from service.actions.onboarding.request_onboarding import Wanted
from service.actions.onboarding.request_onboardings import BATCH_MAX
from service.api.accounts.onboarding_schemas import OnboardingRequest, to_wanted
from service.configuration.csv_rows import csv_rows, read_text

LISTS = ("roles", "consents")
"""Columns that hold several words, with blanks between them."""


Row = tuple[str, Mapping[str, Any]]
"""Where it is, such as `row 3`, and what it says."""


def read_batch(path: Path) -> list[tuple[str, Wanted]]:
    """One to 200 onboardings, each as `POST /v1/onboardings` takes it, and where it is.

    Raises BadInput.
    """
    text = read_text(path, "a batch")
    rows = _json_items(path, text) if text.lstrip().startswith(("{", "[")) else _csv(path, text)
    found = [(where, to_wanted(_checked(path, where, row))) for where, row in rows]
    if not 1 <= len(found) <= BATCH_MAX:
        raise BadInput(f"{path}: a batch has 1 to {BATCH_MAX} onboardings, not {len(found)}")
    return found


def _csv(path: Path, text: str) -> Iterator[Row]:
    columns = list(OnboardingRequest.model_fields)
    for number, filled in csv_rows(path, text, columns, numbers=("budget",)):
        lists = {name: filled[name].split() for name in LISTS if name in filled}
        yield f"row {number}", {**filled, **lists}


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
