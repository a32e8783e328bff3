"""The commands that make API keys, replace and revoke them."""

from typing import Annotated

import typer

from kernel.errors import BadInput
from service.actions.access.create_api_key import create_api_key
from service.actions.access.end_api_key import prefix_of, revoke_api_key, rotate_api_key
from service.cli import output
from service.cli.installation import open_installation
from service.cli.options import By, ForClient
from service.store.access.keys import Scope

The = Annotated[
    str, typer.Argument(metavar="PREFIX", help="The 12 digits behind `rb_`, as `list` shows them.")
]


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what will use it.")],
    scopes: Annotated[
        str, typer.Option("--scopes", metavar="LIST", help=f"Of {','.join(Scope)}.")
    ] = Scope.READ,
    client: ForClient = None,
    days: Annotated[
        int | None, typer.Option("--days", metavar="N", help="It ends by itself after so many.")
    ] = None,
    by: By = "",
) -> None:
    """Make an API key and print it, this once; `--client` binds it to one client's documents."""
    try:
        wanted = [Scope(part.strip()) for part in scopes.split(",")]
    except ValueError as error:
        raise BadInput(f"--scopes: {error}; there are {', '.join(Scope)}") from error
    with open_installation() as installation, installation.database.transaction() as session:
        key = create_api_key(
            session,
            name,
            scopes=wanted,
            client=client,
            days=days,
            actor=by,
            now=installation.now(),
        )
    output.say(key)


def rotate(
    which: The,
    overlap: Annotated[
        int, typer.Option("--overlap", metavar="HOURS", help="So long the old one opens; 0: not.")
    ] = 24,
    by: By = "",
) -> None:
    """Replace an API key by one that may the same, and print it, this once."""
    with open_installation() as installation, installation.database.transaction() as session:
        key = rotate_api_key(
            session, prefix_of(which), overlap_hours=overlap, actor=by, now=installation.now()
        )
    output.say(key)


def revoke(which: The, by: By = "") -> None:
    """Take an API key back: it opens nothing from the next request on."""
    with open_installation() as installation, installation.database.transaction() as session:
        ended = revoke_api_key(session, prefix_of(which), actor=by, now=installation.now())
    output.say(f"{ended.prefix} ({ended.name}) is revoked")
