"""Owns which payers a command of a month is about."""

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from kernel.errors import BadInput
from service.store.billing import months, sellers, snapshots
from service.store.database import Database


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
