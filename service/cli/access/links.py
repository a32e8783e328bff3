"""The command of links: what teams take into their password managers, profiles and browsers."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from accounts.links.link_files import FORMATS, ExportFile, granted_registry
from kernel.errors import BadInput
from service.actions.access.export_links import export_links
from service.cli import output
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
        output.write(one_stream(link_format, files))
        return
    for file in files:
        _write(out / file.name, file.text)
    if link_format == "granted":
        _write(out / "granted.yml", granted_registry(files))
    output.say(f"{len(files)} files in {out}")


def one_stream(link_format: str, files: Sequence[ExportFile]) -> str:
    """Files of several teams as one that is still of its format."""
    if link_format == "bitwarden-json":
        return _one_json([json.loads(file.text) for file in files])
    if files and files[0].name.endswith(".csv"):
        return _one_csv([file.text for file in files])
    return "\n".join(file.text for file in files)


def _one_json(documents: list[dict[str, list[object]]]) -> str:
    whole: dict[str, object] = {
        name: [each for document in documents for each in document[name]]
        for name in ("collections", "items")
    }
    whole = {"encrypted": False, **whole}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _one_csv(texts: list[str]) -> str:
    """The header once."""
    tables = [list(csv.reader(io.StringIO(text, newline=""))) for text in texts]
    out = io.StringIO(newline="")
    rows = [tables[0][0], *(row for table in tables for row in table[1:])]
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error}") from error
