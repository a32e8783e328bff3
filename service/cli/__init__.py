"""The command line: a composition root."""

import sys

import typer

from service.cli import output
from service.errors import RebillError

EXIT_FINDING = 1
EXIT_BAD_INPUT = 2

app = typer.Typer(
    name="rebill",
    help="Exact per-client invoices from one AWS payer bill.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)


def main() -> None:
    """Entry point of the `rebill` script: expected trouble is one line, never a traceback."""
    try:
        app()
    except RebillError as error:
        output.complain(str(error))
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        output.complain("interrupted; what was begun goes on at the next start")
        sys.exit(130)
