"""Owns the run that takes in an export: read it, keep its charges, make them the month's."""

from __future__ import annotations

from jobs.environment import Environment, Report, Save, Step, StepResult
from jobs.ingest.run import IngestRequest, ingest
from jobs.ingest.summary.facts import to_json
from service.actions.billing.record_snapshot import record_snapshot
from service.store.billing.snapshots import Snapshot
from service.store.runs import Run
from service.store.session import Session


def _read(environment: Environment, run: Run, report: Report) -> Save:
    """Charges are kept under their content id, so that a repeat keeps nothing twice."""
    request = IngestRequest(
        location=run.request["location"],
        payer_account_id=run.payer_account_id,
        period=run.period,
        dialect=run.request["dialect"],
        tags=tuple(run.request.get("tags", ())),
    )
    ingested = ingest(request, cache=environment.cache, progress=report)
    snapshot_id = environment.snapshots.keep(ingested.charges)
    facts = to_json(ingested.facts, snapshot_id)
    snapshot = Snapshot(
        id=snapshot_id,
        payer_account_id=run.payer_account_id,
        period=run.period,
        dialect=ingested.facts.dialect,
        source_rows=ingested.facts.rows,
        finalized=ingested.facts.finalized,
        facts=facts,
        findings=ingested.facts.findings,
    )

    def save(session: Session) -> StepResult:
        record_snapshot(session, snapshot, actor=run.requested_by, now=environment.now())
        return StepResult(facts, snapshot.findings)

    return save


STEPS = (Step("read", _read),)
