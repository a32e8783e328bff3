"""Owns explaining a line of a stored invoice: the month is rated again from its own inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from invoices.clients import ClientKey
from invoices.explanation import (
    ExplainedCharge,
    Explanation,
    explain_charges,
    explain_custom,
    explain_taken,
)
from invoices.money import plain
from invoices.pricing.custom import CustomCharge, charged_items
from invoices.statements import Statement
from jobs.snapshots import Snapshots
from kernel.errors import NotFound
from service.store.billing import invoices, months, snapshots
from service.store.billing.invoices import InvoiceRecord
from service.store.billing.snapshots import Snapshot
from service.store.database import Database
from service.store.plain import from_json


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    invoice: InvoiceRecord
    explanation: Explanation
    snapshot: Snapshot
    """Where the charges came from."""

    @property
    def files(self) -> tuple[Mapping[str, Any], ...]:
        """Of the export that was read: key, size, ETag and rows."""
        return tuple(self.snapshot.facts.get("files", ()))

    def to_json(self) -> dict[str, Any]:
        """As the command and the API publish it; amounts as exact decimal text."""
        explanation, record = self.explanation, self.invoice
        return {
            "invoice": {"id": record.id, "number": record.number, "client": record.client},
            "period": str(record.period),
            "line": {"key": explanation.line.key, "description": explanation.line.description},
            "price_book": explanation.price_book,
            "cost_basis": explanation.cost_basis,
            "charges": [_charge_json(each) for each in explanation.charges],
            "steps": list(explanation.steps),
            "snapshot": self.snapshot.id,
            "files": [dict(each) for each in self.files],
        }


def _charge_json(charge: ExplainedCharge) -> dict[str, Any]:
    figures = {name: plain(getattr(charge, name)) for name in ("usage", "cost", "price")}
    return asdict(charge) | {"of": dict(charge.of), "others": list(charge.others)} | figures


class UnknownLine(NotFound):
    def __init__(self, which: str, line_key: str, known: list[str]) -> None:
        shown = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
        super().__init__(f"invoice {which} has no line {line_key!r}; its lines are {shown}")


class NothingCharged(NotFound):
    """A balance of another month, or what a correction takes back: its charges are elsewhere."""

    def __init__(self, which: str | int, line_key: str, corrects: str) -> None:
        where = f"explain it on {corrects}" if corrects else "it is the balance of another month"
        super().__init__(f"nothing is charged for line {line_key!r} of {which}: {where}")


def explain(
    database: Database, charges: Snapshots, which: str | int, line_key: str
) -> ExplainedLine:
    """`which` is a number or an id, or as an `int` an id for sure.

    Raises UnknownInvoice, UnknownLine, DamagedSnapshot.
    """
    with database.transaction() as session:
        record = (
            invoices.invoice(session, which)
            if isinstance(which, int)
            else invoices.invoice_called(session, which)
        )
        document = invoices.document(session, record.id)
        working = invoices.working(session, record.id)
        inputs = months.inputs(session, invoices.inputs_id(session, record.id))
        snapshot = snapshots.snapshot(session, inputs.snapshot_id)
    lines = {each.key: each for each in document.lines}
    if line_key not in lines:
        raise UnknownLine(str(which), line_key, [*lines])
    if lines[line_key].is_of_other_months:
        return ExplainedLine(record, explain_taken(line_key, inputs, invoice=document), snapshot)
    for item in (from_json(CustomCharge, each) for each in working["custom"]):
        if line_key == f"custom/{item.key}":
            client = ClientKey(document.buyer.key)
            known = charged_items(inputs.custom_items_of(client), inputs.period)
            explained = explain_custom(item, known.get(item.key), invoice=document)
            return ExplainedLine(record, explained, snapshot)
    if working["statement"] is None:
        raise NothingCharged(which, line_key, record.corrects)
    # First what an earlier version kept: it says in words that the month is to be ingested again.
    summary = charges.load(snapshot.id)
    statement = from_json(Statement, working["statement"])
    line = next((each for each in statement.lines if each.key == line_key), None)
    if line is None:
        raise NothingCharged(which, line_key, record.corrects)
    explained = explain_charges(line, summary, inputs, invoice=document)
    return ExplainedLine(record, explained, snapshot)
