"""The commands that only look at onboardings: where they stand, and what clients deploy."""

from typing import Annotated

import typer

from accounts.iam.client_templates import ARTEFACTS, artefact
from accounts.model.organization import OnboardingKind
from kernel.errors import BadInput
from service.api.accounts.onboarding_schemas import to_api_event, to_api_onboarding
from service.cli import output
from service.cli.accounts.one_onboarding import The, show, the_onboarding, to_json
from service.cli.installation import open_installation
from service.cli.options import AsJson
from service.cli.tables import print_table
from service.store.accounts import onboarding_events, onboardings
from service.store.accounts import resellers as resellers
from service.store.database import Database


def status(
    which: Annotated[str, typer.Argument(metavar="[ID]", help="One of them, in detail.")] = "",
    client: Annotated[str | None, typer.Option("--client", metavar="KEY")] = None,
    state: Annotated[str | None, typer.Option("--state", metavar="WORD")] = None,
    as_json: AsJson = False,
) -> None:
    """Where onboardings stand, and what they wait for; with an ID, every attempt as well."""
    with open_installation() as installation:
        if which:
            _show_one(installation.database, which, as_json=as_json)
            return
        with installation.database.transaction() as session:
            found = onboardings.onboardings(session, client=client, state=state)
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
    print_table(f"{len(found)} onboardings", columns, rows)


def _show_one(database: Database, which: str, *, as_json: bool) -> None:
    with database.transaction() as session:
        onboarding = the_onboarding(session, which)
        events = onboarding_events.events(session, onboarding.id)
    if as_json:
        listed = [to_api_event(event, onboarding).model_dump(mode="json") for event in events]
        output.print_json({**to_json(database, onboarding), "events": listed})
        return
    rows = [
        (f"{event.at:%Y-%m-%d %H:%M:%S}", event.step, event.operation,
         event.outcome.value if event.outcome else event.kind.value, event.words)
        for event in events
    ]  # fmt: skip
    print_table("what happened", ("at", "step", "call", "outcome", "words"), rows)
    show(database, onboarding, as_json=False)


def artifact(
    which: The,
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"Of {', '.join(ARTEFACTS)}.")],
) -> None:
    """Print what a client deploys to let us in, with its ExternalId, for its own review."""
    with open_installation() as installation, installation.database.transaction() as session:
        onboarding = the_onboarding(session, which)
        reseller = resellers.reseller(session, onboarding.payer_account_id)
    if name not in ARTEFACTS or onboarding.request.kind is OnboardingKind.CREATE:
        raise BadInput(
            f"there are {', '.join(ARTEFACTS)}, for accounts that their clients let us into"
        )
    output.write(artefact(name, reseller, onboarding.request))
