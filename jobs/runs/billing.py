"""Owns the run that bills a payer's month: fix what goes in, then draft what comes out."""

from __future__ import annotations

from invoices.money import exact_sum, plain
from invoices.month import BilledMonth, bill
from invoices.month import Draft as MonthDraft
from jobs.environment import Environment, Report, Save, Step, StepResult
from kernel.findings import Finding, Severity
from service.actions.billing.propose_corrections import propose_corrections
from service.store.billing import corrections, drafts, months, snapshots
from service.store.billing.drafts import NewDraft, Saved
from service.store.billing.months import ClientFigures, MonthFigures
from service.store.plain import to_json
from service.store.runs import Run
from service.store.session import Session


def _fix_inputs(environment: Environment, run: Run, report: Report) -> Save:
    """From here on nothing that is configured meanwhile changes what this run drafts."""
    report("fixing the inputs", 0, 0)

    def save(session: Session) -> StepResult:
        today = environment.now().date()
        inputs = months.present_inputs(session, run.payer_account_id, run.period, today=today)
        inputs_id = months.put_inputs(session, inputs, environment.now())
        return StepResult({"inputs_id": inputs_id, "snapshot": inputs.snapshot_id})

    return save


def _draft(environment: Environment, run: Run, report: Report) -> Save:
    report("loading charges", 0, 0)
    inputs_id = run.outcome("inputs")["inputs_id"]
    with environment.database.transaction() as session:
        inputs = months.inputs(session, inputs_id)
        snapshot = snapshots.snapshot(session, inputs.snapshot_id)
        of_snapshot = months.findings_of(snapshot, inputs)
    charges = environment.snapshots.load(inputs.snapshot_id)

    report("allocating and pricing", 0, 0)
    month = bill(charges, inputs)
    new_drafts = [_to_new_draft(draft) for draft in month.drafts]

    def save(session: Session) -> StepResult:
        now = environment.now()
        saved = drafts.save_drafts(
            session,
            new_drafts,
            payer_account_id=run.payer_account_id,
            period=run.period,
            inputs_id=inputs_id,
            now=now,
            parked=month.parked,
        )
        saved = propose_corrections(
            session,
            saved,
            {draft.client: draft.document for draft in month.drafts},
            inputs_id=inputs_id,
            parked=month.parked,
            now=now,
        )
        figures = _figures(month, inputs_id, saved.findings)
        months.put_figures(
            session,
            figures,
            payer_account_id=run.payer_account_id,
            period=run.period,
            run_id=run.id,
            now=now,
        )
        waiting = corrections.waiting(session, run.payer_account_id, run.period)
        findings = {*figures.findings, *of_snapshot, *waiting}
        return StepResult(_outcome(month, saved), tuple(sorted(findings)))

    return save


def _to_new_draft(draft: MonthDraft) -> NewDraft:
    return NewDraft(
        client=draft.client,
        invoice=draft.document,
        content_id=draft.draft_id,
        working={"statement": to_json(draft.statement), "custom": [*map(to_json, draft.custom)]},
        cost=draft.statement.cost,
        price=draft.statement.price,
        others=draft.statement.others,
        gets_document=draft.gets_document,
    )


def _figures(month: BilledMonth, inputs_id: str, more: tuple[Finding, ...]) -> MonthFigures:
    custom = {
        draft.client: exact_sum(item.price for item in draft.custom) for draft in month.drafts
    }
    return MonthFigures(
        inputs_id=inputs_id,
        currency=month.currency,
        payer_total=month.payer_total,
        clients=tuple(
            ClientFigures(
                client=statement.client,
                cost=statement.cost,
                charges_price=statement.price,
                custom_price=custom.get(statement.client, exact_sum(())),
                others=statement.others,
            )
            for statement in month.statements
        ),
        retained=dict(month.retained),
        unassigned=exact_sum(account.net_billed_cost for account in month.unassigned),
        findings=tuple(sorted((*month.findings, *more))),
        others=month.others,
    )


def _outcome(month: BilledMonth, saved: Saved) -> dict[str, object]:
    others = [
        {"currency": each.currency, "payer_total": plain(each.payer_total)} for each in month.others
    ]
    return {
        "currency": month.currency,
        "payer_total": plain(month.payer_total),
        "drafted": list(saved.drafted),
        "unchanged": list(saved.unchanged),
        "draft_ids": dict(sorted(saved.kept_as.items())),
        "parked": sorted(
            {*month.parked}
            | {f.client for f in saved.findings if f.client and f.severity is Severity.CRITICAL}
        ),
        **({"other_currencies": others} if others else {}),
    }


STEPS = (Step("inputs", _fix_inputs), Step("drafts", _draft))
