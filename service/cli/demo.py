"""The demo: a pretend payer's two months, from the export on S3 to every client's invoice."""

import json
import os
import shutil
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from invoices.clients import AccountId
from invoices.money import exact_sum, from_minor
from invoices.periods import BillingPeriod
from invoices.reconciliation import Reconciliation
from invoices.render import FORMATS
from jobs import runs
from jobs.environment import Environment
from sandbox import bills
from sandbox.bills import Simulation, Written
from sandbox.server import SandboxAWS, upload
from service.actions.apply_configuration import apply_configuration
from service.actions.approve_drafts import approve_drafts
from service.actions.create_api_key import create_api_key
from service.actions.request_run import request_ingest
from service.cli import output
from service.cli.application import EXIT_FINDING, app
from service.cli.demo_configuration import demo_configuration
from service.cli.documents import export_documents, issue_payers
from service.cli.estimate import estimate_json
from service.cli.month import bill_payers
from service.cli.opening import opened
from service.cli.serve import run_server
from service.configuration import read_configuration
from service.errors import Refused
from service.store import invoices, months, sellers
from service.store.keys import Scope

SIMULATION = Simulation(seed=2018, accounts=44, months=2, rows=24_000, start="2026-09")
ACTOR = "demo"
PORT = 8000

KEYS: dict[str, tuple[Scope, ...]] = {
    "admin": tuple(Scope),
    "finance": (Scope.READ, Scope.OPERATE),
    "approver": (Scope.READ, Scope.APPROVE),
    "onboarding": (Scope.READ, Scope.ONBOARD),
    "viewer": (Scope.READ,),
}


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the documents go.")] = (
        Path("demo-output")
    ),
    serve: Annotated[bool, typer.Option("--serve", help="Keep the API up afterwards.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65_535)] = PORT,
) -> None:
    """Bill a pretend payer's two months end to end, into a folder of documents."""
    out.mkdir(parents=True, exist_ok=True)
    organization = SIMULATION.organization()
    payer = AccountId(organization.payer.id)
    with opened() as environment:
        _refuse_real_data(environment, payer)
        with output.progress() as report:
            proofs = _bill_all(environment, payer, out, report)
        _write_credentials(environment, out, port)
        _print_summary(environment, proofs, out)
        if serve:
            run_server(environment, host="127.0.0.1", port=port)
    if not all(proof.closes for proof in proofs):
        raise typer.Exit(EXIT_FINDING)


def _refuse_real_data(environment: Environment, payer: AccountId) -> None:
    with environment.database.transaction() as session:
        others = [each.account_id for each in sellers.payer_accounts(session)]
    if set(others) - {payer}:
        raise Refused(
            "this installation has payers of its own: set REBILL_HOME to an empty folder for the "
            "demo, so that pretend money does not mix with theirs"
        )


def _bill_all(
    environment: Environment, payer: AccountId, out: Path, report: output.Report
) -> list[Reconciliation]:
    """Every month in order: the export on the sandbox's S3, then the operator's commands."""
    report("inventing an AWS organization and its bills", 0, 0)
    exports = out / "aws"
    shutil.rmtree(exports, ignore_errors=True)
    written = bills.simulate(SIMULATION, exports)
    invented = (exports / "rebill.yaml").read_text(encoding="utf-8")
    periods = tuple(str(month) for month in SIMULATION.periods())
    names = {account.id: account.name for account in SIMULATION.organization().accounts}
    configuration = demo_configuration(invented, account_names=names, periods=periods)
    (out / "billing.yaml").write_text(configuration, encoding="utf-8")
    with environment.database.transaction() as session:
        apply_configuration(
            session, read_configuration(configuration), actor=ACTOR, now=environment.now()
        )
    month_bills = [SIMULATION.bill(month) for month in SIMULATION.periods()]
    with SandboxAWS(month_bills) as aws:
        _point_boto3_at(aws)
        upload(exports, aws.client("s3"))
        return [_bill_month(environment, payer, export, out, report) for export in written]


def _point_boto3_at(aws: SandboxAWS) -> None:
    """For this process, which has no business with the real one."""
    os.environ.update(
        AWS_ENDPOINT_URL=aws.endpoint_url,
        AWS_ACCESS_KEY_ID="sandbox",
        AWS_SECRET_ACCESS_KEY="sandbox",  # noqa: S106 - the sandbox accepts anything
        AWS_DEFAULT_REGION="us-east-1",
    )
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)


def _bill_month(
    environment: Environment, payer: AccountId, export: Written, out: Path, report: output.Report
) -> Reconciliation:
    period = BillingPeriod.parse(export.period)
    with environment.database.transaction() as session:
        run_id = request_ingest(
            session,
            payer,
            period,
            location=f"s3://{export.bucket}/{export.export_prefix}",
            dialect="auto",
            actor=ACTOR,
            now=environment.now(),
        )
    runs.follow(environment, run_id, report)
    estimate_json(environment, payer, period)
    bill_payers(environment, period, payer, report)
    with environment.database.transaction() as session:
        approve_drafts(session, period, payer_account_id=payer, actor=ACTOR, now=environment.now())
    issue_payers(
        environment,
        period,
        payer,
        client=None,
        issued_on=_issue_day(period),
        allow_unfinalized=False,
        report=report,
    )
    export_documents(
        environment, period, payer, client=None, formats=FORMATS, out=out, report=report
    )
    with environment.database.transaction() as session:
        proof = months.reconciliation(session, payer, period)
    _write_json(out / str(period) / "reconciliation.json", proof.to_json())
    return proof


def _issue_day(period: BillingPeriod) -> date:
    """AWS's bills are final by then; a fixed day gives the same bytes on every machine."""
    return period.next.start.replace(day=6)


def _write_credentials(environment: Environment, out: Path, port: int) -> None:
    """Throw-away keys, made anew by each demo; `client:<key>` sees that client's documents only."""
    with environment.database.transaction() as session:
        clients = sorted({each.client for each in invoices.invoices_of(session)})
        make = partial(create_api_key, session, actor=ACTOR, now=environment.now())
        made = {role: make(f"demo {role}", scopes=scopes) for role, scopes in KEYS.items()}
        for key in clients:
            made[f"client:{key}"] = make(f"demo {key}", scopes=(Scope.READ,), client=key)
    content = {"base_url": f"http://127.0.0.1:{port}", "keys": made, "logins": {}}
    path = out / "credentials.json"
    path.touch(mode=0o600)
    _write_json(path, content)


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _print_summary(environment: Environment, proofs: list[Reconciliation], out: Path) -> None:
    with environment.database.transaction() as session:
        issued = {
            (record.client, record.period): record
            for record in invoices.invoices_of(session)
            if record.number
        }
    for proof in proofs:
        rows = []
        for client in proof.clients:
            record = issued[client.client, proof.period]
            total = from_minor(record.total_minor, record.currency)
            figures = (client.cost, client.price, client.price - client.cost)
            row = (client.client, record.number, *(f"{figure:,.2f}" for figure in figures))
            rows.append((*row, f"{total:,} {record.currency}"))
        columns = ("client", "invoice", "cost USD>", "price USD>", "margin USD>", "total with tax>")
        output.print_table(f"{proof.period}", columns, rows)
        output.say(_equation(proof))
    output.say(f"documents:      {out}/<period>/<client>/<invoice>.pdf, .csv, .xlsx, .json")
    output.say(f"the proof:      {out}/<period>/reconciliation.json")
    output.say(f"the AWS bill:   {out}/aws, with its exact totals in truth.json")
    output.say(f"configuration:  {out}/billing.yaml")
    output.say(f"API keys:       {out}/credentials.json (throw-away: use them with --serve)")


def _equation(proof: Reconciliation) -> str:
    """The month in one sum, exact."""
    terms = [("the clients' cost", exact_sum(client.cost for client in proof.clients))]
    terms += [(f"retained: {reason}", amount) for reason, amount in proof.retained.items()]
    terms += [("unassigned", proof.unassigned), ("what AWS asks", proof.payer_total)]
    places = max(-int(amount.as_tuple().exponent) for _, amount in terms)
    shown = [(f"{amount:,.{places}f}", what) for what, amount in terms]
    width = max(len(amount) for amount, _ in shown)
    lines = [f"  {amount:>{width}}  {what}" for amount, what in shown]
    lines.insert(-1, "  " + "-" * width)
    verdict = "It closes." if proof.closes else "It does not close."
    return "\n".join([f"In {proof.currency}, to the last digit:", *lines, f"  {verdict}", ""])
