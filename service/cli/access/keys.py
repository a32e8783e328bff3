"""The command of API keys: make one."""

from typing import Annotated

import typer

from kernel.errors import BadInput
from service.actions.access.create_api_key import create_api_key
from service.cli import output
from service.cli.installation import ACTOR, open_installation
from service.cli.options import ForClient
from service.store.access.keys import Scope


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
    with open_installation() as installation, installation.database.transaction() as session:
        key = create_api_key(
            session, name, scopes=wanted, client=client, actor=ACTOR, now=installation.now()
        )
    output.say(key)
