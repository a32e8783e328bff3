"""Owns the list of commands, and how each of them ends: expected trouble is one line."""

from collections.abc import Mapping
from importlib import import_module

import typer
from typer.exceptions import TyperException

from jobs.aws.cost_explorer import CostExplorerError
from jobs.estimates import NoEstimate
from jobs.ingest.errors import IngestError
from jobs.snapshots import DamagedSnapshot
from kernel.errors import RebillError
from service.cli import output
from service.cli.application import EXIT_BAD_INPUT, EXIT_INTERRUPTED, app

MODULES: Mapping[str, tuple[str, ...]] = {
    "service.cli.demo": ("demo",),
    "service.cli.configure": ("apply", "db", "key"),
    "service.cli.month": ("ingest", "bill", "reconcile"),
    "service.cli.documents": ("approve", "withdraw", "issue", "export"),
    "service.cli.estimate": ("estimate",),
    "service.cli.onboard": ("onboard",),
    "service.cli.setup": ("onboard",),
    "service.cli.onboard_batch": ("onboard",),
    "service.cli.findings": ("onboard",),
    "service.cli.handover": ("handover",),
    "service.cli.grants": ("grants",),
    "service.cli.links": ("links",),
    "service.cli.serve": ("serve", "worker"),
    "service.cli.simulate": ("simulate",),
}
"""Which module registers which commands; only the one that is asked for is imported."""

INTERRUPTED = "interrupted; what was begun goes on at the next start"
EXPECTED = (RebillError, IngestError, CostExplorerError, NoEstimate, DamagedSnapshot)


def run(arguments: list[str]) -> int:
    """The exit status: 0, 1 for a finding, 2 for bad input."""
    try:
        _register(arguments[0] if arguments else "")
        status: int = app(arguments, standalone_mode=False) or 0
        if status == EXIT_INTERRUPTED:  # What Typer makes of a KeyboardInterrupt.
            output.complain(INTERRUPTED)
        return status
    except typer.Exit as done:
        return done.exit_code
    except TyperException as misused:
        output.complain(f"{misused.format_message()} (see `rebill --help`)")
    except EXPECTED as trouble:
        output.complain(str(trouble))
    except (KeyboardInterrupt, typer.Abort):
        output.complain(INTERRUPTED)
        return EXIT_INTERRUPTED
    return EXIT_BAD_INPUT


def _register(wanted: str) -> None:
    asked = [module for module, commands in MODULES.items() if wanted in commands]
    for module in asked or MODULES:
        import_module(module)
