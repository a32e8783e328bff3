"""Owns the root part of the daily look: AWS is asked, members one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from accounts.model.decision import Answer, Call, Refusal
from accounts.model.organization import Reseller
from accounts.monitoring import root_audit
from jobs.aws.calls import Caller
from jobs.onboarding.performing import perform, to_answer
from kernel.findings import Finding

ROOT_WATCH = "watch"
REPORT_TRIES = 10
REPORT_SECONDS = 3.0
"""AWS makes a report in some seconds; one that takes longer is read tomorrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootMember:
    account_id: str
    may_delete: bool
    """We created it, or its client agreed that it has no root credentials."""
    audited_at: datetime | None
    is_troubled: bool
    """The last audit found something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootLook:
    findings: tuple[Finding, ...]
    audited: frozenset[str]


def look_at_root(
    caller: Caller,
    reseller: Reseller,
    members: Mapping[str, RootMember],
    *,
    now: datetime,
    sleep: Callable[[float], object],
) -> RootLook:
    """The payer's root, its central management, and the members whose turn it is.

    While AWS allows no root sessions nobody is audited: that is one finding, not one of each.
    """
    payer = reseller.payer_account_id
    central = root_audit.central_findings(
        payer, _ask(caller, root_audit.SEE_FEATURES), _ask(caller, root_audit.SEE_TRUSTED)
    )
    findings = [*central, *_payer(caller, payer, now=now, sleep=sleep)]
    if any(each.code in root_audit.NO_AUDITS for each in central):
        return RootLook(findings=tuple(findings), audited=frozenset())
    due = root_audit.due_audits(
        members,
        {each.account_id: each.audited_at for each in members.values() if each.audited_at},
        troubled=frozenset(each.account_id for each in members.values() if each.is_troubled),
        now=now,
    )
    for account_id in due:
        answer = _ask(caller, root_audit.audit_member(reseller, account_id))
        may_delete = members[account_id].may_delete
        findings += root_audit.member_findings(account_id, answer, may_delete=may_delete)
    return RootLook(findings=tuple(findings), audited=frozenset(due))


def _payer(
    caller: Caller, payer: str, *, now: datetime, sleep: Callable[[float], object]
) -> list[Finding]:
    return root_audit.payer_findings(
        payer,
        summary=_ask(caller, root_audit.SEE_PAYER),
        report=_report(caller, sleep),
        apps=_ask(caller, root_audit.SEE_APPS),
        now=now,
    )


def _report(caller: Caller, sleep: Callable[[float], object]) -> Answer:
    """AWS makes one where there is none of the last four hours."""
    made = _ask(caller, root_audit.MAKE_REPORT)
    report = _ask(caller, root_audit.SEE_REPORT)
    tries = 0 if isinstance(made, Refusal) else REPORT_TRIES
    while isinstance(report, Refusal) and report.code in root_audit.NOT_READY and tries:
        sleep(REPORT_SECONDS)
        report = _ask(caller, root_audit.SEE_REPORT)
        tries -= 1
    return report


def _ask(caller: Caller, call: Call) -> Answer:
    return to_answer(perform(caller, call, onboarding_id=ROOT_WATCH, person=""))
