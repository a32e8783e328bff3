"""The commands by which an account leaves: dry run, start, approve, attest, until it has left."""

import sys
from typing import Annotated, Any

import typer

from accounts.handover.checklist import DryRunLine, dry_run
from accounts.model.handover import HandoverKind
from jobs.environment import Environment
from kernel.errors import BadInput
from service.actions.handover.abort_handover import abort_handover
from service.actions.handover.approve_step import approve_step
from service.actions.handover.attest_item import ATTESTED, attest_item
from service.actions.handover.give_code import CODES, give_code
from service.actions.handover.living_handover import NoHandover
from service.actions.handover.request_handover import (
    WantedHandover,
    dry_run_handover,
    request_handover,
)
from service.actions.onboarding.look_again import look_again
from service.api.accounts.handover_schemas import to_api_handover
from service.cli import output
from service.cli.accounts.following import NoWait, moved
from service.cli.accounts.one_onboarding import The, show, the_onboarding
from service.cli.accounts.wanting import contact_of, last_second_of_month
from service.cli.opening import opened
from service.cli.options import AsJson, By
from service.cli.tables import print_table
from service.store.accounts import handovers, onboardings, resellers

WayOut = Annotated[str, typer.Option("--exit", help="transfer, standalone, close or end-billing.")]
Email = Annotated[str, typer.Option("--email", help="The client's; root's from then on.")]
ContactWords = Annotated[
    list[str] | None,
    typer.Option("--contact", metavar="KEY=VALUE", help="AWS's ContactInformation; repeat it."),
]
Ends = Annotated[
    str, typer.Option("--ends", metavar="YYYY-MM", help="The last month of a billing transfer.")
]


def _wanted(way_out: str, email: str, contact: list[str] | None, ends: str) -> WantedHandover:
    try:
        exit_ = HandoverKind(way_out.replace("-", "_"))
    except ValueError as error:
        raise BadInput(
            f"--exit {way_out!r}: there are transfer, standalone, close and end-billing"
        ) from error
    return WantedHandover(
        exit=exit_,
        client_email=email,
        client_contact=contact_of(contact),
        ends_at=last_second_of_month(ends) if ends else None,
    )


def rehearse(
    which: The,
    way_out: WayOut,
    email: Email = "",
    contact: ContactWords = None,
    ends: Ends = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Show the checklist it would go through; nothing is recorded, and AWS is not called."""
    wanted = _wanted(way_out, email, contact, ends)
    with opened() as environment, environment.database.transaction() as session:
        lines = dry_run_handover(session, the_onboarding(session, which).id, wanted, actor=by)
    if as_json:
        output.print_json({"checklist": [_line_json(line) for line in lines]})
    else:
        _print_checklist(lines, {})


def start(
    which: The,
    way_out: WayOut,
    email: Email = "",
    contact: ContactWords = None,
    ends: Ends = "",
    by: By = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Begin: what is harmless is done at once, what is dangerous waits for a second person."""
    wanted = _wanted(way_out, email, contact, ends)
    with opened() as environment:
        with environment.database.transaction() as session:
            found = the_onboarding(session, which)
            request_handover(session, found.id, wanted, actor=by, now=environment.now())
            asked = onboardings.onboarding(session, found.id)
        moved(environment, asked, no_wait=no_wait, as_json=as_json)


def approve(
    which: The,
    items: Annotated[list[str], typer.Argument(metavar="ITEM…", help="Of the checklist.")],
    by: By = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Approve dangerous items, as another person than the one who asked."""
    with opened() as environment:
        with environment.database.transaction() as session:
            asked = the_onboarding(session, which)
            for item in items:
                asked = approve_step(session, asked.id, item, actor=by, now=environment.now())
        moved(environment, asked, no_wait=no_wait, as_json=as_json)


def attest(
    which: The,
    item: Annotated[str, typer.Argument(metavar="ITEM", help=f"Of {', '.join(ATTESTED)}.")],
    words: Annotated[str, typer.Argument(metavar="WORDS", help="What was seen, or where it is.")],
    by: By = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Vouch for what AWS cannot be asked; it is kept with your name."""
    with opened() as environment:
        with environment.database.transaction() as session:
            found = the_onboarding(session, which)
            asked = attest_item(session, found.id, item, words, actor=by, now=environment.now())
        moved(environment, asked, no_wait=no_wait, as_json=as_json)


def code(
    which: The,
    item: Annotated[str, typer.Argument(metavar="ITEM", help=f"Of {', '.join(CODES)}.")],
    by: By = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Pass on the one-time code that the client reads out: asked for, or read from a pipe."""
    given = _read_code()
    with opened() as environment:
        with environment.database.transaction() as session:
            found = the_onboarding(session, which)
            asked = give_code(session, found.id, item, given, actor=by, now=environment.now())
        moved(environment, asked, no_wait=no_wait, as_json=as_json)


def _read_code() -> str:
    """Never an argument: other users of the machine would see it."""
    if sys.stdin.isatty():
        return str(typer.prompt("code", hide_input=True, err=True))
    return sys.stdin.readline().strip()


def follow(which: The, as_json: AsJson = False) -> None:
    """Look at AWS now, and go on until it waits for somebody again."""
    with opened() as environment:
        with environment.database.transaction() as session:
            found = the_onboarding(session, which)
            woken = look_again(session, found.id, now=environment.now())
        moved(environment, woken, no_wait=False, as_json=as_json)


def abort(which: The, by: By = "", no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """Call it off: what was taken away is put back, until the account has left."""
    with opened() as environment:
        with environment.database.transaction() as session:
            found = the_onboarding(session, which)
            asked = abort_handover(session, found.id, actor=by, now=environment.now())
        moved(environment, asked, no_wait=no_wait, as_json=as_json)


def status(which: The, as_json: AsJson = False) -> None:
    """The checklist, who approved or attested what, and what it waits for."""
    with opened() as environment:
        _show(environment, which, as_json=as_json)


def _show(environment: Environment, which: str, *, as_json: bool) -> None:
    with environment.database.transaction() as session:
        onboarding = the_onboarding(session, which)
        found = handovers.handovers(session, onboarding)
        if not found:
            raise NoHandover(onboarding.id)
        reseller = resellers.reseller(session, onboarding.payer_account_id)
    if as_json:
        shown = to_api_handover(found[-1], onboarding, reseller)
        output.print_json(shown.model_dump(mode="json"))
        return
    proofs = onboarding.record.proofs
    words = {key: f"{proof.by}: {proof.words}" for key, proof in proofs.items() if proof.by}
    _print_checklist(dry_run(found[-1].asked), words)
    refused = [key for key in proofs if key.startswith("prove_no_access:")]
    output.say(f"{len(refused)} roles of ours are proved to refuse us")
    show(environment.database, onboarding, as_json=False)


def _line_json(line: DryRunLine) -> dict[str, Any]:
    return {
        "key": line.key,
        "title": line.title,
        "is_dangerous": line.dangerous,
        "approved_by": line.approved_by,
    }


def _print_checklist(lines: tuple[DryRunLine, ...], words: dict[str, str]) -> None:
    rows = [
        (line.key, line.title, "a second person" if line.dangerous else "",
         line.approved_by or words.get(line.key, ""))
        for line in lines
    ]  # fmt: skip
    print_table("checklist, in order", ("item", "what", "approved by", "who did"), rows)
