"""Owns a file of AWS's own totals, as a person copies them from invoices: read and compared."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from invoices.control_totals import CONTROL_FILE, ControlFileRecord, ControlTotal, differs
from invoices.money import exact_sum
from kernel.errors import BadInput

KEYS = {"invoice_id": "by_invoice", "account_id": "by_account"}
"""The column of a file that says of what its amounts are -> the snapshot's sums to compare."""


@dataclass(frozen=True, slots=True)
class ControlFile:
    """All of a month's totals, by invoice or by account: what it leaves out, AWS charges not."""

    key: str
    amounts: Mapping[tuple[str, str], Decimal]
    """By invoice or account, and currency: '' is the bill's."""
    name: str
    sha256: str
    """Of its bytes."""


def read_control_file(path: Path) -> ControlFile:
    """CSV with a header: `invoice_id` or `account_id`, and `amount` (tax included). BadInput.

    A column `currency` says in which an amount is; where it says nothing, it is the bill's.
    """
    try:
        content = path.read_bytes()
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        columns = [name for name in rows.fieldnames or () if name in KEYS]
        if len(columns) != 1 or "amount" not in (rows.fieldnames or ()):
            words = "its header has to be `invoice_id,amount` or `account_id,amount`"
            raise BadInput(f"{path}: {words}")
        amounts = _amounts(rows, columns[0], path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    name = "".join(char if char.isprintable() else "?" for char in path.name)
    return ControlFile(columns[0], amounts, name, hashlib.sha256(content).hexdigest())


def _amounts(rows: csv.DictReader[str], key: str, path: Path) -> dict[tuple[str, str], Decimal]:
    amounts: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        name, text, currency = (
            (row.get(each) or "").strip() for each in (key, "amount", "currency")
        )
        where = f"{path}, line {rows.line_num}"
        if None in row:
            words = "it has more cells than the header; write an amount as 1234.56"
            raise BadInput(f"{where}: {words}")
        if key == "account_id":
            name = name.zfill(12)
        if not name or (name, currency) in amounts:
            raise BadInput(f"{where}: {key} {name!r} is {'written twice' if name else 'blank'}")
        amounts[name, currency] = _amount(text, where)
    if not amounts:
        raise BadInput(f"{path}: it has no amounts")
    return amounts


def _amount(text: str, where: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise BadInput(f"{where}: {text!r} is no amount; write it as 1234.56")
    return amount


def control_totals(file: ControlFile, facts: Mapping[str, Any]) -> list[ControlTotal]:
    """Each of theirs beside ours, and ours that they have not beside 0. Raises BadInput."""
    if KEYS[file.key] not in facts:
        raise BadInput(f"the month was ingested before totals by {file.key} were kept: do it again")
    theirs = {
        (name, "" if currency == facts["currency"] else currency): amount
        for (name, currency), amount in file.amounts.items()
    }
    if len(theirs) < len(file.amounts):
        raise BadInput(f"a {file.key} is written with {facts['currency']} and without a currency")
    ours = {
        (name, currency): Decimal(found["net_billed"])
        for currency, sums in [("", facts), *_others(facts)]
        for name, found in sums[KEYS[file.key]].items()
    }
    nothing = Decimal(0)
    return [
        ControlTotal(
            CONTROL_FILE,
            f"{file.key} {name or '(none)'}" + (f" in {currency}" if currency else ""),
            theirs.get((name, currency), nothing),
            ours.get((name, currency), nothing),
            currency,
        )
        for name, currency in sorted(ours.keys() | theirs.keys())
    ]


def _others(facts: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What is in another currency than the bill's; with none named, nobody states it."""
    return [
        (each["currency"], each) for each in facts.get("other_currencies", ()) if each["currency"]
    ]


def to_record(
    file: ControlFile,
    totals: list[ControlTotal],
    *,
    snapshot_id: str,
    bill_currency: str,
    actor: str,
    now: datetime,
) -> ControlFileRecord:
    """What is kept of a comparison: of its sums, those in the bill's currency."""
    own = [total for total in totals if not total.currency]
    return ControlFileRecord(
        snapshot_id=snapshot_id,
        sha256=file.sha256,
        name=file.name,
        column=file.key,
        compared=len(totals),
        theirs=exact_sum(total.theirs for total in own),
        ours=exact_sum(total.ours for total in own),
        differing=tuple(total for total in totals if differs(total, bill_currency)),
        compared_at=now,
        compared_by=actor,
    )
