"""Owns looking for AWS's deliveries: what came since is taken in, and its month billed anew.

A look lists files and asks for runs; the runs are what a person would ask for by hand. Twice is
once: a delivery is known by its files, and what was taken in is not asked for again.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from jobs.environment import Environment
from jobs.ingest.sources.delivery import Delivery, locate
from jobs.ingest.sources.source import open_location
from kernel.errors import IngestError, RebillError
from service.actions.billing.request_run import request_billing, request_ingest
from service.store import runs
from service.store.billing import sellers, snapshots
from service.store.billing.sellers import PayerAccount
from service.store.billing.snapshots import DeliveryLook
from service.store.runs import Run
from service.store.session import Session
from service.store.tables.runs import RunKind, RunState

ACTOR = "schedule"

EVERY = timedelta(minutes=15)
"""AWS refreshes an export three times a day at most (Data Exports, "Export delivery")."""

STEADY_AFTER = timedelta(minutes=1)
"""Then what is new is looked at again. An export that overwrites its files does so one after the
other, its manifest apart: a delivery is taken in once two looks saw the same files."""

WRITTEN_AFTER = timedelta(hours=1)
"""Then a file that is newer than its manifest is no refresh at work: copies come in any order."""

MONTHS = 3
"""This one and those before it: AWS restates a month for weeks after its end."""

AGAIN_AFTER = timedelta(hours=1)
"""A run that failed is tried again: a bucket may have been out of reach, or a disk full."""

NOT_YET = frozenset({"no_files", "wrong_period"})
"""Of an export's month, these say that nothing was delivered so far."""

BEING_WRITTEN = "it is newer than its manifest, which AWS writes last: waiting for that, or an hour"

NAMELESS = (
    "it names no month, in a manifest or a folder as BILLING_PERIOD=2026-10: name the place that "
    "the export writes to, or take it in with `rebill ingest`"
)

log = logging.getLogger("rebill.deliveries")


def look_as_scheduled(environment: Environment) -> None:
    """Whatever is due; what went wrong is told in one line, and seen by `rebill deliveries`."""
    with environment.database.transaction() as session:
        due = [each for each in watched(session) if _is_due(session, each, environment.now())]
    for payer in due:
        try:
            look(environment, payer)
        except RebillError as trouble:
            log.error("payer %s: its exports cannot be looked at: %s", payer.account_id, trouble)
    bill_what_came(environment)


def watched(session: Session) -> list[PayerAccount]:
    """Those whose bill is at a known place, and who are not told to be left alone."""
    return [
        each
        for each in sellers.payer_accounts(session)
        if each.exports
        and each.seller_key is not None
        and not snapshots.delivery_watch(session, each.account_id).is_stopped
    ]


def _is_due(session: Session, payer: PayerAccount, now: datetime) -> bool:
    watch = snapshots.delivery_watch(session, payer.account_id)
    is_steady = all(each.is_steady or not each.delivery for each in watch.looks)
    return watch.looked_at is None or _has_passed(
        EVERY if is_steady else STEADY_AFTER, watch.looked_at, now
    )


def _has_passed(wait: timedelta, since: datetime, now: datetime) -> bool:
    """What a clock that was ahead has noted is not waited for."""
    return not timedelta() <= now - since < wait


def look(
    environment: Environment, payer: PayerAccount, *, again_after: timedelta = AGAIN_AFTER
) -> tuple[int, ...]:
    """The ingests that it asked for, by id: of what the look before saw as well.

    The first of the payer's exports is the bill. What failed is asked for again `again_after`.
    """
    dialect, location = payer.exports[0]
    with environment.database.try_lock(_lock(payer)) as is_ours:
        if not is_ours:
            return ()
        now = environment.now()
        looks = [_looked(environment, payer, period) for period in _months(now.date())]
        with environment.database.transaction() as session:
            before = snapshots.delivery_watch(session, payer.account_id).looks
            seen = {(each.period, each.delivery) for each in before}
            looks = [replace(e, is_steady=(e.period, e.delivery) in seen) for e in looks]
            snapshots.note_looks(session, payer.account_id, looks, now)
            return tuple(
                request_ingest(
                    session,
                    payer.account_id,
                    each.period,
                    location=location,
                    dialect=dialect,
                    delivery=each.delivery,
                    actor=ACTOR,
                    now=now,
                )
                for each in looks
                if each.delivery
                and each.is_steady
                and _is_new(session, payer.account_id, each, now, again_after)
            )


def bill_what_came(
    environment: Environment, *, again_after: timedelta = AGAIN_AFTER
) -> tuple[int, ...]:
    """The billings that it asked for, by id: of months whose delivery the schedule took in."""
    with environment.database.transaction() as session:
        payers = watched(session)
    return tuple(run_id for payer in payers for run_id in _billed(environment, payer, again_after))


def _billed(
    environment: Environment, payer: PayerAccount, again_after: timedelta
) -> tuple[int, ...]:
    """Nothing while another worker looks or asks for this payer: twice is once."""
    now = environment.now()
    with (
        environment.database.try_lock(_lock(payer)) as is_ours,
        environment.database.transaction() as session,
    ):
        return tuple(
            request_billing(session, payer.account_id, period, actor=ACTOR, now=now)
            for period in _months(now.date())
            if is_ours and _is_to_bill(session, payer.account_id, period, now, again_after)
        )


def _lock(payer: PayerAccount) -> str:
    return f"deliveries {payer.account_id}"


def _months(today: date) -> Iterator[BillingPeriod]:
    """Latest first."""
    period = BillingPeriod(today.year, today.month)
    for _ in range(MONTHS):
        yield period
        period = period.previous


def _looked(environment: Environment, payer: PayerAccount, period: BillingPeriod) -> DeliveryLook:
    dialect, location = payer.exports[0]
    environment.cache.mkdir(parents=True, exist_ok=True)
    try:
        source, key = open_location(location)
        with tempfile.TemporaryDirectory(dir=environment.cache, prefix="looking-") as scratch:
            delivery = locate(source, key, period, Path(scratch))
        if delivery.periods != {period}:
            nameless = NAMELESS if None in delivery.periods else ""
            return DeliveryLook(period, location, trouble=nameless)
        newer = delivery.newer_than_its_manifest
        if newer and not _has_passed(WRITTEN_AFTER, newer.modified_at, environment.now()):
            return DeliveryLook(period, location, trouble=f"{newer.name}: {BEING_WRITTEN}")
    except IngestError as trouble:
        words = "" if trouble.code in NOT_YET else str(trouble)
        return DeliveryLook(period, location, trouble=words)
    except OSError as trouble:
        return DeliveryLook(period, location, trouble=f"{location}: it cannot be read: {trouble}")
    return DeliveryLook(period, location, delivery=_mark(delivery, dialect, payer.tags))


def _mark(delivery: Delivery, dialect: str, tags: Sequence[str]) -> str:
    """The same for the same files only, read in the same way."""
    files = sorted(f"{each.key} {each.size} {each.etag}" for each in delivery.files)
    names = [dialect, *sorted(tags), *files]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _is_new(
    session: Session,
    payer: AccountId,
    found: DeliveryLook,
    now: datetime,
    again_after: timedelta,
) -> bool:
    """Not taken in, nor under way; nor refused a moment ago.

    What a person took in since stands until AWS delivers anew.
    """
    if runs.is_any_unfinished(session, payer, found.period):
        return False
    last = runs.last_run(session, RunKind.INGEST, payer, found.period, requested_by=ACTOR)
    if last is None or last.request.get("delivery") != found.delivery:
        return True
    latest = runs.last_run(session, RunKind.INGEST, payer, found.period)
    return latest == last and _is_to_try_again(last, now, again_after)


def _is_to_try_again(run: Run, now: datetime, again_after: timedelta) -> bool:
    if run.state is RunState.DONE:
        return False
    assert run.finished_at is not None, "nothing is under way"
    return _has_passed(again_after, run.finished_at, now)


def _is_to_bill(
    session: Session,
    payer: AccountId,
    period: BillingPeriod,
    now: datetime,
    again_after: timedelta,
) -> bool:
    """Whoever ingests by hand bills by hand."""
    if runs.is_any_unfinished(session, payer, period):
        return False
    ingest = runs.last_run(session, RunKind.INGEST, payer, period)
    if ingest is None or ingest.requested_by != ACTOR or ingest.state is not RunState.DONE:
        return False
    billing = runs.last_run(session, RunKind.BILLING, payer, period)
    if billing is None:
        return True
    if billing.id > ingest.id:
        return billing.requested_by == ACTOR and _is_to_try_again(billing, now, again_after)
    billed = billing.outcome("inputs")["snapshot"] if billing.state is RunState.DONE else ""
    return bool(billed != snapshots.current_snapshot(session, payer, period).id)


__all__ = ["ACTOR", "bill_what_came", "look", "look_as_scheduled", "watched"]
