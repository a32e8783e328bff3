"""Owns tables: columns on a terminal, and wide enough in a pipe that no figure breaks."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

PIPE_COLUMNS = 160
"""A pipe has no width of its own; figures must not break."""

OUT = Console(
    soft_wrap=True,
    highlight=False,
    markup=False,
    width=None if sys.stdout.isatty() else PIPE_COLUMNS,
)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns whose name ends in `>` are figures: right-aligned."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        figures = column.endswith(">")
        table.add_column(column.rstrip(">"), justify="right" if figures else "left")
    for row in rows:
        table.add_row(*row)
    OUT.print(table)
