"""Owns the plan: months billed by what is configured, and by what a file would configure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from invoices.allocation.shared_costs.groups import in_effect
from invoices.clients import AccountId
from invoices.comparison.months import ClientChange, compare
from invoices.inputs import BillingInputs
from invoices.month import bill
from invoices.periods import BillingPeriod
from invoices.pricing.custom import CustomLineItem
from invoices.pricing.spend import CountedMonth, MinimumSpend
from jobs.snapshots import Snapshots
from kernel.errors import BadInput
from kernel.findings import Finding
from service.actions.billing.apply_configuration import apply_configuration
from service.configuration.reading import Configuration
from service.store.billing import invoices, months, prices, sellers, snapshots
from service.store.billing.items import versions
from service.store.changes import Change, configure_alone
from service.store.database import Database
from service.store.dry_run import nothing_recorded
from service.store.session import Session
from service.store.tables.months import DraftState


@dataclass(frozen=True, slots=True)
class PlannedMonth:
    payer_account_id: AccountId
    period: BillingPeriod
    is_issued: bool
    """Then it stays as it is, and shows what the file would come to in a month like it."""
    clients: tuple[ClientChange, ...]
    findings: tuple[Finding, ...]
    """What would be found that is not found now."""


@dataclass(frozen=True, slots=True)
class Plan:
    changes: tuple[Change, ...]
    """Of the configuration."""
    months: tuple[PlannedMonth, ...]


@dataclass(frozen=True, slots=True)
class _Month:
    payer_account_id: AccountId
    period: BillingPeriod
    is_issued: bool
    first_issued: BillingPeriod
    """The first issued one that is planned of this payer."""


def plan(
    database: Database,
    charges: Snapshots,
    configuration: Configuration,
    *,
    now: datetime,
    period: BillingPeriod | None = None,
    since: BillingPeriod | None = None,
    payer: AccountId | None = None,
    prune: bool = False,
) -> Plan:
    """Nothing is recorded. Raises ConfigurationRefused, and BadInput where there is no month.

    Of each payer, the open months and the last one that was issued whole; or `period` alone, or
    all of them from `since` on.
    """
    with database.transaction() as session:
        # Before the months are read: whoever only reads would not let go of what we wait for.
        configure_alone(session)
        chosen = _months(session, period, since, payer)
        before = [_inputs_before(session, each, now) for each in chosen]
        with nothing_recorded(session):
            changes = apply_configuration(
                session, configuration, actor="plan", now=now, prune=prune
            )
            after = [
                _inputs_after(session, each, old, configuration, now)
                for each, old in zip(chosen, before, strict=True)
            ]
    planned = tuple(
        _planned(charges, each, old, new)
        for each, old, new in zip(chosen, before, after, strict=True)
    )
    return Plan(changes, planned)


def _planned(
    charges: Snapshots, month: _Month, before: BillingInputs, after: BillingInputs
) -> PlannedMonth:
    summary = charges.load(before.snapshot_id)
    old, new = bill(summary, before), bill(summary, after)
    return PlannedMonth(
        month.payer_account_id,
        month.period,
        month.is_issued,
        compare(old, new),
        tuple(each for each in new.findings if each not in old.findings),
    )


def _inputs_before(session: Session, month: _Month, now: datetime) -> BillingInputs:
    if not month.is_issued:
        return months.present_inputs(
            session, month.payer_account_id, month.period, today=now.date()
        )
    figures = months.figures(session, month.payer_account_id, month.period)
    return months.inputs(session, figures.inputs_id)


def _inputs_after(
    session: Session,
    month: _Month,
    before: BillingInputs,
    configuration: Configuration,
    now: datetime,
) -> BillingInputs:
    present = months.present_inputs(session, month.payer_account_id, month.period, today=now.date())
    if not month.is_issued:
        return present
    # Rules are dated, and what begins later is nothing in a month that is over: whoever plans a
    # new price asks what it would have come to.
    begins = max(month.period, *_starts(configuration))
    return replace(
        present,
        snapshot_id=before.snapshot_id,
        export_limits=before.export_limits,
        balances=before.balances,
        counted_months=tuple(sorted({*before.counted_months, *_unknown_to(before, present)})),
        price_books=prices.price_books(session, begins),
        shared_costs=in_effect(prices.shared_costs(session), begins),
        custom_line_items=tuple(_items_in(session, month, present, begins)),
    )


def _items_in(
    session: Session, month: _Month, present: BillingInputs, begins: BillingPeriod
) -> Iterator[CustomLineItem]:
    """Those of the date on which all of the file is in effect, and what is of this month alone."""
    items = versions.custom_line_items(session, month.payer_account_id, begins)
    known = {each.key for each in items}
    alone = (each for each in present.custom_line_items if _is_once(each))
    yield from (each for each in alone if each.key not in known)
    for each in items:
        # As it is, where the month knows it: it may be the first or the last of its term.
        moved = each if each.is_in_effect(month.period) else _moved(each, month)
        if moved.is_in_effect(month.period):
            yield moved


def _moved(item: CustomLineItem, month: _Month) -> CustomLineItem:
    """What begins later, as if it began with the months that are planned.

    So what is charged once, or each quarter, is so over all of them. A minimum spend would ask for
    what none of these months has counted: each is the first of its term.
    """
    is_minimum = isinstance(item.charge, MinimumSpend)
    start = month.period if is_minimum else month.first_issued
    return replace(item, start=start, end=start.next if _is_once(item) else None, days=None)


def _is_once(item: CustomLineItem) -> bool:
    return item.end == item.start.next


def _unknown_to(before: BillingInputs, present: BillingInputs) -> Iterator[CountedMonth]:
    """Months that only what is configured now counts."""
    known = {(each.client, each.key, each.period) for each in before.counted_months}
    for each in present.counted_months:
        if (each.client, each.key, each.period) not in known:
            yield each


def _starts(configuration: Configuration) -> Iterator[BillingPeriod]:
    yield from (each.start for each in configuration.price_books)
    yield from (each.start for each in configuration.custom_line_items)
    yield from (each.start for each in configuration.shared_costs)


def _months(
    session: Session,
    period: BillingPeriod | None,
    since: BillingPeriod | None,
    payer: AccountId | None,
) -> Sequence[_Month]:
    """Raises UnknownPayer, NoSnapshot, BadInput."""
    if payer is not None:
        sellers.payer_account(session, payer)
    selling = [each.account_id for each in sellers.payer_accounts(session) if each.seller_key]
    payers = [payer] if payer else selling
    found = [each for one in payers for each in _months_of(session, one, period, since)]
    if not found:
        of = f"of {period} " if period else f"since {since} " if since else ""
        raise BadInput(f"there are no charges {of}to plan with yet: ingest an export first")
    return found


def _months_of(
    session: Session,
    payer: AccountId,
    period: BillingPeriod | None,
    since: BillingPeriod | None,
) -> Iterator[_Month]:
    """Latest first: until `since` or the last that was issued whole, or the one of `period`."""
    found: list[tuple[BillingPeriod, bool]] = []
    for each in snapshots.periods_of(session, payer):
        if period not in (None, each) or (since is not None and each < since):
            continue
        found.append((each, _is_issued(session, payer, each)))
        if found[-1][1] and since is None:
            break
    first = min((each for each, is_issued in found if is_issued), default=None)
    return (_Month(payer, each, is_issued, first or each) for each, is_issued in found)


def _is_issued(session: Session, payer: AccountId, period: BillingPeriod) -> bool:
    """A correction that waits for its approval leaves the month issued."""
    records = invoices.invoices_of(session, period, payer_account_id=payer)
    states = {each.state for each in records if not each.corrects} - {DraftState.NO_DOCUMENT}
    return states == {DraftState.ISSUED}
