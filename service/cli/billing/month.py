"""The commands of figures: take in an export, bill the month, prove it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from invoices.reconciliation import Reconciliation
from jobs.control_file import read_control_file
from jobs.environment import Environment
from jobs.estimates import cost_explorer
from jobs.reconciliation import reconcile as proven
from jobs.runs import engine
from kernel.errors import Refused
from kernel.findings import Finding
from service.actions.billing.request_run import request_billing, request_ingest
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.cli.billing import outcomes
from service.cli.billing.invoices import invoice_json, invoices_in_order, print_invoices
from service.cli.billing.left_overs import finish_left_over_runs
from service.cli.billing.outcomes import PayerOutcome
from service.cli.billing.payers import (
    each_payer,
    one_payer,
    payers_of,
    payers_to_prove,
    payers_without_charges,
)
from service.cli.billing.proofs import print_findings, print_reconciliation, stop_at_critical
from service.cli.installation import ACTOR
from service.cli.opening import opened
from service.cli.options import AsJson, Payer, Period, ThePayer
from service.cli.output import Report
from service.cli.progress import progress
from service.cli.tables import print_table
from service.store.billing import invoices
from service.store.billing.invoices import InvoiceRecord
from service.store.runs import Run


def ingest(
    location: Annotated[str, typer.Argument(help="s3://…, a folder, a manifest or a file.")],
    period: Period,
    payer: ThePayer,
    dialect: Annotated[str, typer.Option(help="auto, legacy, cur2 or focus.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Take in an AWS export: its charges become the month's."""
    with opened() as environment, progress() as report:
        finish_left_over_runs(environment)
        with environment.database.transaction() as session:
            run_id = request_ingest(
                session,
                payer,
                period,
                location=_absolute(location),
                dialect=dialect,
                actor=ACTOR,
                now=environment.now(),
            )
        run = engine.follow(environment, run_id, report)
    facts = run.outcome("read")
    if as_json:
        output.print_json(facts)
    else:
        _print_ingested(facts)
    print_findings(run.findings)
    stop_at_critical(run.findings)


def _absolute(location: str) -> str:
    """A worker may run in another folder."""
    return location if "://" in location else str(Path(location).resolve())


def _print_ingested(facts: Any) -> None:
    sums, unanswerable = facts["sums"], facts["unanswerable"]
    rows = [(name, sums[name], "no" if name in unanswerable else "yes") for name in sums]
    title = f"{facts['period']}: {facts['rows']:,} rows of {facts['dialect']}"
    others = facts.get("other_currencies", [])
    total = f"{facts['currency']}>" if others else "total>"
    print_table(title, ("cost basis", total, "can be billed by"), rows)
    for other in others:
        title = f"{other['rows']:,} of these rows are in {other['currency'] or 'no currency'}"
        head = f"{other['currency'] or 'total'}>"
        print_table(title, ("cost basis", head), [*other["sums"].items()])
    for name, why in [*unanswerable.items(), *facts["unmatchable"].items()]:
        output.say(f"{name}: {why}")
    state = "final" if facts["finalized"] else "not final: AWS has not invoiced all of it yet"
    output.say(f"snapshot {facts['snapshot']} ({state})")


def bill(period: Period, payer: Payer = None, as_json: AsJson = False) -> None:
    """Allocate and price the month's charges, and draft an invoice for each client."""
    with opened() as environment:
        finish_left_over_runs(environment)
        with progress() as report:
            results = bill_payers(environment, period, payer, report)
        finished = [each for each in results.values() if isinstance(each, Run)]
        idle = payers_without_charges(environment.database, period) if payer is None else ()
        with environment.database.transaction() as session:
            drafts = invoices_in_order(
                record
                for run in finished
                for record in invoices.invoices_of(
                    session, period, payer_account_id=run.payer_account_id
                )
            )
    findings = [finding for run in finished for finding in run.findings]
    told = outcomes.in_order(
        [*map(_billed, results, results.values()), *outcomes.without_charges(idle, period)]
    )
    if as_json:
        output.print_json(_billed_json(period, finished, drafts, told))
    else:
        print_invoices(f"{period}: invoices", drafts)
        outcomes.print_outcomes(period, told)
    print_findings(findings)
    outcomes.complain_of_refused(told)
    outcomes.exit_by_the_worst(told)


def bill_payers(
    environment: Environment, period: BillingPeriod, payer: str | None, report: Report
) -> dict[AccountId, Run | Refused]:
    """The finished runs, one for each payer that has charges of the period, or why there is none.

    Of a single payer, the reason is raised.
    """

    def bill_one(each: AccountId) -> Run:
        with environment.database.transaction() as session:
            run_id = request_billing(session, each, period, actor=ACTOR, now=environment.now())
        return engine.follow(environment, run_id, report)

    return each_payer(payers_of(environment.database, period, payer), bill_one)


def _billed(payer: AccountId, result: Run | Refused) -> PayerOutcome:
    if isinstance(result, Refused):
        return outcomes.refused(payer, result)
    drafts = result.outcome("drafts")
    what = f"{len(drafts['drafted'])} drafted, {len(drafts['unchanged'])} unchanged"
    return outcomes.done(payer, result.findings, what)


def _billed_json(
    period: BillingPeriod,
    finished: list[Run],
    drafts: list[InvoiceRecord],
    told: list[PayerOutcome],
) -> dict[str, Any]:
    figures = {run.payer_account_id: run.outcome("drafts") for run in finished}
    return {
        "period": str(period),
        "payers": [each.to_json() | {**figures.get(each.payer_account_id, {})} for each in told],
        "invoices": [invoice_json(record) for record in drafts],
        "findings": [_finding_json(finding) for run in finished for finding in run.findings],
    }


def _finding_json(finding: Finding) -> dict[str, str]:
    return {
        "severity": finding.severity,
        "code": finding.code,
        "where": finding.where,
        "message": finding.message,
        "client": finding.client,
    }


def reconcile(
    period: Period,
    payer: Payer = None,
    ask: Annotated[
        bool, typer.Option("--ask-aws", help="Ask Cost Explorer for control totals, at its price.")
    ] = False,
    control: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="CSV of AWS's own totals: invoice_id or account_id, amount."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The proof that the payer's bill is accounted for; exit status 1 where it is not."""
    file = None if control is None else read_control_file(control)
    with opened() as environment:
        if payer is not None or ask or file is not None:
            # AWS's own figures are of one payer.
            payers = [one_payer(environment.database, period, payer)]
        else:
            payers = payers_to_prove(environment.database, period)
        asked = cost_explorer() if ask else None

        def prove_one(each: AccountId) -> Reconciliation:
            return proven(environment, each, period, ask=asked, control=file, actor=ACTOR)

        results = each_payer(payers, prove_one)
    told = [_proved(each, result) for each, result in results.items()]
    proofs = [each for each in results.values() if isinstance(each, Reconciliation)]
    if as_json:
        output.print_json(_proofs_json(period, proofs, told))
    else:
        for proof in proofs:
            print_reconciliation(proof)
            print_findings(proof.findings)
        outcomes.print_outcomes(period, told)
    outcomes.complain_of_refused(told)
    outcomes.exit_by_the_worst(told)


def _proved(payer: AccountId, result: Reconciliation | Refused) -> PayerOutcome:
    if isinstance(result, Refused):
        return outcomes.refused(payer, result)
    if result.closes:
        return PayerOutcome(payer, "done", result.verdict)
    balance = next((each for each in result.balances if not each.closes), result.balances[0])
    waits = " ".join(each.message for each in result.waiting[:1])
    why = outcomes.done(payer, result.findings, "").why or waits or balance.open_money
    return PayerOutcome(payer, "does not close", why, EXIT_FINDING)


def _proofs_json(
    period: BillingPeriod, proofs: list[Reconciliation], told: list[PayerOutcome]
) -> dict[str, Any]:
    """Of one payer its proof, of several a list of what came of each."""
    if len(told) == 1:
        return proofs[0].to_json()
    shown = {proof.payer_account_id: proof.to_json() for proof in proofs}
    payers = [each.to_json() | shown.get(each.payer_account_id, {}) for each in told]
    return {"period": str(period), "payers": payers}
