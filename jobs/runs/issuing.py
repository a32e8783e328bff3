"""Owns the run that issues a payer's month: choose the approved, number them, render them."""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from invoices.checks.configuration import OF_PARTIES
from invoices.clients import ClientKey
from invoices.month import bill, inputs_id
from invoices.periods import BillingPeriod
from invoices.render import FORMATS, render
from jobs.environment import Environment, Report, Save, Step, StepResult
from jobs.verification.remembering import remember
from kernel.errors import Refused
from kernel.findings import Finding, Severity
from service.actions.billing.issue_invoice import issue_invoice
from service.actions.billing.propose_corrections import outdated_corrections
from service.store.billing import carry_forward, documents, drafts, invoices, months
from service.store.billing.carry_forward import BalanceGone
from service.store.billing.corrections import CorrectionOutdated
from service.store.billing.documents import BuyerIncomplete
from service.store.billing.drafts import NotPossible
from service.store.billing.items import spend, versions
from service.store.billing.items.prepayments import PrepaidGone
from service.store.billing.months import Gate
from service.store.runs import Run
from service.store.session import Session
from service.store.tables.months import DraftState


class MonthIsBlocked(Refused):
    """Nothing of the month may be issued as it stands."""

    code = "month_blocked"

    def __init__(self, run: Run, reasons: tuple[str, ...]) -> None:
        super().__init__(f"{run.period} of {run.payer_account_id} cannot be issued: {reasons[0]}")
        self.reasons = reasons


def _choose(environment: Environment, run: Run, report: Report) -> Save:
    """Which drafts this run issues is fixed here, in the order of their numbers."""
    report("checking the month", 0, 0)
    outdated = _outdated(environment, run)

    def save(session: Session) -> StepResult:
        proof = months.reconciliation(session, run.payer_account_id, run.period)
        gate = months.gate(proof, allow_unfinalized=run.request["allow_unfinalized"])
        every = invoices.invoices_of(
            session,
            run.period,
            payer_account_id=run.payer_account_id,
            client=run.request["client"],
            states=(DraftState.APPROVED,),
        )
        # What a person credits is of an issued invoice, whatever the month comes to by now.
        by_hand = [each for each in every if each.is_by_hand]
        approved = [each for each in every if not each.is_by_hand]
        if gate.month and not by_hand:
            raise MonthIsBlocked(run, gate.month)
        in_doubt = _balances_in_doubt(session, run, {each.id for each in approved})
        unsettled = spend.open_months(
            session,
            run.payer_account_id,
            run.period,
            versions.custom_line_items(session, run.payer_account_id, run.period),
        )
        reasons = {**in_doubt, **unsettled, **outdated, **gate.parked}
        if gate.month:
            reasons |= {ClientKey(each.client): gate.month[0] for each in approved}
        parked = {each.client for each in approved if ClientKey(each.client) in reasons}
        # Numbers are given in this order, whoever resumes the run:
        # `tests/jobs/runs/test_issuing.py`,
        # `test_the_approved_are_numbered_by_client_key_and_rendered_in_every_format`.
        issuable = [each for each in approved if each.client not in parked] + by_hand
        chosen = sorted((each.client, each.id) for each in issuable)
        findings = [_parked(client, reasons[ClientKey(client)]) for client in parked]
        if chosen:
            findings += _day_ahead(run, documents.database_now(session))
        outcome = {"chosen": [draft_id for _, draft_id in chosen], "parked": sorted(parked)}
        return StepResult(outcome, tuple(sorted(findings)))

    return save


def _outdated(environment: Environment, run: Run) -> dict[ClientKey, str]:
    """By client: an approved draft that billing the month now would not make again.

    What was configured since is what the next billing finds; a number, once given, would keep
    the wrong figure for ever. A delivery that came since stops all of the month, in its proof.
    """
    issued_on = date.fromisoformat(run.request["issued_on"])
    with environment.database.transaction() as session:
        billed = months.figures(session, run.payer_account_id, run.period).inputs_id
        present = months.present_inputs(session, run.payer_account_id, run.period, today=issued_on)
    if inputs_id(present) == billed:
        return {}
    month = bill(environment.snapshots.load(present.snapshot_id), present)
    made = {each.client: (each.document, each.gets_document) for each in month.drafts}
    with environment.database.transaction() as session:
        outdated = drafts.outdated_approvals(
            session,
            made,
            payer_account_id=run.payer_account_id,
            period=run.period,
            parked=month.parked,
        )
        outdated |= outdated_corrections(
            session,
            {each.client: each.document for each in month.drafts},
            payer_account_id=run.payer_account_id,
            period=run.period,
            parked=month.parked,
        )
    return outdated | {
        ClientKey(each.client): each.message
        for each in month.findings
        if each.client
        and each.severity is Severity.CRITICAL
        # Who both parties are is read, and said, when the number is given.
        and each.code not in OF_PARTIES
    }


def _balances_in_doubt(
    session: Session, run: Run, draft_ids: Collection[int]
) -> dict[ClientKey, str]:
    """By client: a month that may not be issued leaves no balance that may."""
    gates: dict[BillingPeriod, Gate] = {}
    doubts = {}
    for each in carry_forward.takings(session, run.payer_account_id):
        if each.by_draft not in draft_ids:
            continue
        if each.period not in gates:
            proof = months.reconciliation(session, run.payer_account_id, each.period)
            allowed = run.request["allow_unfinalized"]
            gates[each.period] = months.gate(proof, allow_unfinalized=allowed)
        gate = gates[each.period]
        for reason in (*gate.month, *filter(None, [gate.parked.get(each.client)])):
            doubts[each.client] = f"the balance of {each.client} from {each.period}: {reason}"
    return doubts


def _parked(client: str, reason: str) -> Finding:
    return Finding(Severity.CRITICAL, "not_issued", client, reason, client)


def _day_ahead(run: Run, now: datetime) -> list[Finding]:
    """Today is any day that has begun somewhere; who did not mean the east is told what it does."""
    issued_on, today = date.fromisoformat(run.request["issued_on"]), now.astimezone(UTC).date()
    if issued_on <= today:
        return []
    words = (
        f"{issued_on} has begun east of Greenwich only: it is {now.astimezone(UTC):%Y-%m-%d %H:%M} "
        f"UTC. No later document of this series can be dated {today}."
    )
    return [Finding(Severity.WARNING, "issue_day_ahead", str(issued_on), words)]


def _number(environment: Environment, run: Run, report: Report) -> Save:
    """One transaction per document, so that the lock on the series is held for moments."""
    chosen = run.outcome("choose")["chosen"]
    issued_on = date.fromisoformat(run.request["issued_on"])
    numbers: list[str] = []
    findings: list[Finding] = []
    for done, draft_id in enumerate(chosen):
        report("issuing", done, len(chosen))
        try:
            with environment.database.transaction() as session:
                issued = issue_invoice(
                    session,
                    draft_id,
                    issued_on=issued_on,
                    actor=run.requested_by,
                    now=environment.now(),
                )
            numbers.append(issued.number)
        except (
            NotPossible,
            BalanceGone,
            PrepaidGone,
            BuyerIncomplete,
            CorrectionOutdated,
        ) as changed:
            findings.append(
                Finding(Severity.WARNING, "not_issued", f"invoice {draft_id}", str(changed))
            )
    return lambda _: StepResult({"numbers": numbers}, tuple(findings))


def _render(environment: Environment, run: Run, report: Report) -> Save:
    """Apart from numbering, since it takes long and can be repeated: equal bytes every time."""
    chosen = run.outcome("choose")["chosen"]
    # Typst lets go of Python's lock, so threads use all cores.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for done, _ in enumerate(threads.map(partial(_render_one, environment), chosen)):
            report("rendering", done, len(chosen))
    outcome: dict[str, Any] = {"documents": len(chosen), "formats": list(FORMATS)}
    # No step of its own: a run that an older version began has the steps of then.
    findings = remember(environment)
    return lambda _: StepResult(outcome, findings)


def _render_one(environment: Environment, draft_id: int) -> None:
    """The files that an issued document does not have yet; nothing for one that got no number."""
    with environment.database.transaction() as session:
        issued = documents.document_of(session, draft_id)
        if issued is None:
            return
        there = documents.formats_of(session, issued.id)
    missing = [extension for extension in FORMATS if extension not in there]
    contents = {extension: render(issued.invoice, extension) for extension in missing}
    with environment.database.transaction() as session:
        documents.put_files(session, issued.id, contents)


STEPS = (Step("choose", _choose), Step("number", _number), Step("render", _render))
