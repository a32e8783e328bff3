"""The command of configuration: apply a file."""

from pathlib import Path
from typing import Annotated

import typer

from kernel.errors import BadInput
from service.actions.billing.apply_configuration import apply_configuration
from service.cli import output
from service.cli.installation import ACTOR, open_installation
from service.cli.options import AsJson
from service.configuration.reading import read_configuration


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML configuration file.")],
    as_json: AsJson = False,
) -> None:
    """Make the store say what a configuration file says; applied twice it changes nothing."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    configuration = read_configuration(text)
    with open_installation() as installation, installation.database.transaction() as session:
        changes = apply_configuration(session, configuration, actor=ACTOR, now=installation.now())
    if as_json:
        changed = [{"subject": c.subject, "before": c.before, "after": c.after} for c in changes]
        output.print_json({"changes": changed})
        return
    for change in changes:
        output.say(str(change))
    output.say(f"{len(changes)} changes" if changes else "nothing changes")
