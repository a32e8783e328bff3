"""The command that sets an organization up, once: planned, done, checked."""

from pathlib import Path
from typing import Annotated

import typer

from accounts.organization_setup.catalogue import ITEMS
from accounts.organization_setup.items import SETTLED_STATES, Outcome, WantedSetup
from jobs.onboarding.setting_up import SetupReport, plan_set_up, set_up
from jobs.onboarding.tasks import onboarding_environment
from kernel.errors import BadInput
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.cli.opening import opened
from service.cli.options import AsJson, By, Payer
from service.cli.tables import print_table


def setup(
    payer: Payer = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what there is and what would be done.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit status 1 where something is amiss."),
    ] = False,
    yes: Annotated[
        list[str] | None,
        typer.Option("--yes", metavar="KEY", help="Agree to a change that asks; repeat it."),
    ] = None,
    ou: Annotated[str, typer.Option("--ou", metavar="NAME", help="The clients' OU.")] = "Clients",
    email: Annotated[str, typer.Option("--email", help="Where AWS sends anomalies of cost.")] = "",
    policies: Annotated[
        Path | None,
        typer.Option("--policies", metavar="DIR", help="Write the service's own policies there."),
    ] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Set the payer's organization up for onboarding; run again, it goes on where it was."""
    wanted = WantedSetup(payer_account_id=payer or "", client_ou_name=ou, alert_email=email)
    agreed = frozenset(yes or ())
    if unknown := sorted(agreed - {item.key for item in ITEMS}):
        known = ", ".join(item.key for item in ITEMS)
        raise BadInput(f"--yes: there is no item {unknown[0]!r}; there are {known}")
    with opened() as environment:
        office = onboarding_environment(environment, payer or "")
        if dry_run or check:
            report = plan_set_up(office, wanted)
        else:
            report = set_up(office, wanted, yes=agreed, actor=by)
    if policies is not None:
        _write_policies(report, policies)
    if as_json:
        output.print_json(_to_json(report))
    else:
        _print(report)
    if not report.is_fine and not dry_run:
        raise typer.Exit(EXIT_FINDING)


def _write_policies(report: SetupReport, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file, document in report.policies.items():
        text = output.json_text(document)
        (folder / f"{file}.json").write_text(text, encoding="utf-8")


def _to_json(report: SetupReport) -> dict[str, object]:
    return {
        "is_fine": report.is_fine,
        "items": [
            {
                "key": outcome.key,
                "title": outcome.title,
                "state": outcome.state.value,
                "words": outcome.words,
                "diff": outcome.diff,
                "missing": _missing(outcome),
            }
            for outcome in report.outcomes
        ],
        "configuration": dict(report.configuration),
    }


def _print(report: SetupReport) -> None:
    rows = [(each.state.value, each.key, each.title, _words(each)) for each in report.outcomes]
    print_table("the organization", ("state", "item", "what has to be so", "words"), rows)
    for outcome in report.outcomes:
        for missing in _missing(outcome):
            output.say(f"{outcome.key}: {missing}")
    for outcome in report.outcomes:
        _print_diff(outcome)
    if report.configuration:
        output.say("\nfor the configuration, with mailbox, access_account and contacts added:\n")
        output.say("onboarding:\n  organizations:")
        for number, (key, value) in enumerate(report.configuration.items()):
            text = f'"{value}"' if value.isdigit() else value
            output.say(f"    {'-' if number == 0 else ' '} {key}: {text}")


def _words(outcome: Outcome) -> str:
    """What is missing is told below, each in a line that no column breaks."""
    several = len(_missing(outcome))
    return f"{several} missing, see below" if several else outcome.words


def _missing(outcome: Outcome) -> list[str]:
    """Each in a line, whatever lacks: what set-up would make, what it asks, what is by hand."""
    if outcome.state in SETTLED_STATES:
        return []
    return list(outcome.missing or (outcome.words,))


def _print_diff(outcome: Outcome) -> None:
    if outcome.diff:
        output.say(f"\n{outcome.key}:\n{outcome.diff}")
