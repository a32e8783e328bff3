"""The commands of documents: issue approved drafts, write documents to files."""

from datetime import UTC, date
from pathlib import Path
from typing import Annotated

import typer

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from invoices.render import FORMATS, render
from jobs.environment import Environment
from jobs.runs import engine
from kernel.errors import BadInput, Refused
from kernel.file_names import file_name
from service.actions.billing.issue_day import Override
from service.actions.billing.request_run import request_issuing
from service.cli import output
from service.cli.application import EXIT_BAD_INPUT, EXIT_FINDING
from service.cli.billing import outcomes
from service.cli.billing.invoices import invoice_json, invoices_in_order, print_invoices
from service.cli.billing.left_overs import finish_left_over_runs
from service.cli.billing.outcomes import PayerOutcome
from service.cli.billing.payers import each_payer, payers_of, payers_without_charges
from service.cli.billing.proofs import print_findings
from service.cli.folders import write_inside
from service.cli.installation import ACTOR
from service.cli.opening import opened
from service.cli.options import AsJson, By, ForClient, Payer, Period
from service.cli.output import Report
from service.cli.progress import progress
from service.store.billing import documents, invoices
from service.store.billing.invoices import UNISSUED
from service.store.runs import Run


def issue(
    period: Period,
    client: ForClient = None,
    payer: Payer = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="YYYY-MM-DD", help="The date of issue: today.")
    ] = None,
    allow_unfinalized: Annotated[
        bool, typer.Option("--allow-unfinalized", help="Although AWS may still change the month.")
    ] = False,
    override: Annotated[
        str, typer.Option("--override", metavar="REASON", help="Why that day is right after all.")
    ] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Number the approved invoices, freeze them, and render their documents."""
    with opened() as environment:
        finish_left_over_runs(environment)
        issued_on = _day(on) if on else _today(environment)
        with progress() as report:
            try:
                results = issue_payers(
                    environment,
                    period,
                    payer,
                    client=client,
                    issued_on=issued_on,
                    allow_unfinalized=allow_unfinalized,
                    override=Override(override, by) if override.strip() else None,
                    report=report,
                )
            except engine.RunFailed as failed:
                output.complain(str(failed))
                raise typer.Exit(EXIT_FINDING) from failed
        idle = payers_without_charges(environment.database, period) if payer is None else ()
        with environment.database.transaction() as session:
            standing = invoices_in_order(
                invoices.invoices_of(session, period, payer_account_id=payer, client=client)
            )
    told = outcomes.in_order(
        [*map(_issued, results, results.values()), *outcomes.without_charges(idle, period)]
    )
    if as_json:
        shown = {"invoices": [invoice_json(record) for record in standing]}
        output.print_json(shown | {"payers": [each.to_json() for each in told]})
    else:
        print_invoices(f"{period}: invoices", standing)
        outcomes.print_outcomes(period, told)
    print_findings(
        [each for run in results.values() if isinstance(run, Run) for each in run.findings]
    )
    outcomes.complain_of_refused(told)
    outcomes.exit_by_the_worst(told)


def _issued(payer: AccountId, result: Run | Refused) -> PayerOutcome:
    if isinstance(result, Run):
        numbers = result.outcome("number")["numbers"]
        return outcomes.done(payer, result.findings, f"{len(numbers)} issued")
    is_finding = isinstance(result, engine.RunFailed)
    return outcomes.refused(payer, result, EXIT_FINDING if is_finding else EXIT_BAD_INPUT)


def issue_payers(
    environment: Environment,
    period: BillingPeriod,
    payer: str | None,
    *,
    client: str | None,
    issued_on: date,
    allow_unfinalized: bool,
    override: Override | None = None,
    report: Report,
) -> dict[AccountId, Run | Refused]:
    """The finished runs, by payer, or why there is none. Of a single payer that is raised."""

    def issue_one(each: AccountId) -> Run:
        with environment.database.transaction() as session:
            run_id = request_issuing(
                session,
                each,
                period,
                client=client,
                issued_on=issued_on,
                allow_unfinalized=allow_unfinalized,
                override=override,
                actor=ACTOR,
                now=environment.now(),
            )
        return engine.follow(environment, run_id, report)

    return each_payer(payers_of(environment.database, period, payer), issue_one)


def _today(environment: Environment) -> date:
    """By the database's clock, which also bounds it."""
    with environment.database.transaction() as session:
        return documents.database_now(session).astimezone(UTC).date()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"--on: {text!r} is no day; write it as YYYY-MM-DD") from error


def export(
    period: Period,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")],
    formats: Annotated[
        str, typer.Option("--format", metavar="LIST", help=f"Of {','.join(FORMATS)}.")
    ] = ",".join(FORMATS),
    client: ForClient = None,
    payer: Payer = None,
    drafts: Annotated[
        bool, typer.Option("--drafts", help="What is not issued yet instead, marked as such.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the month's issued documents to files, as they were rendered at issue."""
    write = export_drafts if drafts else export_documents
    with opened() as environment, progress() as report:
        written = write(
            environment,
            period,
            payer,
            client=client,
            formats=_formats(formats),
            out=out,
            report=report,
        )
    if as_json:
        output.print_json({"files": [str(path) for path in written]})
    else:
        output.say(f"{len(written)} files in {out / str(period)}")


def _formats(text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for each in wanted:
        if each not in FORMATS:
            raise BadInput(f"--format: there is no {each!r}; there are {', '.join(FORMATS)}")
    return wanted


def export_documents(
    environment: Environment,
    period: BillingPeriod,
    payer: str | None,
    *,
    client: str | None,
    formats: tuple[str, ...],
    out: Path,
    report: Report,
) -> list[Path]:
    """`<out>/<period>/<client key>/<number>.<format>`. Raises BadInput if none is issued."""
    written: list[Path] = []
    with environment.database.transaction() as session:
        issued = [
            each
            for account in payers_of(environment.database, period, payer)
            for each in documents.issued_documents(session, account, period)
            if client in {None, each.client}
        ]
        if not issued:
            raise BadInput(f"nothing of {period} is issued yet: approve and issue it first")
        for done, each in enumerate(issued):
            report("writing documents", done, len(issued))
            for extension in formats:
                file = documents.document_file(session, each.id, extension)
                if file is None:
                    raise BadInput(
                        f"{each.number} has no {extension} yet: its run is not finished; "
                        f"`rebill issue --period {period}` or a worker finishes it"
                    )
                # Prefixes such as `2026/` are part of a number, but no folder.
                name = file_name(each.number.replace("/", "-"), ending=f".{extension}")
                place = (file_name(str(period)), file_name(each.client), name)
                written.append(write_inside(out, *place, content=file.content))
    return written


def export_drafts(
    environment: Environment,
    period: BillingPeriod,
    payer: str | None,
    *,
    client: str | None,
    formats: tuple[str, ...],
    out: Path,
    report: Report,
) -> list[Path]:
    """`<out>/<period>/<client key>/draft-<id>.<format>`. Raises BadInput if there is none."""
    with environment.database.transaction() as session:
        found = invoices.invoices_of(
            session, period, payer_account_id=payer, client=client, states=UNISSUED
        )
    if not found:
        raise BadInput(f"there is no draft of {period}: bill it first, or leave out --drafts")
    written: list[Path] = []
    for done, record in enumerate(found):
        report("writing drafts", done, len(found))
        with environment.database.transaction() as session:
            draft = invoices.document(session, record.id)
        for extension in formats:
            name = file_name(f"draft-{record.id}", ending=f".{extension}")
            place = (file_name(str(period)), file_name(record.client), name)
            written.append(write_inside(out, *place, content=render(draft, extension)))
    return written
