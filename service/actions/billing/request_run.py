"""Owns asking for long work: an ingest, billing or issuing is recorded, its job enqueued."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from kernel.errors import BadInput
from service.store import runs
from service.store.billing import sellers
from service.store.session import Session
from service.store.tables.runs import RunKind


def request_ingest(
    session: Session,
    payer_account_id: AccountId,
    period: BillingPeriod,
    *,
    location: str,
    dialect: str,
    actor: str,
    now: datetime,
) -> int:
    """The run's id. A local `location` is a path that the worker can reach.

    A payer needs no configuration before its exports are taken in.
    """
    sellers.note_payer_account(session, payer_account_id)
    request = {"location": location, "dialect": dialect}
    return _request(session, RunKind.INGEST, payer_account_id, period, request, actor, now)


def request_billing(
    session: Session,
    payer_account_id: AccountId,
    period: BillingPeriod,
    *,
    actor: str,
    now: datetime,
) -> int:
    """The run's id. Raises UnknownPayer."""
    return _request(session, RunKind.BILLING, payer_account_id, period, {}, actor, now)


def request_issuing(
    session: Session,
    payer_account_id: AccountId,
    period: BillingPeriod,
    *,
    client: str | None = None,
    issued_on: date,
    allow_unfinalized: bool = False,
    actor: str,
    now: datetime,
) -> int:
    """The run's id: it issues what is approved (of one client, or of all).

    Raises UnknownPayer, IssueDayRefused.
    """
    check_issue_day(period, issued_on, now)
    request = {
        "client": client,
        "issued_on": issued_on.isoformat(),
        "allow_unfinalized": allow_unfinalized,
    }
    return _request(session, RunKind.ISSUING, payer_account_id, period, request, actor, now)


class IssueDayRefused(BadInput):
    code = "issue_day_refused"


def check_issue_day(period: BillingPeriod, issued_on: date, now: datetime) -> None:
    """Numbers follow the days of issue, so one wrong day to come would hold up all later documents.

    Today is any day that has begun somewhere: UTC+14 is the first to have it. Raises
    IssueDayRefused.
    """
    today = (now.astimezone(UTC) + FIRST_TO_HAVE_A_DAY).date()
    if issued_on > today:
        raise IssueDayRefused(
            f"{issued_on} is still to come; issue with today's date or an earlier one"
        )
    if issued_on < period.end:
        raise IssueDayRefused(
            f"{period} is not over on {issued_on}; its invoices are dated {period.end} or later"
        )


FIRST_TO_HAVE_A_DAY = timedelta(hours=14)


def _request(
    session: Session,
    kind: RunKind,
    payer_account_id: AccountId,
    period: BillingPeriod,
    request: Mapping[str, object],
    actor: str,
    now: datetime,
) -> int:
    sellers.payer_account(session, payer_account_id)
    return runs.request_run(
        session,
        kind=kind,
        payer_account_id=payer_account_id,
        period=period,
        request=request,
        actor=actor,
        now=now,
    )
