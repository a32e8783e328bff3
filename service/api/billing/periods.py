"""Billing periods, as our own people see them."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from service.api import cursors
from service.api.access import SessionDep, StaffDep
from service.api.billing.schemas import PeriodList, to_api_period
from service.store.billing import clients, invoices, months

router = APIRouter(tags=["periods"])


@router.get("/periods", operation_id="list_periods")
def list_periods(
    session: SessionDep,
    _key: StaffDep,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
) -> PeriodList:
    """Billed months of all payers, latest first."""
    size = min(limit, 500)
    after = _after(cursor) if cursor else None
    billed = months.billed_months(session, after=after, limit=size + 1)
    shown, has_more = billed[:size], len(billed) > size
    items = []
    for payer, period in shown:
        records = invoices.invoices_of(session, period, payer_account_id=payer)
        states = Counter(record.state.value for record in records)
        proof = months.reconciliation(session, payer, period)
        refs = clients.external_refs(session, [each.client for each in proof.carried_forward])
        items.append(to_api_period(proof, dict(states), refs))
    last = (str(shown[-1][1]), shown[-1][0]) if has_more else None
    return PeriodList(
        items=items, next_cursor=cursors.encode(last, {}) if last else None, has_more=has_more
    )


def _after(cursor: str) -> tuple[AccountId, BillingPeriod]:
    """Payer and period of the last month seen. Raises BadCursor."""
    match cursors.decode(cursor, {}):
        case (period, payer_account_id):
            try:
                return AccountId(payer_account_id), BillingPeriod.parse(period)
            except ValueError:
                raise cursors.BadCursor from None
    raise cursors.BadCursor
