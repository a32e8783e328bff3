"""Owns short verbs for tests that move a month: each asks for a run and follows it to its end."""

from __future__ import annotations

from datetime import date

from invoices.periods import BillingPeriod
from jobs.environment import Environment
from jobs.runs import engine
from service.actions.billing import request_run
from service.actions.billing.approve_drafts import approve_drafts
from service.store.billing import documents
from service.store.billing.documents import Issued
from service.store.runs import Run
from tests.support.builders import OCTOBER, PAYER

TODAY = date(2026, 11, 23)


def ask_to_bill(environment: Environment, period: BillingPeriod = OCTOBER) -> int:
    with environment.database.transaction() as session:
        return request_run.request_billing(
            session, PAYER, period, actor="test", now=environment.now()
        )


def ask_to_issue(
    environment: Environment,
    period: BillingPeriod = OCTOBER,
    *,
    client: str | None = None,
    issued_on: date = TODAY,
    allow_unfinalized: bool = False,
) -> int:
    with environment.database.transaction() as session:
        return request_run.request_issuing(
            session,
            PAYER,
            period,
            client=client,
            issued_on=issued_on,
            allow_unfinalized=allow_unfinalized,
            actor="test",
            now=environment.now(),
        )


def bill(environment: Environment, period: BillingPeriod = OCTOBER) -> Run:
    return engine.follow(environment, ask_to_bill(environment, period))


def approve_all(environment: Environment, period: BillingPeriod = OCTOBER) -> int:
    """How many it approved."""
    with environment.database.transaction() as session:
        return len(approve_drafts(session, period, actor="test", now=environment.now()))


def issue(environment: Environment, period: BillingPeriod = OCTOBER) -> Run:
    return engine.follow(environment, ask_to_issue(environment, period))


def issued(environment: Environment, period: BillingPeriod = OCTOBER) -> tuple[Issued, ...]:
    with environment.database.transaction() as session:
        return documents.issued_documents(session, PAYER, period)
