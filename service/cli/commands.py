"""Owns the list of commands, and how each of them ends: expected trouble is one line."""

import typer
from typer.exceptions import TyperException

from jobs.aws.cost_explorer import CostExplorerError
from jobs.estimates import NoEstimate
from jobs.ingest.errors import IngestError
from jobs.snapshots import DamagedSnapshot
from service.cli import configure, demo, documents, estimate, month, output, serve, simulate
from service.cli.application import EXIT_BAD_INPUT, EXIT_INTERRUPTED, app
from service.errors import RebillError

COMMANDS = (demo, serve, configure, month, documents, estimate, simulate)
"""The modules whose commands `rebill --help` lists, in this order."""

EXPECTED = (RebillError, IngestError, CostExplorerError, NoEstimate, DamagedSnapshot)


def run(arguments: list[str]) -> int:
    """The exit status: 0, 1 for a finding, 2 for bad input."""
    try:
        return app(arguments, standalone_mode=False) or 0
    except typer.Exit as done:
        return done.exit_code
    except TyperException as misused:
        output.complain(f"{misused.format_message()} (see `rebill --help`)")
    except EXPECTED as trouble:
        output.complain(str(trouble))
    except (KeyboardInterrupt, typer.Abort):
        output.complain("interrupted; what was begun goes on at the next start")
        return EXIT_INTERRUPTED
    return EXIT_BAD_INPUT
