"""What two billings of a month differ in: for our own people, since it shows drafts and rules."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from invoices.clients import AccountId
from invoices.comparison.lines import ClientDifference, LineChange
from invoices.comparison.totals import DocumentTotal
from invoices.periods import BillingPeriod
from kernel.errors import BadInput, NotFound
from service.api import cursors
from service.api.access import SessionDep, StaffDep
from service.api.billing.difference_schemas import (
    BillingItem,
    ClientDifferenceItem,
    DifferenceList,
    LineChangeItem,
    TotalDifferenceItem,
)
from service.api.billing.invoices import CLIENT_KEY, PERIOD
from service.api.billing.schemas import Money
from service.store.archive.billings import MonthDifference, month_difference
from service.store.billing import clients, months
from service.store.session import Session

router = APIRouter(tags=["periods"])

ACCOUNT = "^[0-9]{12}$"
RunId = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


@router.get("/periods/{period}/differences", operation_id="list_differences")
def list_differences(
    session: SessionDep,
    _key: StaffDep,
    period: Annotated[str, Path(pattern=PERIOD, examples=["2026-10"])],
    payer: Annotated[str | None, Query(pattern=ACCOUNT)] = None,
    client: Annotated[str | None, Query(pattern=CLIENT_KEY)] = None,
    before: RunId = None,
    after: RunId = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
) -> DifferenceList:
    """The last billing beside what is issued or approved, and else beside the one before it.

    `before` and `after` are billing runs, of those in `billings`. Clients that differ, by key;
    `totals` are of all of them. `limit` is at most 500.
    """
    found = month_difference(
        session,
        _payer(session, BillingPeriod.parse(period), payer),
        BillingPeriod.parse(period),
        before=before,
        after=after,
    )
    filters = {
        "period": period,
        "payer": payer,
        "client": client,
        "before": found.before,
        "after": str(found.after),
    }
    seen = _after(cursor, filters) if cursor else ""
    left = [each for each in found.clients if each.client > seen]
    of_client = [each for each in left if client in (None, each.client)]
    size = min(limit, 500)
    shown, has_more = of_client[:size], len(of_client) > size
    refs = clients.external_refs(session, [each.client for each in shown])
    return DifferenceList(
        items=[_to_api_client(each, refs[each.client]) for each in shown],
        next_cursor=cursors.encode((shown[-1].client,), filters) if has_more else None,
        has_more=has_more,
        payer_account_id=found.payer_account_id,
        before=found.before or None,
        after=str(found.after),
        parked=list(found.parked),
        totals=_to_api_totals(found),
        billings=[
            BillingItem(run=each.run_id, at=each.at.isoformat(), inputs_id=each.inputs_id)
            for each in found.kept
        ],
    )


def _payer(session: Session, period: BillingPeriod, payer: str | None) -> AccountId:
    """The one named, or the only one that is billed. Raises NotFound, BadInput."""
    billed = [each for each, month in months.billed_months(session) if month == period]
    found = [each for each in billed if payer in (None, each)]
    if not found:
        raise NotFound(f"{period} is not billed yet{f' for {payer}' if payer else ''}")
    if len(found) > 1:
        raise BadInput(f"several payers have {period}: name one as payer: {', '.join(found)}")
    return found[0]


def _after(cursor: str, filters: dict[str, str | None]) -> str:
    """The client that was seen last. Raises BadCursor."""
    position = cursors.decode(cursor, filters)
    if len(position) != 1:
        raise cursors.BadCursor
    return position[0]


def _to_api_totals(found: MonthDifference) -> list[TotalDifferenceItem]:
    return [
        TotalDifferenceItem(
            currency=currency, before=str(old), after=str(new), difference=str(new - old)
        )
        for currency, (old, new) in found.totals.items()
    ]


def _to_api_client(client: ClientDifference, refs: dict[str, str]) -> ClientDifferenceItem:
    return ClientDifferenceItem(
        client=client.client,
        external_refs=refs,
        before=_money(client.before),
        after=_money(client.after),
        difference=None if client.difference is None else str(client.difference),
        tax_before=str(client.tax_before),
        tax_after=str(client.tax_after),
        causes=list(client.causes),
        lines=[*map(_to_api_line, client.lines)],
    )


def _money(asked: DocumentTotal | None) -> Money | None:
    return None if asked is None else Money(amount=str(asked.total), currency=asked.currency)


def _to_api_line(line: LineChange) -> LineChangeItem:
    return LineChangeItem(
        key=line.key,
        account_id=line.account_id,
        service=line.service,
        description=line.description,
        before=None if line.before is None else str(line.before),
        after=None if line.after is None else str(line.after),
        difference=None if line.difference is None else str(line.difference),
        causes=list(line.causes),
        rules_before=list(line.rules_before),
        rules_after=list(line.rules_after),
    )
