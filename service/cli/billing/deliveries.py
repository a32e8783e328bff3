"""The commands of the schedule: what it saw at the payers' exports, look now, stop, start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any

import typer

from invoices.clients import AccountId
from jobs.deliveries import bill_what_came, look, watched
from jobs.runs import engine
from kernel.errors import BadInput
from service.actions.billing.watch_deliveries import watch_deliveries
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.cli.installation import ACTOR
from service.cli.opening import opened
from service.cli.options import AsJson, Payer
from service.cli.progress import progress
from service.cli.tables import print_table
from service.store import runs
from service.store.billing import sellers, snapshots
from service.store.billing.snapshots import DeliveryLook, DeliveryWatch
from service.store.database import Database
from service.store.runs import Run
from service.store.session import Session
from service.store.tables.runs import RunKind, RunState

AT_ONCE = timedelta()


@dataclass(frozen=True, slots=True)
class WatchedMonth:
    payer: AccountId
    watch: DeliveryWatch
    look: DeliveryLook
    ingest: Run | None
    """The last one."""
    billing: Run | None

    @property
    def is_in_trouble(self) -> bool:
        last = [each.state for each in (self.ingest, self.billing) if each is not None]
        return bool(self.look.trouble) or RunState.FAILED in last

    @property
    def state(self) -> str:
        nothing = "nothing yet" if self.ingest is None else "nothing"
        here = "" if self.look.delivery else f"{nothing} at {self.look.location}"
        done = (_said(self.ingest, "taken in"), _said(self.billing, "billed"))
        return ", ".join(filter(None, [self.look.trouble or here, *done])) or "seen"


def show(payer: Payer = None, as_json: AsJson = False) -> None:
    """What the schedule saw last at each payer's exports, and what became of it."""
    with opened() as environment:
        _show(environment.database, payer, as_json=as_json)


def look_now(payer: Payer = None, as_json: AsJson = False) -> None:
    """Look at once, take in what came, and bill its months, as the schedule does by itself."""
    with opened() as environment, progress() as report:
        with environment.database.transaction() as session:
            chosen = [each for each in watched(session) if payer in (None, each.account_id)]
        if not chosen:
            raise BadInput("no payer to look at: name `exports` of a payer, apply, and start it")
        for each in chosen:
            # What two looks saw alike is taken in; whoever asks may just have mended what failed.
            looks = [look(environment, each, again_after=AT_ONCE) for _ in range(2)]
            for run_id in chain.from_iterable(looks):
                engine.finish(environment, run_id, report)
        for run_id in bill_what_came(environment, again_after=AT_ONCE):
            engine.finish(environment, run_id, report)
        months = _show(environment.database, payer, as_json=as_json)
    if any(each.is_in_trouble for each in months):
        raise typer.Exit(EXIT_FINDING)


def stop(payer: Payer = None) -> None:
    """Leave the exports of a payer, or of all, alone until told to start."""
    _set(payer, is_stopped=True)


def start(payer: Payer = None) -> None:
    """Look at the exports of a payer, or of all, again."""
    _set(payer, is_stopped=False)


def _set(payer: str | None, *, is_stopped: bool) -> None:
    with opened() as environment, environment.database.transaction() as session:
        for each in _payers(session, payer):
            changed = watch_deliveries(
                session, each, is_stopped=is_stopped, actor=ACTOR, now=environment.now()
            )
            words = "stopped" if is_stopped else "looked at every 15 minutes by a worker"
            output.say(f"payer {each}: {words}{'' if changed else ', as before'}")


def _payers(session: Session, payer: str | None) -> list[AccountId]:
    """Raises UnknownPayer."""
    if payer is not None:
        return [sellers.payer_account(session, payer).account_id]
    return [each.account_id for each in sellers.payer_accounts(session)]


def _show(database: Database, payer: str | None, *, as_json: bool) -> list[WatchedMonth]:
    with database.transaction() as session:
        months = [each for one in _payers(session, payer) for each in _months(session, one)]
        chosen = _payers(session, payer)
        stopped = [each for each in chosen if snapshots.delivery_watch(session, each).is_stopped]
        exports = {each: sellers.payer_account(session, each).exports for each in chosen}
    unwatched = {each: [place for _, place in exports[each][1:]] for each in chosen}
    if as_json:
        output.print_json(
            {
                "stopped": stopped,
                "not_looked_at": {each: places for each, places in unwatched.items() if places},
                "months": [*map(_json, months)],
            }
        )
        return months
    rows = [
        (each.payer, str(each.look.period), f"{each.watch.looked_at:%Y-%m-%d %H:%M}", each.state)
        for each in months
    ]
    print_table("deliveries (times are UTC)", ("payer", "month", "looked at", "state"), rows)
    for each, places in unwatched.items():
        if places:
            said = ", ".join(places)
            output.say(f"payer {each}: its first export is the bill; not looked at: {said}")
    for each in stopped:
        output.say(f"payer {each} is stopped: `rebill deliveries start --payer {each}`")
    return months


def _months(session: Session, payer: AccountId) -> Iterator[WatchedMonth]:
    watch = snapshots.delivery_watch(session, payer)
    for each in watch.looks:
        ingest, billing = (
            runs.last_run(session, kind, payer, each.period)
            for kind in (RunKind.INGEST, RunKind.BILLING)
        )
        yield WatchedMonth(payer, watch, each, ingest, billing)


def _said(run: Run | None, done: str) -> str:
    match run:
        case None:
            return ""
        case Run(state=RunState.DONE):
            return f"{done} (run {run.id})"
        case Run(state=RunState.FAILED):
            return f"run {run.id} failed: {run.error}"
    return f"run {run.id} is under way"


def _json(month: WatchedMonth) -> dict[str, Any]:
    return {
        "payer_account_id": month.payer,
        "period": str(month.look.period),
        "location": month.look.location,
        "looked_at": month.watch.looked_at and month.watch.looked_at.isoformat(),
        "delivery": month.look.delivery,
        "trouble": month.look.trouble,
        "ingest": _run_json(month.ingest),
        "billing": _run_json(month.billing),
    }


def _run_json(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {"run": run.id, "state": run.state.value, "by": run.requested_by, "error": run.error}
