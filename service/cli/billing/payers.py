"""Owns which payers a command of a month is about."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from kernel.errors import BadInput, Refused
from service.store.billing import months, sellers, snapshots
from service.store.database import Database

T = TypeVar("T")


def payers_of(
    database: Database, period: BillingPeriod, payer: str | None
) -> tuple[AccountId, ...]:
    """The payer named, or all that have charges of `period`. Raises UnknownPayer, BadInput."""
    with database.transaction() as session:
        if payer is not None:
            return (sellers.payer_account(session, payer).account_id,)
        found = snapshots.payers_with_snapshot(session, period)
    if not found:
        raise BadInput(f"there are no charges of {period} yet: ingest an export first")
    return found


def payers_without_charges(database: Database, period: BillingPeriod) -> tuple[AccountId, ...]:
    """Those that we sell for, and of which no export of `period` was taken in."""
    with database.transaction() as session:
        selling = {each.account_id for each in sellers.payer_accounts(session) if each.seller_key}
        return tuple(sorted(selling - set(snapshots.payers_with_snapshot(session, period))))


def payers_to_prove(database: Database, period: BillingPeriod) -> list[AccountId]:
    """All that are billed in `period` or have charges of it. Raises BadInput where none is."""
    with database.transaction() as session:
        billed = {each for each, month in months.billed_months(session) if month == period}
        there = snapshots.payers_with_snapshot(session, period)
    if not billed:
        raise BadInput(f"{period} is not billed yet: run `rebill bill --period {period}`")
    return sorted({*billed, *there})


def each_payer(
    payers: Sequence[AccountId], act: Callable[[AccountId], T]
) -> dict[AccountId, T | Refused]:
    """By payer, what came of it: what stops one payer does not stop the next.

    Of a single payer the reason is raised.
    """
    done: dict[AccountId, T | Refused] = {}
    for payer in payers:
        try:
            done[payer] = act(payer)
        except Refused as reason:
            if len(payers) == 1:
                raise
            done[payer] = reason
    return done


def one_payer(database: Database, period: BillingPeriod, payer: str | None) -> AccountId:
    """The payer named, or the only one that is billed in `period`. Raises BadInput."""
    if payer is not None:
        return payers_of(database, period, payer)[0]
    with database.transaction() as session:
        found = [each for each, billed in months.billed_months(session) if billed == period]
    if not found:
        raise BadInput(f"{period} is not billed yet: run `rebill bill --period {period}`")
    if len(found) > 1:
        raise BadInput(f"several payers have {period}: name one with --payer: {', '.join(found)}")
    return found[0]
