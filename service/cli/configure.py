"""The commands of configuration: apply a file, prepare the database, make an API key."""

from pathlib import Path
from typing import Annotated

import typer

from kernel.errors import BadInput
from service.actions.access.create_api_key import create_api_key
from service.actions.billing.apply_configuration import apply_configuration
from service.cli import output
from service.cli.application import app
from service.cli.opening import ACTOR, AsJson, ForClient, opened
from service.configuration.reading import read_configuration
from service.store.access.keys import Scope

database_app = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(database_app, name="db")
key_app = typer.Typer(help="API keys.", no_args_is_help=True)
app.add_typer(key_app, name="key")


@app.command()
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
    with opened() as environment, environment.database.transaction() as session:
        changes = apply_configuration(session, configuration, actor=ACTOR, now=environment.now())
    if as_json:
        changed = [{"subject": c.subject, "before": c.before, "after": c.after} for c in changes]
        output.print_json({"changes": changed})
        return
    for change in changes:
        output.say(str(change))
    output.say(f"{len(changes)} changes" if changes else "nothing changes")


@database_app.command()
def upgrade() -> None:
    """Bring the database's tables to this version (every other command does so, too)."""
    with opened():
        output.say("the database is up to date")


@key_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what will use it.")],
    scopes: Annotated[
        str, typer.Option("--scopes", metavar="LIST", help=f"Of {','.join(Scope)}.")
    ] = Scope.READ,
    client: ForClient = None,
) -> None:
    """Make an API key and print it, this once; `--client` binds it to one client's documents."""
    try:
        wanted = [Scope(part.strip()) for part in scopes.split(",")]
    except ValueError as error:
        raise BadInput(f"--scopes: {error}; there are {', '.join(Scope)}") from error
    with opened() as environment, environment.database.transaction() as session:
        key = create_api_key(
            session, name, scopes=wanted, client=client, actor=ACTOR, now=environment.now()
        )
    output.say(key)
