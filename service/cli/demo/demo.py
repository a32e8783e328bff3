"""The demo: a pretend payer's accounts, and two months from the export to every invoice."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from accounts.model.organization import OnboardingKind
from invoices.clients import AccountId
from invoices.money import exact_sum, from_minor
from invoices.periods import BillingPeriod
from invoices.reconciliation import Reconciliation
from invoices.render import FORMATS
from jobs.environment import Environment
from jobs.runs import engine
from kernel.errors import Refused
from sandbox import bills
from sandbox.aws.reseller import ACCESS
from sandbox.bills import Simulation, Written
from sandbox.server import upload
from service.actions.access.create_api_key import create_api_key
from service.actions.access.export_links import export_links
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.approve_drafts import approve_drafts
from service.actions.billing.request_run import request_ingest
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.cli.billing.documents import export_documents, issue_payers
from service.cli.billing.estimate import estimate_json
from service.cli.billing.left_overs import finish_left_over_runs
from service.cli.billing.month import bill_payers
from service.cli.demo.configuration import demo_configuration
from service.cli.demo.onboarding import Provider, onboard_accounts
from service.cli.demo.pretend_aws import pretend_aws, serve_pretend_aws
from service.cli.folders import write_inside
from service.cli.opening import opened
from service.cli.output import Report
from service.cli.progress import progress
from service.cli.tables import print_table
from service.configuration.reading import read_configuration
from service.store.access.keys import Scope
from service.store.accounts.onboardings import Onboarding
from service.store.billing import invoices, months, sellers

SIMULATION = Simulation(seed=2018, accounts=44, months=2, rows=24_000, start="2026-09")
ACTOR = "demo"
PORT = 8000
LINK_FORMATS = ("switch-role", "aws-config", "1password", "bitwarden-json")

KEYS: dict[str, tuple[Scope, ...]] = {
    "admin": tuple(Scope),
    "finance": (Scope.READ, Scope.BILL),
    "approver": (Scope.READ, Scope.APPROVE),
    "onboarding": (Scope.READ, Scope.ONBOARD),
    "viewer": (Scope.READ,),
}


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the documents go.")] = (
        Path("demo-output")
    ),
    serve: Annotated[bool, typer.Option("--serve", help="Keep the API up afterwards.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65_535)] = PORT,
    accounts: Annotated[
        int | None,
        typer.Option(min=14, max=44, help="Fewer are sooner done.", show_default="44"),
    ] = None,
) -> None:
    """Onboard a pretend payer's accounts and bill two months, into a folder of documents."""
    out.mkdir(parents=True, exist_ok=True)
    simulation = replace(SIMULATION, accounts=accounts) if accounts else SIMULATION
    organization = simulation.organization()
    payer = AccountId(organization.payer.id)
    with opened() as environment:
        _refuse_real_data(environment, payer)
        finish_left_over_runs(environment)
        with progress() as report:
            report("inventing an AWS organization and its bills", 0, 0)
            written = _invent(simulation, out)
        with pretend_aws(environment, simulation) as (office, server):
            _configure(environment, office, simulation, out)
            with progress() as report:
                onboarded = onboard_accounts(office, organization, report)
                upload(out / "aws", office.aws.client("s3"))
                proofs = [_bill_month(environment, payer, each, out, report) for each in written]
            _write_links(environment, out / "links")
            _write_credentials(environment, out, port)
            _print_summary(environment, onboarded, proofs, out)
            if serve:
                serve_pretend_aws(environment, office, server, out, port=port)
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


def _invent(simulation: Simulation, out: Path) -> list[Written]:
    """Exports as AWS would deliver them, in a folder that mirrors S3."""
    exports = out / "aws"
    shutil.rmtree(exports, ignore_errors=True)
    return bills.simulate(simulation, exports)


def _configure(
    environment: Environment, office: Provider, simulation: Simulation, out: Path
) -> None:
    """Seller, clients, price books and the organization; no account is anybody's yet."""
    invented = (out / "aws/rebill.yaml").read_text(encoding="utf-8")
    configuration = demo_configuration(
        invented,
        onboarding=office.described,
        internal_accounts=[ACCESS],
        periods=tuple(str(month) for month in simulation.periods()),
    )
    (out / "billing.yaml").write_text(configuration, encoding="utf-8")
    with environment.database.transaction() as session:
        apply_configuration(
            session, read_configuration(configuration), actor=ACTOR, now=environment.now()
        )


def _bill_month(
    environment: Environment, payer: AccountId, export: Written, out: Path, report: Report
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
    engine.follow(environment, run_id, report)
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
    path.touch()
    path.chmod(0o600)
    _write_json(path, content)


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_links(environment: Environment, folder: Path) -> None:
    """A file per team, for AWS profiles and for password managers."""
    with environment.database.transaction() as session:
        files = [file for name in LINK_FORMATS for file in export_links(session, name)]
    for file in files:
        write_inside(folder, *file.folders, file.base, content=file.text)


def _print_summary(
    environment: Environment,
    accounts: Sequence[Onboarding],
    proofs: list[Reconciliation],
    out: Path,
) -> None:
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
        print_table(f"{proof.period}", columns, rows)
        output.say(_equation(proof))
    invited = sum(each.request.kind is OnboardingKind.INVITE for each in accounts)
    output.say(
        f"{len(accounts)} accounts were onboarded in the pretend AWS, {invited} of them invited: "
        "each role let in whom it should,\nand refused who came without MFA. "
        "`rebill onboard status` lists them, `rebill onboard status ID` every call.\n"
    )
    output.say(f"documents:      {out}/<period>/<client>/<invoice>.pdf, .csv, .xlsx, .json")
    output.say(f"the proof:      {out}/<period>/reconciliation.json")
    output.say(f"the AWS bill:   {out}/aws, with its exact totals in truth.json")
    output.say(f"configuration:  {out}/billing.yaml")
    output.say(f"links by team:  {out}/links (no credentials)")
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
    return "\n".join([f"In {proof.currency}, to the last digit:", *lines, f"  {proof.verdict}", ""])
