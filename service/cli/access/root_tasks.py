"""The commands of root tasks: ask, approve, perform, end, withdraw, show."""

from typing import Annotated

import typer

from accounts.model.organization import check_account_id
from accounts.root_access.root_task import AT_WORK, RootTask, RootTaskKind
from jobs.environment import Environment
from jobs.onboarding.tasks import onboarding_environment
from jobs.root_access import run_root_task
from kernel.errors import BadInput
from service.actions.access.root_task import (
    approve_root_task,
    ask_root_task,
    end_root_task,
    perform_root_task,
    withdraw_root_task,
)
from service.api.accounts.root_tasks import to_api_root_task
from service.cli import output
from service.cli.accounts.following import NoWait
from service.cli.application import EXIT_FINDING
from service.cli.opening import opened
from service.cli.options import AsJson, By
from service.cli.tables import print_table
from service.store.accounts import root_tasks
from service.store.accounts.root_tasks import WantedRootTask

Which = Annotated[int, typer.Argument(metavar="ID", min=1, max=2_147_483_647)]
Account = Annotated[str, typer.Option("--account", metavar="ID", help="Of which member account.")]


def _kind(text: str) -> RootTaskKind:
    try:
        return RootTaskKind(text.replace("-", "_"))
    except ValueError:
        known = ", ".join(each.value.replace("_", "-") for each in RootTaskKind)
        raise BadInput(f"{text[:40]!r} is no task of root's; there are {known}") from None


def ask(
    task: Annotated[
        RootTaskKind,
        typer.Argument(
            parser=_kind, metavar="TASK", help="unlock-bucket, unlock-queue, recover-root."
        ),
    ],
    account: Account,
    reason: Annotated[str, typer.Option("--reason", help="Why root is needed; it is kept.")],
    bucket: Annotated[str, typer.Option("--bucket", metavar="NAME")] = "",
    queue: Annotated[str, typer.Option("--queue", metavar="NAME")] = "",
    region: Annotated[str, typer.Option("--region", help="Of the queue, or the bucket.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Ask that root of a member is entered for one task; nothing happens before it is approved."""
    named = {RootTaskKind.UNLOCK_BUCKET: bucket, RootTaskKind.UNLOCK_QUEUE: queue}
    if any(name for kind, name in named.items() if kind is not task):
        raise BadInput("unlock-bucket takes --bucket, unlock-queue takes --queue, and no other")
    wanted = WantedRootTask(kind=task, resource=named.get(task, ""), region=region, reason=reason)
    with opened() as environment, environment.database.transaction() as session:
        made = ask_root_task(session, account, wanted, actor=by, now=environment.now())
    _print(made, as_json=as_json)


def approve(which: Which, by: By = "", no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """Approve a task, as another person than the one who asked; what it would change is shown."""
    with opened() as environment:
        with environment.database.transaction() as session:
            task = approve_root_task(session, which, actor=by, now=environment.now())
        _print(task if no_wait else _worked_on(environment, task), as_json=as_json)


def perform(which: Which, by: By = "", no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """Change what was shown, within the hour of its approval; the policy before is kept."""
    with opened() as environment:
        with environment.database.transaction() as session:
            task = perform_root_task(session, which, actor=by, now=environment.now())
        _print(task if no_wait else _worked_on(environment, task), as_json=as_json)


def end(which: Which, by: By = "", no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """End a recovery: root has no credentials and is guarded, as before; that is proved."""
    with opened() as environment:
        with environment.database.transaction() as session:
            task = end_root_task(session, which, actor=by, now=environment.now())
        _print(task if no_wait else _worked_on(environment, task), as_json=as_json)


def withdraw(which: Which, by: By = "", as_json: AsJson = False) -> None:
    """Take back what was asked for, until something was changed."""
    with opened() as environment, environment.database.transaction() as session:
        task = withdraw_root_task(session, which, actor=by, now=environment.now())
    _print(task, as_json=as_json)


def show(
    which: Annotated[int | None, typer.Argument(metavar="[ID]", min=1, max=2_147_483_647)] = None,
    account: Account = "",
    as_json: AsJson = False,
) -> None:
    """Which tasks of root there are, who asked and approved, and what came of them."""
    with opened() as environment, environment.database.transaction() as session:
        if which is not None:
            found: tuple[RootTask, ...] = (root_tasks.root_task(session, which),)
        else:
            of = check_account_id(account) if account else None
            found = root_tasks.root_tasks(session, account_id=of, limit=500)
    if as_json:
        listed = [to_api_root_task(each).model_dump(mode="json") for each in found]
        output.print_json({"root_tasks": listed})
        return
    if which is not None:
        _print_lines(found[0])
        return
    rows = [
        (str(each.id), each.state.value, each.kind.value, each.account_id, each.resource,
         each.asked_by, each.approved_by)
        for each in found
    ]  # fmt: skip
    columns = ("id>", "state", "task", "account", "resource", "asked by", "approved by")
    print_table(f"{len(rows)} root tasks", columns, rows)


def _worked_on(environment: Environment, task: RootTask) -> RootTask:
    """In the foreground; a worker that is at it already does the work."""
    office = onboarding_environment(environment, task.payer_account_id)
    return run_root_task(office, task.id)


def _print(task: RootTask, *, as_json: bool) -> None:
    """Exit status 1 where it does not go on by itself."""
    if as_json:
        output.print_json(to_api_root_task(task).model_dump(mode="json"))
    else:
        _print_lines(task)
    if task.trouble:
        raise typer.Exit(EXIT_FINDING)


def _print_lines(task: RootTask) -> None:
    what = f"{task.kind.value.replace('_', '-')} {task.resource}".strip()
    output.say(f"root task {task.id}: {what} in {task.account_id}: {task.state.value}")
    output.say(f"  asked for by {task.asked_by}: {task.reason}")
    if task.approved_by:
        output.say(f"  approved by {task.approved_by}")
    if task.shown:
        output.say(f"  the policy before, kept in the audit:\n{task.shown}")
    if task.root_before:
        output.say(f"  root {task.root_before} before")
    for word, words in (("stuck", task.trouble), ("proved", task.proof)):
        if words:
            output.say(f"  {word}: {words}")
    if (next_words := _next(task)) and task.state not in AT_WORK:
        output.say(f"  next: {next_words}")


def _next(task: RootTask) -> str:
    return {
        "asked": f"another person: rebill root approve {task.id}",
        "shown": f"rebill root perform {task.id}, within the hour of its approval",
        "open": f"sign in, do what has to be done, then rebill root end {task.id}",
    }.get(task.state.value, "")
