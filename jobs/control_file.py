"""Owns a file of AWS's own totals, as a person copies them from invoices: read and compared."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from invoices.reconciliation import ControlTotal
from kernel.errors import BadInput

KEYS = {"invoice_id": "by_invoice", "account_id": "by_account"}
"""The column of a file that says of what its amounts are -> the snapshot's sums to compare."""


@dataclass(frozen=True, slots=True)
class ControlFile:
    """All of a month's totals, by invoice or by account: what it leaves out, AWS charges not."""

    key: str
    amounts: Mapping[str, Decimal]


def read_control_file(path: Path) -> ControlFile:
    """CSV with a header: `invoice_id` or `account_id`, and `amount` (tax included). BadInput."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = [name for name in rows.fieldnames or () if name in KEYS]
            if len(columns) != 1 or "amount" not in (rows.fieldnames or ()):
                words = "its header has to be `invoice_id,amount` or `account_id,amount`"
                raise BadInput(f"{path}: {words}")
            return ControlFile(columns[0], _amounts(rows, columns[0], path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


def _amounts(rows: csv.DictReader[str], key: str, path: Path) -> dict[str, Decimal]:
    amounts: dict[str, Decimal] = {}
    for row in rows:
        name, text = (row[key] or "").strip(), (row["amount"] or "").strip()
        where = f"{path}, line {rows.line_num}"
        if key == "account_id":
            name = name.zfill(12)
        if not name or name in amounts:
            raise BadInput(f"{where}: {key} {name!r} is {'written twice' if name else 'blank'}")
        try:
            amounts[name] = Decimal(text)
        except InvalidOperation:
            raise BadInput(f"{where}: {text!r} is no amount; write it as 1234.56") from None
        if not amounts[name].is_finite():
            raise BadInput(f"{where}: {text!r} is no amount; write it as 1234.56")
    if not amounts:
        raise BadInput(f"{path}: it has no amounts")
    return amounts


def control_totals(file: ControlFile, facts: Mapping[str, Any]) -> list[ControlTotal]:
    """Each of theirs beside ours, and ours that they have not beside 0. Raises BadInput."""
    sums = facts.get(KEYS[file.key])
    if sums is None:
        raise BadInput(f"the month was ingested before totals by {file.key} were kept: do it again")
    ours = {name: Decimal(found["net_billed"]) for name, found in sums.items()}
    nothing = Decimal(0)
    return [
        ControlTotal(
            "control_file",
            f"{file.key} {name or '(none)'}",
            file.amounts.get(name, nothing),
            ours.get(name, nothing),
        )
        for name in sorted(ours.keys() | file.amounts.keys())
    ]
