"""Owns proving a month against AWS's own figures: Cost Explorer is asked, and compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from invoices.clients import AccountId
from invoices.control_totals import ControlTotal, differs
from invoices.periods import BillingPeriod
from invoices.reconciliation import Reconciliation
from jobs import control_file
from jobs.control_file import ControlFile
from jobs.environment import Environment
from jobs.estimates import (
    AskCostExplorer,
    StoredAnswers,
    ask_anew,
    control_totals,
    month_to_date,
    to_estimate,
)
from service.actions.billing.record_control_file import record_control_file
from service.store.billing import estimates, months, snapshots


def reconcile(
    environment: Environment,
    payer_account_id: AccountId,
    period: BillingPeriod,
    *,
    ask: AskCostExplorer | None = None,
    control: ControlFile | None = None,
    actor: str = "",
) -> Reconciliation:
    """The proof, beside what Cost Explorer said when it was last asked; with `ask`, it is asked.

    And beside the totals of a file, where one is given: what it says is kept, with the `actor`.

    An answer binds once it is about the whole month and AWS calls it an estimate no more. Where
    it differs, the accounts and kinds that differ are named. It is asked again while it is not
    final, and once after every export that came later: AWS may have restated the month.
    Raises NotBilled, NoEstimate, CostExplorerFails.
    """
    answers = StoredAnswers(environment.database, payer_account_id, period)
    kept = answers.latest()
    if ask is not None:
        if kept is not None and kept.asked_at < _billed_since(environment, answers):
            ask_anew(period, answers=answers, ask=ask, now=environment.now())
        elif kept is None or not estimates.is_final(kept, period):
            month_to_date(period, answers=answers, ask=ask, now=environment.now())
    shown = _differing(environment, answers)
    with environment.database.transaction() as session:
        if control is not None:
            billed = months.billed_snapshot(session, payer_account_id, period)
            totals = control_file.control_totals(control, billed.facts)
            record = control_file.to_record(
                control,
                totals,
                snapshot_id=billed.id,
                bill_currency=months.figures(session, payer_account_id, period).currency,
                actor=actor,
                now=environment.now(),
            )
            record_control_file(session, record, payer_account_id=payer_account_id, period=period)
            shown += totals
        return months.reconciliation(session, payer_account_id, period, control_totals=shown)


def _billed_since(environment: Environment, answers: StoredAnswers) -> datetime:
    with environment.database.transaction() as session:
        billed = months.billed_snapshot(session, answers.payer_account_id, answers.period)
        return snapshots.current_since(session, billed.id)


def _differing(environment: Environment, answers: StoredAnswers) -> list[ControlTotal]:
    kept = answers.latest()
    if kept is None or not estimates.is_final(kept, answers.period):
        return []
    with environment.database.transaction() as session:
        snapshot = months.billed_snapshot(session, answers.payer_account_id, answers.period)
        figures = months.figures(session, answers.payer_account_id, answers.period)
    groups = [g for g in kept.answer["groups"] if estimates.is_comparable(g, snapshot.facts)]
    if kept.answer["groups"] and not groups:
        return []
    comparable = replace(kept, answer={"groups": groups})
    totals = control_totals(to_estimate(answers.period, comparable), snapshot.facts)
    return [total for total in totals if differs(total, figures.currency)]
