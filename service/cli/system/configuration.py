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
from service.configuration.item_rows import read_item_rows
from service.configuration.places import with_lines
from service.configuration.reading import (
    Configuration,
    ConfigurationRefused,
    read_configuration,
)
from service.store.dry_run import nothing_recorded

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="The YAML configuration file, or custom line items as CSV."
    ),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="End custom line items that the file leaves out.")
]


@contextmanager
def read_file(file: Path) -> Iterator[Configuration]:
    """What is refused of it, within, is told with file and line, or row and column.

    Raises BadInput, ConfigurationRefused.
    """
    if file.suffix.lower() == ".csv":
        found = read_item_rows(file)
        try:
            yield found.configuration
        except ConfigurationRefused as refused:
            raise BadInput("\n".join(found.told(refused))) from refused
        return
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    configuration = None
    try:
        configuration = read_configuration(text)
        yield configuration
    except ConfigurationRefused as refused:
        told = with_lines(text, _with_entries(refused, configuration))
        raise ConfigurationRefused([f"{file}{each}" for each in told]) from refused


def _with_entries(
    refused: ConfigurationRefused, configuration: Configuration | None
) -> Iterator[str]:
    """With the entry of each custom line item, so that its line can be told."""
    entries = {
        str(each): f"custom_line_items[{configuration.custom_line_items.index(each.item)}]"
        for each in refused.of_items
        if configuration and each.item in configuration.custom_line_items
    }
    for problem in refused.problems:
        entry = entries.get(problem, "custom_line_items")
        yield problem.replace("custom_line_items", entry, 1)


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
