"""The commands that bring member accounts: create, invite, transfer billing, and look after."""

from dataclasses import dataclass, replace
from typing import Annotated

import typer

from accounts.model.organization import OnboardingKind
from accounts.model.request import Consent
from jobs.environment import Environment
from service.actions.onboarding.cancel_onboarding import cancel_onboarding
from service.actions.onboarding.look_again import look_again
from service.actions.onboarding.request_onboarding import Wanted, plan_request, request_onboarding
from service.actions.onboarding.retry_onboarding import retry_onboarding
from service.api.accounts.onboarding_schemas import to_api_plan
from service.cli import output
from service.cli.accounts.following import NoWait, moved
from service.cli.accounts.one_onboarding import The, the_onboarding
from service.cli.accounts.wanting import consents_of, first_of_month
from service.cli.opening import opened
from service.cli.options import AsJson, By
from service.cli.shared_options import with_options
from service.cli.tables import print_table
from service.store.billing import clients
from service.store.dry_run import nothing_recorded

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
ConsentedBy = Annotated[
    str, typer.Option("--consented-by", metavar="NAME", help="The client's person who allowed it.")
]
ValidateOnly = Annotated[
    bool, typer.Option("--validate-only", help="Check all of it, and record nothing.")
]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """The options of every command that asks for an account."""

    role: Role = None
    ref: Ref = None
    payer: Payer = ""
    by: By = ""
    validate_only: ValidateOnly = False
    no_wait: NoWait = False
    as_json: AsJson = False


@with_options(Asking)
def create(
    asking: Asking,
    client: Client,
    name: Name,
    email: Annotated[
        str, typer.Option("--email", help="The team's mailbox, if not the reseller's.")
    ] = "",
    budget: Budget = "",
) -> None:
    """Create an account for a client, with our roles in it, proved."""
    _ask(
        asking,
        Wanted(kind=OnboardingKind.CREATE, client=client, name=name, email=email, budget=budget),
    )


@with_options(Asking)
def invite(
    asking: Asking,
    client: Client,
    name: Name,
    account: Account = "",
    email: Annotated[
        str, typer.Option("--email", help="The account's root address, where its id is unknown.")
    ] = "",
    budget: Budget = "",
    consent: Allows = None,
) -> None:
    """Invite an account that exists; its client accepts, and deploys our first role."""
    wanted = Wanted(
        kind=OnboardingKind.INVITE,
        client=client,
        name=name,
        account_id=account,
        email=email,
        budget=budget,
        consents=consents_of(consent),
    )
    _ask(asking, wanted)


@with_options(Asking)
def adopt(
    asking: Asking,
    client: Client,
    account: Account,
    name: Name = "",
    budget: Budget = "",
    consent: Allows = None,
    consented_by: ConsentedBy = "",
) -> None:
    """Take on an account that is a member already, with its client's consent."""
    wanted = Wanted(
        kind=OnboardingKind.ADOPT,
        client=client,
        name=name,
        account_id=account,
        budget=budget,
        consents=consents_of(consent),
        consented_by=consented_by,
    )
    _ask(asking, wanted)


@with_options(Asking)
def billing_transfer(
    asking: Asking,
    client: Client,
    account: Account,
    starts: Annotated[
        str, typer.Option("--starts", metavar="YYYY-MM", help="The first month that we bill.")
    ],
    name: Name = "",
) -> None:
    """Take over the bill of a client's own organization; it stays the client's."""
    wanted = Wanted(
        kind=OnboardingKind.BILLING_TRANSFER,
        client=client,
        name=name,
        account_id=account,
        transfer_starts_at=first_of_month(starts),
    )
    _ask(asking, wanted)


def _ask(asking: Asking, wanted: Wanted) -> None:
    wanted = replace(
        wanted,
        roles=tuple(asking.role or ()),
        external_ref=asking.ref,
        payer_account_id=asking.payer,
    )
    with opened() as environment:
        if asking.validate_only:
            _show_plan(environment, wanted, as_json=asking.as_json)
            return
        with environment.database.transaction() as session:
            asked = request_onboarding(session, wanted, actor=asking.by, now=environment.now())
        moved(environment, asked, no_wait=asking.no_wait, as_json=asking.as_json)


def _show_plan(environment: Environment, wanted: Wanted, *, as_json: bool) -> None:
    with environment.database.transaction() as session, nothing_recorded(session):
        _, request = plan_request(session, wanted, now=environment.now())
        refs = clients.external_refs(session, [wanted.client])[wanted.client]
    plan = to_api_plan(request, refs)
    if as_json:
        output.print_json(plan.model_dump(mode="json"))
        return
    which = f"<{plan.email}>" if plan.email else wanted.account_id
    output.say(f"{plan.name} {which} for {plan.client}")
    for words in plan.what_changes:
        output.say(f"  for the client: {words}")
    rows = [(step.stage, ", ".join(step.goals)) for step in plan.steps]
    print_table("nothing is recorded; it would go", ("stage", "once this is so"), rows)


def follow(which: The, as_json: AsJson = False) -> None:
    """Look at AWS now, and move it on until it waits for somebody again."""
    with opened() as environment:
        with environment.database.transaction() as session:
            found = the_onboarding(session, which)
            woken = look_again(session, found.id, now=environment.now())
        moved(environment, woken, no_wait=False, as_json=as_json)


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
    """Go on after somebody mended what it waits for; ask anew; put a live account right."""
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


def cancel(which: The, by: By = "", no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """Give it up, which is possible until its account is linked."""
    with opened() as environment:
        with environment.database.transaction() as session:
            found = the_onboarding(session, which)
            asked = cancel_onboarding(session, found.id, actor=by, now=environment.now())
        moved(environment, asked, no_wait=no_wait, as_json=as_json)
