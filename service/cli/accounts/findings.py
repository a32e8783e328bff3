"""The commands that say what is wrong with accounts: what stands, and the mailbox measured now."""

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from jobs.environment import Environment
from jobs.onboarding.canary import Round, Sends, measure
from jobs.onboarding.tasks import onboarding_environment
from jobs.onboarding.watching import look as look_now
from kernel.errors import Refused
from kernel.findings import Finding
from service.api.accounts.account_schemas import to_api_finding
from service.cli import output
from service.cli.accounts.onboard import Payer
from service.cli.application import EXIT_FINDING
from service.cli.opening import opened
from service.cli.options import AsJson
from service.cli.tables import print_table
from service.store.accounts import members, resellers

LOOKS_EVERY_SECONDS = 5.0

Look = Annotated[
    bool, typer.Option("--look", help="Look at AWS now: members, their roles, and root.")
]
Wait = Annotated[
    int,
    typer.Option(
        "--wait", metavar="SECONDS", min=0, max=3_600, help="How long mails may take to arrive."
    ),
]


class Busy(Refused):
    code = "busy"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is being looked at by somebody else; try again in a minute")


def findings(look: Look = False, payer: Payer = "", as_json: AsJson = False) -> None:
    """What is wrong with accounts, roles, root or the mailbox, and what to do; status 1 if so."""
    with opened() as environment:
        for each in _payers(environment, payer):
            if look:
                _watched(environment, each)
        with environment.database.transaction() as session:
            found = members.standing_findings(session, payer_account_id=payer or None)
    if as_json:
        items = [to_api_finding(each).model_dump(mode="json") for each in found]
        output.print_json({"findings": items})
    else:
        rows = [
            (each.finding.severity, each.finding.code, each.finding.where,
             f"{each.found_at:%Y-%m-%d}", each.finding.message)
            for each in found
        ]  # fmt: skip
        columns = ("severity", "code", "where", "since", "what is so, and what to do")
        print_table(f"{len(found)} findings", columns, rows)
    if found:
        raise typer.Exit(EXIT_FINDING)


def canary(payer: Payer = "", wait: Wait = 60, as_json: AsJson = False) -> None:
    """Send a mail to every root address of ours now, and see whether it arrives in the mailbox."""
    with opened() as environment:
        done = [_measured(environment, each, wait) for each in _payers(environment, payer)]
    found = [each for one in done for each in one.findings]
    sent, addresses = sum(one.sent for one in done), sum(one.addresses for one in done)
    waiting = sum(one.waiting for one in done)
    if as_json:
        listed = [
            {"severity": f.severity, "code": f.code, "where": f.where, "message": f.message}
            for f in found
        ]
        output.print_json(
            {"addresses": addresses, "sent": sent, "waiting": waiting, "findings": listed}
        )
    else:
        arrived = f"{sent - waiting} arrived" if not waiting else f"{waiting} not there yet"
        output.say(f"{addresses} addresses, {sent} mails sent, {arrived}")
        _say(found)
    if found:
        raise typer.Exit(EXIT_FINDING)


def _say(found: Sequence[Finding]) -> None:
    for each in found:
        output.say(f"{each.severity}: {each.code} at {each.where}: {each.message}")


def _payers(environment: Environment, payer: str) -> list[str]:
    with environment.database.transaction() as session:
        if payer:
            return [resellers.reseller(session, payer).payer_account_id]
        return [each.payer_account_id for each in resellers.resellers(session)]


def _watched(environment: Environment, payer: str) -> None:
    if look_now(onboarding_environment(environment, payer), payer) is None:
        raise Busy(f"the organization of {payer}")


def _measured(environment: Environment, payer: str, wait: int) -> Round:
    """Every address is sent a mail; the mailbox is read until all are there, or the time is up."""
    office = onboarding_environment(environment, payer)
    done = measure(office, payer, Sends.EVERYBODY)
    if done is None:
        raise Busy(f"the mailbox of {payer}")
    sent, left = done.sent, float(wait)
    while done.waiting and left > 0:
        time.sleep(min(LOOKS_EVERY_SECONDS, left))
        left -= LOOKS_EVERY_SECONDS
        done = measure(office, payer, Sends.NOBODY) or done
    return Round(sent=sent, waiting=done.waiting, addresses=done.addresses, findings=done.findings)
