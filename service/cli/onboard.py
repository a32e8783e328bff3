"""The commands that bring member accounts: create, invite, transfer billing, and look after."""

from typing import Annotated

import typer

from accounts.iam.client_templates import ARTEFACTS, artefact
from accounts.model.organization import OnboardingKind
from accounts.model.request import Consent
from jobs.environment import Environment
from kernel.errors import BadInput
from service.actions.onboarding.cancel_onboarding import cancel_onboarding
from service.actions.onboarding.look_again import look_again
from service.actions.onboarding.request_onboarding import Wanted, plan_request, request_onboarding
from service.actions.onboarding.retry_onboarding import retry_onboarding
from service.api.accounts.onboarding_schemas import to_api_event, to_api_onboarding, to_api_plan
from service.cli import output
from service.cli.application import app
from service.cli.following import By, NoWait, The, moved, show, the_onboarding, to_json
from service.cli.opening import AsJson, opened
from service.cli.wanting import consents_of, first_of_month
from service.store.accounts import onboarding_events, onboardings, resellers
from service.store.dry_run import nothing_recorded

onboard_app = typer.Typer(help="Member accounts: create, invite, follow.", no_args_is_help=True)
app.add_typer(onboard_app, name="onboard")

Client = Annotated[str, typer.Option("--client", metavar="KEY", help="Whose account it is to be.")]
Name = Annotated[str, typer.Option("--name", help="What the account is for, such as prod.")]
Role = Annotated[
    list[str] | None, typer.Option("--role", help="Of the catalogue; repeat it. Default: all.")
]
Budget = Annotated[str, typer.Option("--budget", metavar="USD", help="A monthly budget.")]
Ref = Annotated[
    str | None, typer.Option("--ref", help="Your ticket: asked for twice, it is done once.")
]
Account = Annotated[str, typer.Option("--account", metavar="ID", help="The client's account.")]
Payer = Annotated[str, typer.Option("--payer", metavar="ID", help="Where there are several.")]
Allows = Annotated[
    list[str] | None,
    typer.Option("--consent", help=f"What the client allows: {', '.join(Consent)}."),
]
ValidateOnly = Annotated[
    bool, typer.Option("--validate-only", help="Check all of it, and record nothing.")
]


@onboard_app.command()
def create(
    client: Client,
    name: Name,
    email: Annotated[
        str, typer.Option("--email", help="The team's mailbox, if not the reseller's.")
    ] = "",
    role: Role = None,
    budget: Budget = "",
    ref: Ref = None,
    payer: Payer = "",
    by: By = "",
    validate_only: ValidateOnly = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Create an account for a client, with our roles in it, proved."""
    wanted = Wanted(
        kind=OnboardingKind.CREATE,
        client=client,
        name=name,
        email=email,
        roles=tuple(role or ()),
        budget=budget,
        external_ref=ref,
        payer_account_id=payer,
    )
    _ask(wanted, by=by, validate_only=validate_only, no_wait=no_wait, as_json=as_json)


@onboard_app.command()
def invite(
    client: Client,
    name: Name,
    account: Account = "",
    email: Annotated[
        str, typer.Option("--email", help="The account's root address, where its id is unknown.")
    ] = "",
    role: Role = None,
    budget: Budget = "",
    consent: Allows = None,
    ref: Ref = None,
    payer: Payer = "",
    by: By = "",
    validate_only: ValidateOnly = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Invite an account that exists; its client accepts, and deploys our first role."""
    wanted = Wanted(
        kind=OnboardingKind.INVITE,
        client=client,
        name=name,
        account_id=account,
        email=email,
        roles=tuple(role or ()),
        budget=budget,
        consents=consents_of(consent),
        external_ref=ref,
        payer_account_id=payer,
    )
    _ask(wanted, by=by, validate_only=validate_only, no_wait=no_wait, as_json=as_json)


@onboard_app.command("billing-transfer")
def billing_transfer(
    client: Client,
    account: Account,
    starts: Annotated[
        str, typer.Option("--starts", metavar="YYYY-MM", help="The first month that we bill.")
    ],
    name: Name = "",
    role: Role = None,
    ref: Ref = None,
    payer: Payer = "",
    by: By = "",
    validate_only: ValidateOnly = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Take over the bill of a client's own organization; it stays the client's."""
    wanted = Wanted(
        kind=OnboardingKind.BILLING_TRANSFER,
        client=client,
        name=name,
        account_id=account,
        roles=tuple(role or ()),
        transfer_starts_at=first_of_month(starts),
        external_ref=ref,
        payer_account_id=payer,
    )
    _ask(wanted, by=by, validate_only=validate_only, no_wait=no_wait, as_json=as_json)


def _ask(wanted: Wanted, *, by: str, validate_only: bool, no_wait: bool, as_json: bool) -> None:
    with opened() as environment:
        if validate_only:
            _show_plan(environment, wanted, as_json=as_json)
            return
        with environment.database.transaction() as session:
            asked = request_onboarding(session, wanted, actor=by, now=environment.now())
        moved(environment, asked, no_wait=no_wait, as_json=as_json)


def _show_plan(environment: Environment, wanted: Wanted, *, as_json: bool) -> None:
    with environment.database.transaction() as session, nothing_recorded(session):
        _, request = plan_request(session, wanted, now=environment.now())
    plan = to_api_plan(request)
    if as_json:
        output.print_json(plan.model_dump(mode="json"))
        return
    output.say(f"{plan.name} <{plan.email}> for {plan.client}")
    for words in plan.what_changes:
        output.say(f"  for the client: {words}")
    rows = [(step.stage, ", ".join(step.goals)) for step in plan.steps]
    output.print_table("nothing is recorded; it would go", ("stage", "once this is so"), rows)


@onboard_app.command()
def status(
    which: Annotated[str, typer.Argument(metavar="[ID]", help="One of them, in detail.")] = "",
    client: Annotated[str | None, typer.Option("--client", metavar="KEY")] = None,
    state: Annotated[str | None, typer.Option("--state", metavar="WORD")] = None,
    as_json: AsJson = False,
) -> None:
    """Where onboardings stand, and what they wait for; with an ID, every attempt as well."""
    with opened() as environment:
        if which:
            _show_one(environment, which, as_json=as_json)
            return
        with environment.database.transaction() as session:
            found = onboardings.onboardings(session, client=client, state=state, limit=10_000)
    if as_json:
        items = [to_api_onboarding(each).model_dump(mode="json") for each in found]
        output.print_json({"onboardings": items})
        return
    rows = [
        (each.id, each.external_ref or "", each.request.client_key, each.request.account_name,
         each.account_id, each.state, each.waiting.reason if each.waiting else "")
        for each in found
    ]  # fmt: skip
    columns = ("onboarding", "ref", "client", "account", "id", "state", "waits")
    output.print_table(f"{len(found)} onboardings", columns, rows)


def _show_one(environment: Environment, which: str, *, as_json: bool) -> None:
    with environment.database.transaction() as session:
        onboarding = the_onboarding(session, which)
        events = onboarding_events.events(session, onboarding.id, limit=10_000)
    if as_json:
        listed = [to_api_event(event).model_dump(mode="json") for event in events]
        output.print_json({**to_json(environment, onboarding), "events": listed})
        return
    rows = [
        (f"{event.at:%Y-%m-%d %H:%M:%S}", event.step, event.operation,
         event.outcome.value if event.outcome else event.kind.value, event.words)
        for event in events
    ]  # fmt: skip
    output.print_table("what happened", ("at", "step", "call", "outcome", "words"), rows)
    show(environment, onboarding, as_json=False)


@onboard_app.command()
def follow(which: The, as_json: AsJson = False) -> None:
    """Look at AWS now, and move it on until it waits for somebody again."""
    with opened() as environment:
        with environment.database.transaction() as session:
            found = the_onboarding(session, which)
            woken = look_again(session, found.id, now=environment.now())
        moved(environment, woken, no_wait=False, as_json=as_json)


@onboard_app.command()
def retry(
    which: The,
    email: Annotated[
        str, typer.Option("--email", help="Another root address, where AWS refused the first.")
    ] = "",
    consent: Allows = None,
    by: By = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Go on after somebody mended what it waits for; an invitation that ended is sent anew."""
    with opened() as environment:
        with environment.database.transaction() as session:
            woken = retry_onboarding(
                session,
                the_onboarding(session, which).id,
                email=email,
                consents=consents_of(consent),
                actor=by,
                now=environment.now(),
            )
        moved(environment, woken, no_wait=no_wait, as_json=as_json)


@onboard_app.command()
def cancel(which: The, by: By = "", no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """Give it up, which is possible until its account is linked."""
    with opened() as environment:
        with environment.database.transaction() as session:
            found = the_onboarding(session, which)
            asked = cancel_onboarding(session, found.id, actor=by, now=environment.now())
        moved(environment, asked, no_wait=no_wait, as_json=as_json)


@onboard_app.command("artifact")
def artifact(
    which: The,
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"Of {', '.join(ARTEFACTS)}.")],
) -> None:
    """Print what a client deploys to let us in, with its ExternalId, for its own review."""
    with opened() as environment, environment.database.transaction() as session:
        onboarding = the_onboarding(session, which)
        reseller = resellers.reseller(session, onboarding.payer_account_id)
    if name not in ARTEFACTS or onboarding.request.kind is OnboardingKind.CREATE:
        raise BadInput(
            f"there are {', '.join(ARTEFACTS)}, for accounts that their clients let us into"
        )
    output.write(artefact(name, reseller, onboarding.request))
