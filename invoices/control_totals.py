"""Owns figures that AWS states by itself, beside ours: whose they are, and when they differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from invoices.money import EXACT, from_minor, is_currency, plain
from kernel.findings import Finding, Severity

ONE_CENT = Decimal("0.01")

CONTROL_FILE = "control_file"
SOURCES = {"cost_explorer": "Cost Explorer"}
"""What a control total's source is called in words."""


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """One figure that AWS states by itself, beside ours."""

    source: str
    """Where theirs comes from: `cost_explorer`, `control_file`, …"""
    what: str
    theirs: Decimal
    ours: Decimal
    currency: str = ""
    """'' is the payer's."""
    is_part: bool = False
    """Of the accounts that can be compared, not of all that is charged in the currency."""

    @property
    def difference(self) -> Decimal:
        return EXACT.subtract(self.theirs, self.ours)

    def to_json(self) -> dict[str, str]:
        return {
            "source": self.source,
            "what": self.what,
            "theirs": plain(self.theirs),
            "ours": plain(self.ours),
            "difference": plain(self.difference),
        }


def differs(total: ControlTotal, bill_currency: str) -> bool:
    """Whether it is a smallest unit of its currency or more away from ours.

    AWS states totals in whole units, of yen in whole yen, and ours has ten decimals (DECISIONS 10).
    """
    currency = total.currency or bill_currency
    # An export may name a currency that is none, or none at all: the strictest is a cent.
    unit = from_minor(1, currency) if is_currency(currency) else ONE_CENT
    return abs(total.difference) >= unit


def control_total_differs(total: ControlTotal, bill_currency: str) -> Finding:
    currency = total.currency or bill_currency
    source = SOURCES.get(total.source, total.source.replace("_", " "))
    return Finding(
        Severity.CRITICAL,
        "control_total_differs",
        total.source,
        f"{total.what}: the {source} says {plain(total.theirs)} {currency}, the export that is "
        f"billed {plain(total.ours)}, which is {plain(total.difference)} apart; ingest the export "
        "again, or wait until AWS has settled the month.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlFileRecord:
    """What a file of AWS's own totals said of a month, once: it is about one snapshot."""

    snapshot_id: str
    sha256: str
    """Of the file's bytes."""
    name: str
    column: str
    """Of what its amounts are: `invoice_id` or `account_id`."""
    compared: int
    """How many amounts, theirs or ours."""
    theirs: Decimal
    """In the bill's currency, as is `ours`."""
    ours: Decimal
    differing: tuple[ControlTotal, ...]
    """Those that are not ours."""
    compared_at: datetime
    compared_by: str
    counts: bool = False
    """Whether it is the latest of its column about what is billed, and nothing came since."""

    @property
    def words(self) -> str:
        return f"control file {self.name} of {self.compared_at.date()}"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "sha256": self.sha256,
            "column": self.column,
            "compared": self.compared,
            "theirs": plain(self.theirs),
            "ours": plain(self.ours),
            "agrees": not self.differing,
            "differing": [total.to_json() for total in self.differing],
            "compared_at": self.compared_at.isoformat(),
            "compared_by": self.compared_by,
            "snapshot": self.snapshot_id,
            "counts": self.counts,
        }
