"""The commands of grants: which team holds which role in which account, and how that changes."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from jobs.environment import Environment
from kernel.errors import BadInput
from service.actions.access.compare_grants import TeamRole
from service.actions.access.set_grants import (
    GrantsChanged,
    Where,
    approve_grants,
    change_grants,
    link_grants,
    proposed_grants,
)
from service.api.accounts.grant_schemas import to_api_change, to_api_grant, to_api_proposal
from service.cli import output
from service.cli.accounts.following import NoWait, follow
from service.cli.application import EXIT_FINDING
from service.cli.opening import opened
from service.cli.options import AsJson, By
from service.cli.progress import progress
from service.cli.tables import print_table
from service.store.accounts.onboardings import Onboarding
from service.store.billing import clients

Account = Annotated[str, typer.Option("--account", metavar="ID", help="In this account.")]
Client = Annotated[
    str, typer.Option("--client", metavar="KEY", help="In all live accounts of this client.")
]
Team = Annotated[str, typer.Option("--team", help="Which team.")]


def read_end(text: str) -> datetime:
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"--until: {text[:40]!r} is no time; write 2026-12-01 or 2026-12-01T18:00Z (UTC)"
        ) from None
    return end if end.utcoffset() is not None else end.replace(tzinfo=UTC)


Until = Annotated[
    datetime | None,
    typer.Option(
        "--until",
        parser=read_end,
        metavar="TIME",
        help="It ends then by itself: 2026-12-01T18:00 (UTC). Default: when it is revoked.",
    ),
]


def _until(end: str | None) -> str:
    return f" until {end}" if end else ""


def show(
    team: Team = "", client: Client = "", account: Account = "", as_json: AsJson = False
) -> None:
    """Which team holds which role in which account now."""
    where = Where(account_id=account, client=client)
    with opened() as environment, environment.database.transaction() as session:
        held = link_grants(session, team=team or None, where=where)
        refs = clients.external_refs(session, {each.client_key for each in held})
        found = [to_api_grant(each, refs) for each in held]
        waiting = [to_api_proposal(each) for each in proposed_grants(session)]
    if as_json:
        output.print_json(
            {
                "grants": [each.model_dump(mode="json") for each in found],
                "awaiting_approval": [each.model_dump(mode="json") for each in waiting],
            }
        )
        return
    rows = [(e.team, e.role, e.account_id, e.account_name, e.client, e.until or "") for e in found]
    columns = ("team", "role", "account", "name", "client", "until")
    print_table(f"{len(rows)} grants", columns, rows)
    for each in waiting:
        output.say(
            f"waits for a second person: {each.role} in {each.account_id} for {each.team}, asked "
            f"for by {each.asked_by}{_until(each.until)}"
        )


def grant(
    team: Team,
    role: Annotated[list[str], typer.Option("--role", help="Which role; repeat it.")],
    account: Account = "",
    client: Client = "",
    until: Until = None,
    by: By = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Let a team use a role: its trust names the team from then on, and that is proved."""
    where, pairs = Where(account_id=account, client=client), [(team, each) for each in role]
    ends = dict.fromkeys(pairs, until) if until else {}
    _change(where, grant=pairs, ends=ends, by=by, no_wait=no_wait, as_json=as_json)


def approve(
    team: Team,
    role: Annotated[list[str], typer.Option("--role", help="Which role; repeat it.")],
    account: Account = "",
    client: Client = "",
    by: By = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Approve a grant of an administrator's role, as another person than the one who asked."""
    where = Where(account_id=account, client=client)
    with opened() as environment:
        with environment.database.transaction() as session:
            pairs, now = [(team, each) for each in role], environment.now()
            changed = approve_grants(session, where, pairs, actor=by, now=now)
        after = changed.onboardings if no_wait else _followed(environment, changed)
    _print(changed, after, as_json=as_json)


def revoke(
    team: Team,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="Which role; repeat it. Default: all.")
    ] = None,
    account: Account = "",
    client: Client = "",
    by: By = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Take a role from a team: AWS refuses it from then on, proved; and what to delete where."""
    where = Where(account_id=account, client=client)
    pairs = [(team, each) for each in role or [""]]
    _change(where, revoke=pairs, by=by, no_wait=no_wait, as_json=as_json)


def _change(
    where: Where,
    *,
    grant: list[TeamRole] | None = None,
    revoke: list[TeamRole] | None = None,
    ends: dict[TeamRole, datetime] | None = None,
    by: str,
    no_wait: bool,
    as_json: bool,
) -> None:
    with opened() as environment:
        with environment.database.transaction() as session:
            changed = change_grants(
                session,
                where,
                grant=grant or (),
                revoke=revoke or (),
                ends=ends or {},
                actor=by,
                now=environment.now(),
            )
        after = changed.onboardings if no_wait else _followed(environment, changed)
    _print(changed, after, as_json=as_json)


def _followed(environment: Environment, changed: GrantsChanged) -> tuple[Onboarding, ...]:
    with progress() as report:
        return tuple(follow(environment, each.id, report) for each in changed.onboardings)


def _print(changed: GrantsChanged, after: tuple[Onboarding, ...], *, as_json: bool) -> None:
    """Exit status 1 where AWS does not do what was asked for yet."""
    if as_json:
        states = {each.account_id: each.state for each in after}
        output.print_json({**to_api_change(changed).model_dump(mode="json"), "states": states})
    else:
        _print_lines(changed, after)
    if changed.proposed or any(each.waiting is not None for each in after):
        raise typer.Exit(EXIT_FINDING)


def _print_lines(changed: GrantsChanged, after: tuple[Onboarding, ...]) -> None:
    for each in changed.granted:
        end = _until(each.until.isoformat() if each.until else None)
        output.say(f"{each.team} holds {each.role} in {each.account_id}{end}")
    for each in changed.proposed:
        output.say(
            f"{each.role} in {each.account_id} waits for a second person: rebill grants approve "
            f"--account {each.account_id} --team {each.team} --role {each.role}"
        )
    for gone in changed.revoked:
        output.say(f"{gone.team} holds {gone.role_arn} no more")
    for shut in changed.powers_to_remove:
        output.say(f"  nobody holds {shut}: it is shut")
    rows = [(g.team, file, entry) for g in changed.revoked for file, entry in g.entries]
    if rows:
        print_table("to delete where it was imported", ("team", "file", "entry"), rows)
    for onboarding in after:
        waiting = f": {onboarding.waiting.reason}" if onboarding.waiting else ""
        output.say(f"{onboarding.account_id} ({onboarding.id}) {onboarding.state}{waiting}")
    if not after and not changed.proposed:
        output.say("nothing changes")
