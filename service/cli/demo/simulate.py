"""The command that invents AWS bills: the sandbox's generator, with the truth beside."""

from pathlib import Path
from typing import Annotated

import typer

from kernel.errors import BadInput
from sandbox import bills
from sandbox.bills import BillStage, Discounts, Encoding, ExportDialect, Layout, Simulation
from service.cli import output
from service.cli.progress import progress
from service.cli.tables import print_table


def simulate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A folder per bucket.")],
    accounts: Annotated[int, typer.Option(min=1, max=20_000, help="Member accounts.")] = 40,
    months: Annotated[int, typer.Option(min=1, max=36, help="Billing periods.")] = 1,
    rows: Annotated[int, typer.Option(min=1, help="About so many line items a month.")] = 20_000,
    formats: Annotated[
        str, typer.Option("--format", metavar="LIST", help="Of legacy, cur2, focus.")
    ] = ExportDialect.CUR2,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal bytes.")] = 1,
    start: Annotated[str, typer.Option(metavar="YYYY-MM", help="The first period.")] = "2026-09",
    encoding: Annotated[Encoding, typer.Option(help="How the files are written.")] = (
        Encoding.PARQUET
    ),
    discounts: Annotated[
        Discounts, typer.Option(help="Discounts as rows, or as columns (FOCUS: always columns).")
    ] = Discounts.ROWS,
    layout: Annotated[Layout, typer.Option(help="How AWS arranges refreshes.")] = Layout.OVERWRITE,
    stage: Annotated[
        BillStage, typer.Option(help="The month unfinalised, finalised, or restated later.")
    ] = BillStage.FINAL,
    files: Annotated[int, typer.Option(min=1, max=1000, help="Files per export.")] = 1,
) -> None:
    """Invent an AWS organization and bill it as AWS would, exactly, as exports on disk."""
    simulation = Simulation(
        seed=seed,
        accounts=accounts,
        months=months,
        rows=rows,
        start=start,
        discounts=discounts,
        formats=_dialects(formats),
        encoding=encoding,
        layout=layout,
        stage=stage,
        files=files,
    )
    with progress() as report:
        written = bills.simulate(simulation, out, lambda what: report(what, 0, 0))
    columns = ("period", "dialect", "rows>", "export", "manifest")
    rows_written = [
        (w.period, w.dialect, f"{w.rows:,}", f"{w.bucket}/{w.export_prefix}", w.manifest_key)
        for w in written
    ]
    print_table(f"Exports in {out}", columns, rows_written)
    output.say(f"exact totals: {out / 'truth.json'}")
    output.say(f"a configuration to try: {out / 'rebill.yaml'}")


def _dialects(text: str) -> tuple[ExportDialect, ...]:
    asked = [part.strip() for part in text.split(",")]
    unknown = [part for part in asked if part not in set(ExportDialect)]
    if unknown:
        raise BadInput(
            f"--format: {unknown[0]!r} is no dialect; there are {', '.join(ExportDialect)}"
        )
    return tuple(map(ExportDialect, asked))
