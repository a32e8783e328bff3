"""The commands of backups: make one, and bring one back."""

from typing import Annotated

import typer

from jobs.backups.making import Installed, back_up
from jobs.backups.places import place_of
from jobs.backups.restoring import restore as bring_back
from kernel.errors import BadInput
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.cli.installation import ACTOR
from service.cli.opening import opened
from service.cli.options import AsJson
from service.cli.progress import progress
from service.clock import system_clock
from service.settings import read_settings, usable_settings
from service.store.address import find_database

To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="PLACE", help="A folder or s3://bucket/prefix; else REBILL_BACKUP_TO."
    ),
]
Keep = Annotated[
    int | None,
    typer.Option("--keep", min=1, help="How many whole backups stay there; else all of them."),
]
From = Annotated[
    str, typer.Option("--from", metavar="PLACE", help="A folder or s3://bucket/prefix.")
]
Name = Annotated[
    str | None,
    typer.Option("--backup", metavar="NAME", help="Which one, by its name; else the latest."),
]


def backup(to: To = None, keep: Keep = None, as_json: AsJson = False) -> None:
    """Copy the database and the snapshots of one instant to a folder or a bucket."""
    place = place_of(_place(to))
    with opened() as environment, progress() as report:
        source = Installed(environment.database, environment.snapshots, environment.cache)
        made = back_up(source, place, keep=keep, actor=ACTOR, now=environment.now(), report=report)
    where = place.describe(made.name)
    if as_json:
        output.print_json({
            "backup": made.name, "place": where, "documents": made.documents,
            "snapshots": len(made.snapshots), "not_kept": list(made.not_kept),
            "unproven": list(made.unproven),
            "bytes": sum(each.size for each in made.files.values()),
        })  # fmt: skip
    else:
        output.say(f"{where}: {made.documents} documents, {len(made.snapshots)} snapshots")
    for words in made.warnings():
        output.complain(words)
    if made.warnings():
        raise typer.Exit(EXIT_FINDING)


def restore(place: From, name: Name = None, as_json: AsJson = False) -> None:
    """Bring a backup back into an empty home or database, checked before anything is written."""
    settings = usable_settings()
    source = place_of(place)
    address = find_database(settings.database_url, settings.home)
    try:
        with progress() as report:
            restored = bring_back(
                address, settings.home, source, name,
                actor=ACTOR, now=system_clock(), report=report,
            )  # fmt: skip
    finally:
        address.release()
    made = restored.manifest
    if as_json:
        output.print_json({
            "backup": made.name, "made_at": made.made_at.isoformat(),
            "documents": restored.proven.documents, "files": restored.proven.files,
            "snapshots": len(made.snapshots), "not_kept": list(made.not_kept),
            "unproven": list(made.unproven),
            "last_ordinals": dict(made.last_ordinals),
        })  # fmt: skip
        return
    output.say(
        f"restored {source.describe(made.name)}: {restored.proven.documents} documents, "
        f"their {restored.proven.files} files and {len(made.snapshots)} snapshots are as they were"
    )
    for series, ordinal in made.last_ordinals.items():
        output.say(
            f"series {series}: the next number is {ordinal + 1}; if it was sent to a client "
            "already, issue nothing, and restore a later backup"
        )


def _place(to: str | None) -> str:
    place = to or read_settings().backup_to
    if place is None:
        raise BadInput("say where to with --to, or set REBILL_BACKUP_TO")
    return place
