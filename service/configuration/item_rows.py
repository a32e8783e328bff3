"""Owns custom line items as rows of a CSV file: the columns, and what each row says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kernel.errors import BadInput
from service.configuration.csv_rows import csv_rows, read_text
from service.configuration.items import CustomLineItemForm, custom_line_item_of, item_problems
from service.configuration.reading import Configuration, ConfigurationRefused

ROWS_MAX = 10_000
NUMBERS = (
    *("amount", "quantity", "unit_price", "percent", "minimum", "maximum"),
    *("above", "reached"),
    *("minimum_spend", "maximum_spend", "prepaid", "tax_rate_percent", "opening_amount"),
)
NESTED = {
    "tax_category": ("tax", "category"),
    "tax_rate_percent": ("tax", "rate_percent"),
    "tax_note": ("tax", "note"),
    "opening_amount": ("opening", "amount"),
    "opening_until": ("opening", "until"),
}
"""Columns of settings that have several, by their path."""
COLUMNS = (
    *("key", "client", "payer", "kind", "description", "amount", "quantity", "unit_price"),
    *("percent_of", "percent", "minimum", "maximum", "above", "reached", "services", "accounts"),
    *("minimum_spend", "maximum_spend", "prepaid", "counts", "carry_over"),
    *("from", "to", "once", "every_months", "prorate"),
    *NESTED,
)
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class ItemRows:
    """A file's items, and the row of each by its name."""

    file: Path
    configuration: Configuration
    rows: Mapping[str, int]

    def told(self, refused: ConfigurationRefused) -> Iterator[str]:
        """Each problem of an item with its row and column."""
        of_items = {str(each): each for each in refused.of_items}
        for problem in refused.problems:
            found = of_items.get(problem)
            if found is None or found.item.name not in self.rows:
                yield f"{self.file}: {problem}"
            else:
                row = self.rows[found.item.name]
                yield f"{self.file}: row {row}, column {found.setting}: {found.words}"


def read_item_rows(file: Path) -> ItemRows:
    """Raises BadInput, with a line for each row that cannot be."""
    problems: list[str] = []
    forms: dict[int, CustomLineItemForm] = {}
    for number, filled in csv_rows(
        file, read_text(file, "a file of items"), COLUMNS, numbers=NUMBERS
    ):
        try:
            forms[number] = CustomLineItemForm.model_validate(_settings(filled))
        except ValidationError as error:
            where = f"{file}: row {number}"
            problems += [f"{where}{_words(each)}" for each in error.errors()]
        else:
            if not forms[number].key:
                problems.append(
                    f"{file}: row {number}, column key: is required: by it a row that is "
                    "imported again is the same item"
                )
    if not problems and not 1 <= len(forms) <= ROWS_MAX:
        problems.append(f"{file}: it has {len(forms)} items; import 1 to {ROWS_MAX:,}")
    items = {number: custom_line_item_of(form) for number, form in forms.items()}
    rows = {item.name: number for number, item in items.items()}
    problems += [
        f"{file}: row {rows[problem.item.name]}, column {problem.setting}: {problem.words}"
        for problem in item_problems(items.values())
    ]
    if problems:
        raise BadInput("\n".join(problems))
    return ItemRows(file, Configuration.of_items(tuple(items.values())), rows)


def _settings(filled: Mapping[str, str]) -> dict[str, Any]:
    """As a YAML file would have them."""
    settings: dict[str, Any] = {}
    for column, cell in filled.items():
        name, *rest = NESTED.get(column, (column,))
        value = _AS.get(column, str)(cell)
        if rest:
            settings.setdefault(name, {})[rest[0]] = value
        else:
            settings[name] = value
    return settings


def _truth(cell: str) -> object:
    return _TRUTHS.get(cell.lower(), cell)


def _whole(cell: str) -> object:
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 6 else cell


_AS: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys(("services", "accounts"), str.split),
    **dict.fromkeys(("once", "prorate", "carry_over"), _truth),
    "every_months": _whole,
}


def _words(problem: Any) -> str:
    path = tuple(step for step in problem["loc"] if isinstance(step, str))
    columns: dict[tuple[str, ...], str] = {path: name for name, path in NESTED.items()}
    column = columns.get(path, path[0] if path else "")
    words = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        words = "is required"
    elif column in NUMBERS and words.startswith("write a number"):
        words = f"{problem['input']!r:.40} is no number; write digits and a point, like 1234.50"
    return f", column {column}: {words}" if column else f": {words}"
