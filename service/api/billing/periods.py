"""Billing periods, as our own people see them."""

import re
from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query

from service.api import cursors
from service.api.access import SessionDep, StaffDep
from service.api.billing.schemas import PeriodList, to_api_period
from service.store.billing import invoices, months

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
    billed = [
        (payer, period)
        for payer, period in months.billed_months(session)
        if after is None or (-_month(str(period)), payer) > (-_month(after[0]), after[1])
    ]
    shown = billed[:size]
    items = []
    for payer, period in shown:
        records = invoices.invoices_of(session, period, payer_account_id=payer)
        states = Counter(record.state.value for record in records)
        items.append(to_api_period(months.reconciliation(session, payer, period), dict(states)))
    has_more = len(billed) > size
    last = (str(shown[-1][1]), shown[-1][0]) if has_more else None
    return PeriodList(
        items=items, next_cursor=cursors.encode(last, {}) if last else None, has_more=has_more
    )


def _after(cursor: str) -> tuple[str, str]:
    """Period and payer of the last month seen. Raises BadCursor."""
    position = cursors.decode(cursor, {})
    if len(position) != 2 or not re.fullmatch("[0-9]{4}-[0-9]{2}", position[0]):
        raise cursors.BadCursor
    return position[0], position[1]


def _month(period: str) -> int:
    return int(period.replace("-", ""))
