"""Owns what a command prints: progress, tables, one JSON object, or one line of trouble."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from invoices.money import plain
from invoices.reconciliation import ControlTotal, Reconciliation
from kernel.findings import Finding

Report = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is (0 when unknown)."""

PIPE_COLUMNS = 160
"""A pipe has no width of its own; figures must not break."""

PLAIN_SECONDS = 2.0

OUT = Console(
    soft_wrap=True,
    highlight=False,
    markup=False,
    width=None if sys.stdout.isatty() else PIPE_COLUMNS,
)
ERR = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def say(text: str = "") -> None:
    OUT.print(text)


def complain(text: str) -> None:
    ERR.print(f"rebill: {text}")


def write(text: str) -> None:
    """A file's text, as it is."""
    sys.stdout.write(text)


def print_json(value: Any) -> None:
    """One JSON object on standard output and nothing else."""
    sys.stdout.write(json_text(value))


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns whose name ends in `>` are figures: right-aligned."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        figures = column.endswith(">")
        table.add_column(column.rstrip(">"), justify="right" if figures else "left")
    for row in rows:
        table.add_row(*row)
    OUT.print(table)


def print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        who = f" [{finding.client}]" if finding.client else ""
        ERR.print(f"{finding.severity}: {finding.code}{who} at {finding.where}: {finding.message}")


@contextmanager
def progress() -> Iterator[Report]:
    """A bar on a terminal; elsewhere a plain line for each new work and every two seconds."""
    if not ERR.is_terminal:
        yield _plain_lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=ERR, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield report


def _plain_lines() -> Report:
    last, written_at = "", 0.0

    def report(what: str, done: int, total: int) -> None:
        nonlocal last, written_at
        if what == last and time.monotonic() - written_at < PLAIN_SECONDS:
            return
        last, written_at = what, time.monotonic()
        ERR.print(f"{what}: {done}/{total}" if total else what)

    return report


def print_reconciliation(proof: Reconciliation) -> None:
    """The payer's bill on the left of the equals sign, everybody who bears it on the right."""
    rows = [(f"client {each.client}", plain(each.cost)) for each in proof.clients]
    rows += [(f"retained: {reason}", plain(amount)) for reason, amount in proof.retained.items()]
    rows += [("unassigned", plain(proof.unassigned)), ("rounding", plain(proof.rounding))]
    rows += [("payer total", plain(proof.payer_total)), ("difference", plain(proof.difference))]
    title = f"{proof.period}: payer {proof.payer_account_id}"
    print_table(title, ("who bears it", f"{proof.currency}>"), rows)
    if proof.control_totals:
        columns = ("AWS says", "of", "theirs>", "ours>", "difference>")
        print_table("Control totals", columns, [_control_row(t) for t in proof.control_totals])
    say("It closes." if proof.closes else "It does not close.")


def _control_row(total: ControlTotal) -> tuple[str, ...]:
    figures = (total.theirs, total.ours, total.difference)
    return (total.source, total.what, *map(plain, figures))
