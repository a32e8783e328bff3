"""Owns small months at the front door: a configuration and a bill as files, for the command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.support.bills.ingest_builders import PAYER, Row, gzipped, put

PERIOD = "2026-10"
ADDRESS = {"street": "1 Lane", "city": "Dallas", "postcode": "75001", "country": "US"}


def seller(key: str = "seller", **more: Any) -> dict[str, Any]:
    known = {"key": key, "name": key.title(), "address": ADDRESS, "tax_id": f"US{key}"}
    return known | {"numbering": {"prefix": f"{key[:2].upper()}-"}} | more


def payer(account_id: str = PAYER, **more: Any) -> dict[str, Any]:
    return {"account_id": account_id} | more


def book(key: str = "standard", basis: str = "billed", **more: Any) -> dict[str, Any]:
    return {"key": key, "from": "2018-01", "cost_basis": basis} | more


def client(key: str, *accounts: str, **more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"key": key, "name": key.title(), "currency": "USD"}
    known |= {"address": ADDRESS, "price_book": "standard"}
    known |= {"accounts": [{"id": each, "from": "2018-01-01"} for each in accounts]}
    return known | more


def fee(of: str, amount: str, description: str = "Managed services", **more: Any) -> dict[str, Any]:
    return {"client": of, "kind": "fee", "description": description, "amount": amount} | more


def written(folder: Path, name: str = "rebill.yaml", **configuration: Any) -> Path:
    """A configuration file; what is not given is one seller, payer and price book."""
    usual = {"seller": seller(), "payers": [payer()], "price_books": [book()]}
    return put(folder / name, yaml.safe_dump(usual | configuration).encode())


def exported(folder: Path, rows: Sequence[Row], name: str = "cur.csv.gz") -> Path:
    """All rows have the columns of all."""
    columns = sorted({column for row in rows for column in row})
    return put(folder / name, gzipped([{c: row.get(c, "") for c in columns} for row in rows]))
