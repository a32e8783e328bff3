"""The command of configuration: apply a file."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from kernel.errors import BadInput
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.custom_line_items import left_out
from service.cli import output
from service.cli.installation import ACTOR, open_installation
from service.cli.options import AsJson
from service.configuration.places import with_lines
from service.configuration.reading import (
    Configuration,
    ConfigurationRefused,
    read_configuration,
)
from service.store.dry_run import nothing_recorded

File = Annotated[Path, typer.Argument(metavar="FILE", help="The YAML configuration file.")]
Prune = Annotated[
    bool, typer.Option("--prune", help="End custom line items that the file leaves out.")
]


@contextmanager
def read_file(file: Path) -> Iterator[Configuration]:
    """What is refused of it, within, is told with file and line.

    Raises BadInput, ConfigurationRefused.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    try:
        yield read_configuration(text)
    except ConfigurationRefused as refused:
        told = with_lines(text, refused.problems)
        raise ConfigurationRefused([f"{file}{each}" for each in told]) from refused


def apply(
    file: File,
    prune: Prune = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the store say what a configuration file says; applied twice it changes nothing."""
    with (
        read_file(file) as configuration,
        open_installation() as installation,
        installation.database.transaction() as session,
        nothing_recorded(session) if dry_run else nullcontext(),
    ):
        changes = apply_configuration(
            session, configuration, actor=ACTOR, now=installation.now(), prune=prune
        )
        unlisted = left_out(session, configuration)
    if as_json:
        output.print_json(
            {"changes": [*map(asdict, changes)], "left_out": [item.key for item in unlisted]}
        )
        return
    for change in changes:
        output.say(str(change))
    for item in unlisted:
        output.say(f"custom line item {item.name}: not in the file, stays (--prune ends it)")
    done = "would be made" if dry_run else "made"
    output.say(f"{len(changes)} changes {done}" if changes else "nothing changes")
