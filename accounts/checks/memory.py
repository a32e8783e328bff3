"""Owns what an answer of AWS changes: what is observed, and what of it outlives the visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from accounts.aws.responses import is_informative, observe
from accounts.checks.dependencies import FAMILY, dependency_findings
from accounts.checks.guardrails import cost_tag_findings
from accounts.checks.root_user import root_findings
from accounts.engine.recognition import creations_of, handshake_of, transfer_of
from accounts.engine.transitions import attribute_creations, record_outcome
from accounts.model.decision import Answer, Call, Refusal
from accounts.model.observed import Observed
from accounts.model.record import Record
from accounts.model.request import AccountRequest
from kernel.findings import Finding


def record_answer(
    request: AccountRequest,
    observed: Observed,
    record: Record,
    call: Call,
    answer: Answer,
    now: datetime,
) -> tuple[Observed, Record]:
    """What is seen and remembered after a call was answered or refused."""
    told = is_informative(call, answer)
    observed = observe(observed, call, answer)
    record = record_outcome(
        record, call, {} if told and isinstance(answer, Refusal) else answer, now
    )
    return observed, _remember(request, observed, record, call) if told else record


def _remember(request: AccountRequest, observed: Observed, record: Record, call: Call) -> Record:
    """What of the facts outlives the visit."""
    match call.fills:
        case "creations":
            return attribute_creations(record, creations_of(request, observed))
        case "handshakes" if handshake := handshake_of(request, observed, record):
            return replace(record, handshake_id=handshake.handshake_id)
        case "transfers" if transfer := transfer_of(request, observed, record):
            return replace(record, transfer_id=transfer.transfer_id)
        case "contacts" if call.subject not in record.prior_contacts:
            kept = {**record.prior_contacts, call.subject: observed.contacts[call.subject]}
            return replace(record, prior_contacts=kept)
        case "root":
            return _with_findings(record, root_findings(record.account_id, observed), "root_")
        case "stack_sets" | "dependencies":
            found = dependency_findings(record.account_id, observed)
            return _with_findings(record, found, FAMILY)
        case "cost_tags":
            return _with_findings(record, cost_tag_findings(observed, request), "cost_tag_")
    return record


def _with_findings(record: Record, found: Mapping[str, Finding], family: str) -> Record:
    others = {code: each for code, each in record.findings.items() if not code.startswith(family)}
    return replace(record, findings={**others, **found})
