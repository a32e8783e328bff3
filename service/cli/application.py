"""Owns the application that the commands register with, and what their exit statuses mean."""

import typer

EXIT_FINDING = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="rebill",
    help="Exact per-client invoices from one AWS payer bill.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def rebill() -> None:
    """Exact per-client invoices from one AWS payer bill."""
