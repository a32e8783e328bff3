"""The command that writes an evidence pack, of a month or of one invoice."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from jobs.evidence.chains import CheckpointPlace
from jobs.evidence.contents import invoice_pack, month_pack
from jobs.evidence.packing import write_pack
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.cli.billing.payers import payers_to_prove
from service.cli.installation import open_installation
from service.cli.options import AsJson, Payer, Period
from service.settings import read_settings
from service.store.archive.proof import DamagedDocuments
from service.store.session import look_at_one_instant


def evidence(
    period: Period,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The ZIP to write.")],
    invoice: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Of this one, for its client: nothing of others."),
    ] = None,
    payer: Payer = None,
    as_json: AsJson = False,
) -> None:
    """Write what a month or an invoice is proven by, as a ZIP that a stranger can verify."""
    outside, made_by = checkpoint_place(), version("rebill")
    with open_installation() as installation:
        database = installation.database
        payers = [payer] if payer is not None else payers_to_prove(database, period)
        try:
            with database.transaction() as session:
                look_at_one_instant(session)
                contents = (
                    month_pack(session, period, payers, outside, version=made_by)
                    if invoice is None
                    else invoice_pack(session, period, invoice, outside, version=made_by)
                )
        except DamagedDocuments as damaged:
            output.complain(str(damaged))
            raise typer.Exit(EXIT_FINDING) from damaged
    write_pack(out, contents)
    has_checkpoint = any(name.startswith("checkpoints/") for name in contents)
    if as_json:
        shown = {"file": str(out), "files": sorted(contents), "checkpoint": has_checkpoint}
        output.print_json(shown)
    else:
        output.say(f"{out}: {len(contents)} files; how to verify it is in its README.txt")
    if not has_checkpoint:
        output.note(
            "no checkpoint saw these documents: the pack proves that they fit each other, and not "
            "that the database was never written anew (REBILL_CHECKPOINT_TO, `rebill checkpoint`)"
        )


def checkpoint_place() -> CheckpointPlace | None:
    """Where the settings say that checkpoints are, and their public key; None where they do not."""
    settings = read_settings()
    if settings.checkpoint_to is None or settings.checkpoint_key is None:
        return None
    key = settings.checkpoint_key
    return CheckpointPlace(settings.checkpoint_to, key.with_name(f"{key.name}.pub"))
