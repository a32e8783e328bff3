"""The command that explains a line: for our eyes, since it shows cost and margin."""

from __future__ import annotations

from typing import Annotated

import typer

from invoices.explanation import ExplainedCharge
from invoices.money import plain
from jobs.explanation import ExplainedLine
from jobs.explanation import explain as explain_line
from service.cli import output
from service.cli.opening import opened
from service.cli.options import AsJson
from service.cli.tables import print_table


def explain(
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="Its number, or its id.")],
    line_key: Annotated[str, typer.Argument(metavar="LINE_KEY", help="The line's `key`.")],
    as_json: AsJson = False,
) -> None:
    """From a line of an invoice to its rule, its arithmetic and the charges behind it."""
    with opened() as environment:
        found = explain_line(environment.database, environment.snapshots, invoice, line_key)
    if as_json:
        output.print_json(found.to_json())
    else:
        _print(found)


def _print(found: ExplainedLine) -> None:
    explanation, record = found.explanation, found.invoice
    output.say(
        f"{record.number or f'draft {record.id}'} of {record.client}, {record.period}: "
        f"{explanation.line.description} [{explanation.line.key}]"
    )
    if explanation.charges:
        output.say(f"price book {explanation.price_book}, on cost {explanation.cost_basis}")
        columns = ("what", "usage>", "cost>", "rule", "price>")
        print_table("charges", columns, [_row(each) for each in explanation.charges])
    for charge in explanation.charges:
        output.say(f"{charge.of['usage_type'] or charge.of['kind']}: {charge.arithmetic}")
        for lost in charge.others:
            output.say(f"  would have matched too, less specific: {lost}")
        if charge.attribution:
            output.say(f"  {charge.attribution}")
    for step in explanation.steps:
        output.say(step)
    if explanation.charges:
        output.say(f"from snapshot {found.snapshot.id} ({found.snapshot.dialect})")
        for file in found.files:
            output.say(f"  {file['key']}: {file['rows']:,} rows, ETag {file['etag']}")


def _row(charge: ExplainedCharge) -> tuple[str, ...]:
    said = (charge.of[name] for name in ("service", "region", "usage_type", "operation", "kind"))
    usage = f"{plain(charge.usage)} {charge.unit}".strip()
    return " ".join(filter(None, said)), usage, plain(charge.cost), charge.rule, plain(charge.price)
