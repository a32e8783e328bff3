"""The command of links: what teams take into their password managers, profiles and browsers."""

from pathlib import Path
from typing import Annotated

import typer

from accounts.links.link_files import FORMATS, granted_registry
from accounts.links.streams import one_stream
from kernel.file_names import file_name
from service.actions.access.export_links import export_links
from service.cli import output
from service.cli.folders import write_inside
from service.cli.installation import open_installation


def links(
    link_format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"Of {', '.join(FORMATS)}.")
    ],
    team: Annotated[str, typer.Option("--team", help="This team's only.")] = "",
    user: Annotated[
        str, typer.Option("--user", help="Your IAM user's name, for AWS profiles.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A file per team, not one stream.")
    ] = None,
) -> None:
    """Print links and profiles from the grants; they are no credentials."""
    with open_installation() as installation, installation.database.transaction() as session:
        files = export_links(session, link_format, team=team, user=user)
    if out is None:
        output.write(one_stream(link_format, [file.text for file in files]))
        return
    for file in files:
        write_inside(out, *file.folders, file.base, content=file.text)
    if link_format == "granted":
        write_inside(out, file_name("granted.yml"), content=granted_registry(files))
    output.say(f"{len(files)} files in {out}")
