"""Owns asking for long work: an ingest, billing or issuing is recorded, its job enqueued."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from service.actions.billing.issue_day import Override, check_issue_day, facts_of
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
    delivery: str = "",
    actor: str,
    now: datetime,
) -> int:
    """The run's id. A local `location` is a path that the worker can reach.

    `delivery` is what the schedule knows the files by. A payer needs no configuration before its
    exports are taken in; the tags to keep are its.
    """
    sellers.note_payer_account(session, payer_account_id)
    tags = sellers.payer_account(session, payer_account_id).tags
    request = {"location": location, "dialect": dialect, "tags": [*tags]}
    if delivery:
        request["delivery"] = delivery
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
    override: Override | None = None,
    actor: str,
    now: datetime,
) -> int:
    """The run's id: it issues what is approved (of one client, or of all).

    `override` is kept with it where the day needs one. Raises UnknownPayer, IssueDayRefused.
    """
    facts = facts_of(session, payer_account_id, period)
    doubt = check_issue_day(period, issued_on, facts, override)
    request: dict[str, object] = {
        "client": client,
        "issued_on": issued_on.isoformat(),
        "allow_unfinalized": allow_unfinalized,
    }
    if override is not None and doubt:
        request["override"] = {"doubt": doubt, "reason": override.reason, "by": override.by}
    return _request(session, RunKind.ISSUING, payer_account_id, period, request, actor, now)


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
