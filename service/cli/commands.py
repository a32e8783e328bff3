"""Owns how a command ends: expected trouble is one line, and an exit status tells its kind."""

import typer
from typer.exceptions import TyperException

from kernel.errors import RebillError, Unavailable
from kernel.room import telling_no_room
from service.cli import output
from service.cli.application import (
    EXIT_BAD_INPUT,
    EXIT_INTERRUPTED,
    EXIT_UNAVAILABLE,
    application,
)

INTERRUPTED = "interrupted; what was begun goes on at the next start"

SANDBOX = {"sandbox", "moto", "werkzeug", "flask", "flask_cors"}
"""What an installation for real bills does without; the extra `sandbox` brings it."""


def run(arguments: list[str]) -> int:
    """The exit status: see the table in `docs/manual.md`."""
    try:
        command = application()
        with telling_no_room():
            status: int = command.main(arguments, prog_name="rebill", standalone_mode=False) or 0
        if status == EXIT_INTERRUPTED:  # What Typer makes of a KeyboardInterrupt.
            output.complain(INTERRUPTED)
        return status
    except typer.Exit as done:
        return done.exit_code
    except TyperException as misused:
        output.complain(f"{misused.format_message()} (see `rebill --help`)")
    except Unavailable as trouble:
        output.complain(str(trouble))
        return EXIT_UNAVAILABLE
    except RebillError as trouble:
        output.complain(str(trouble))
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in SANDBOX:
            raise
        output.complain(
            f"{arguments[0]} needs the pretend AWS: `make install`, or pip install rebill[sandbox]"
        )
    except (KeyboardInterrupt, typer.Abort):
        output.complain(INTERRUPTED)
        return EXIT_INTERRUPTED
    return EXIT_BAD_INPUT
