"""Owns which payers a command of a month is about."""

from collections.abc import Callable, Mapping, Sequence

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from kernel.errors import BadInput, Refused
from service.store.billing import months, sellers, snapshots
from service.store.database import Database
from service.store.runs import Run


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


class PartlyDone(Refused):
    """Of several payers some were done; their work stands."""

    code = "partly_done"

    def __init__(self, done: Sequence[Run], refused: Mapping[AccountId, Refused]) -> None:
        finished = ", ".join(run.payer_account_id for run in done) or "no payer"
        reasons = "; ".join(f"{payer}: {reason}" for payer, reason in refused.items())
        super().__init__(f"done for {finished}; not for {reasons}")
        self._refused = tuple(refused.values())

    def all_are(self, kind: type[Refused]) -> bool:
        return all(isinstance(each, kind) for each in self._refused)


def each_payer(payers: Sequence[AccountId], act: Callable[[AccountId], Run]) -> list[Run]:
    """The finished runs: what stops one payer does not stop the next. Raises PartlyDone.

    Of a single payer the reason itself.
    """
    done: list[Run] = []
    refused: dict[AccountId, Refused] = {}
    for payer in payers:
        try:
            done.append(act(payer))
        except Refused as reason:
            if len(payers) == 1:
                raise
            refused[payer] = reason
    if refused:
        raise PartlyDone(done, refused)
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
