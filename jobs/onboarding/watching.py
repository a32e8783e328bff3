"""Owns the daily look at an organization: what changed outside Rebill is stored and reported."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from accounts.aws.reads import read_account_tags, read_accounts, read_roles, read_session_lengths
from accounts.aws.responses import observe
from accounts.engine.transitions import apply_entry
from accounts.iam.role_catalogue import MSP_AUTOMATION, ROLE_PATH, role_arn
from accounts.model.decision import Actor, Call, Reach, Refusal, Session
from accounts.model.lifecycle import Stage
from accounts.model.observed import Observed, ObservedAccount
from accounts.model.organization import OnboardingKind, Reseller
from accounts.model.request import Consent
from accounts.monitoring import mailbox_canary
from accounts.monitoring.first_cost import first_cost_findings
from accounts.monitoring.guardrails import guard_findings, guard_looks
from accounts.monitoring.membership import (
    KnownAccount,
    Membership,
    RosterChange,
    as_named,
    compare_membership,
    role_findings,
)
from accounts.monitoring.root_audit import MEMBER_CODES
from accounts.root_access.root_task import recovery_finding
from invoices.clients import OverlappingAssignments
from jobs.aws.calls import Answered, Caller
from jobs.onboarding.advance import lock_of
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.performing import perform, to_answer
from jobs.onboarding.root_watching import RootMember, look_at_root
from jobs.onboarding.settings_watching import look_at_settings
from kernel.errors import Unavailable
from kernel.findings import Finding, critical
from service.actions.onboarding.note_first_costs import note_first_costs
from service.store import session as store_session
from service.store.access import audit
from service.store.accounts import (
    first_costs,
    members,
    onboardings,
    resellers,
    root_security,
    root_tasks,
)
from service.store.accounts.onboardings import Onboarding
from service.store.billing import assignments, clients, sellers

WATCH = "watch"


class ListNotShown(Unavailable):
    """AWS did not show the list; nothing is concluded from what was not seen."""

    code = "aws_not_seen"


def watch(
    environment: OnboardingEnvironment,
    payer_account_id: str,
    *,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[Finding, ...]:
    """All findings of today, also stored. Raises ListNotShown; nothing while others are at it."""
    return look(environment, payer_account_id, sleep=sleep) or ()


def look(
    environment: OnboardingEnvironment,
    payer_account_id: str,
    *,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[Finding, ...] | None:
    """As `watch`; None where others are at it."""
    with environment.database.try_lock(lock_of(payer_account_id)) as is_ours:
        if not is_ours:
            return None
        caller = environment.caller
        with environment.database.transaction() as session:
            reseller = resellers.reseller(session, payer_account_id)
            known = members.known_accounts(session, payer_account_id, environment.now())
            every = onboardings.onboardings(session, payer_account_id=payer_account_id)
            settled = [each for each in every if each.stage is Stage.LIVE]
            keys = frozenset(str(client.key) for client in clients.clients(session))
            audited = root_security.audited(session, payer_account_id)
            open_findings = members.open_findings(session, payer_account_id)
            internal = sellers.payer_account(session, payer_account_id).internal_accounts
            note_first_costs(session, payer_account_id, environment.now())
            awaited = first_costs.costs_awaited(session, payer_account_id)
            covered_until = first_costs.covered_until(session, payer_account_id)
            recoveries = root_tasks.open_recoveries(session, payer_account_id)
        seen = as_named(members_of_aws(caller), ((each.account_id, each.request) for each in every))
        own = {payer_account_id, reseller.access_account_id}
        # Of our own accounts none is looked at as a client's; that one left is told all the same.
        own |= internal - {account.account_id for account in known}
        ours = own | {account.account_id for account in known}
        tags = {
            account.account_id: _tags(caller, account.account_id)
            for account in seen
            if account.account_id not in ours
        }
        now = environment.now()
        found = compare_membership(
            reseller,
            [each for each in known if each.account_id not in own],
            [each for each in seen if each.account_id not in own],
            tags=tags,
            clients=keys,
            today=now.astimezone(UTC).date(),
        )
        there = {account.account_id for account in seen}
        live = [each for each in settled if each.state == Stage.LIVE]
        findings = [*found.findings]
        findings += first_cost_findings(awaited, covered_until=covered_until, now=now)
        watched = []
        for onboarding in live:
            if onboarding.account_id in there:
                roles, observed = _role_findings(caller, reseller, onboarding)
                findings += roles
                watched.append((onboarding, observed))
        settings = look_at_settings(caller, reseller, watched, now)
        findings += settings.findings
        findings += _guard_findings(caller, reseller, live, there)
        recovered = [recovery_finding(each) for each in recoveries]
        findings += recovered
        troubled = [*open_findings, *recovered]
        root_members = _root_members(reseller, seen, known, settled, audited, troubled)
        root = look_at_root(caller, reseller, root_members, now=now, sleep=sleep)
        findings += root.findings
        looked = _Looked(found, root.audited, settings.unseen)
        return _store(environment, payer_account_id, seen, looked, findings, now)


def members_of_aws(caller: Caller) -> tuple[ObservedAccount, ...]:
    """The payer too. Raises ListNotShown."""
    observed = _ask(caller, Observed(), read_accounts())
    if observed.accounts is None:
        raise ListNotShown("AWS did not list the organization's accounts; it is tried again")
    return observed.accounts


def _root_members(
    reseller: Reseller,
    seen: Iterable[ObservedAccount],
    known: Iterable[KnownAccount],
    settled: Iterable[Onboarding],
    audited: Mapping[str, datetime],
    open_findings: Iterable[Finding],
) -> Mapping[str, RootMember]:
    """All active members but those on their way in or out, whose root is their plan's business."""
    moving = {each.account_id for each in known if each.stage is not Stage.LIVE}
    watched = MEMBER_CODES | {"root_recovery_open"}
    troubled = {each.where for each in open_findings if each.code in watched}
    keeping = {
        each.account_id
        for each in settled
        if each.request.kind is not OnboardingKind.CREATE
        and Consent.DELETE_ROOT_CREDENTIALS not in each.request.consents
    }
    return {
        account.account_id: RootMember(
            account_id=account.account_id,
            may_delete=account.account_id not in keeping,
            audited_at=audited.get(account.account_id),
            is_troubled=account.account_id in troubled,
        )
        for account in seen
        if account.state == "ACTIVE"
        and account.account_id not in moving
        and account.account_id != reseller.payer_account_id
    }


def _tags(caller: Caller, account_id: str) -> Mapping[str, str]:
    observed = _ask(caller, Observed(), read_account_tags(account_id))
    return observed.account_tags or {}


def _ask(caller: Caller, observed: Observed, call: Call) -> Observed:
    reply = perform(caller, call, onboarding_id=WATCH, person="")
    return observe(observed, call, to_answer(reply)) if isinstance(reply, Answered) else observed


def _guard_findings(
    caller: Caller, reseller: Reseller, live: Iterable[Onboarding], there: set[str]
) -> tuple[Finding, ...]:
    guarded = [
        each.account_id
        for each in live
        if each.account_id in there and each.request.kind is not OnboardingKind.BILLING_TRANSFER
    ]
    answers = {
        call.key: to_answer(perform(caller, call, onboarding_id=WATCH, person=""))
        for call in guard_looks(reseller)
    }
    return guard_findings(reseller, guarded, answers)


def _role_findings(
    caller: Caller, reseller: Reseller, onboarding: Onboarding
) -> tuple[tuple[Finding, ...], Observed]:
    """By the automation role: that it lets us in is the first thing to see. And what was seen."""
    observed = Observed()
    if onboarding.request.kind is OnboardingKind.BILLING_TRANSFER:
        return (), observed
    account_id = onboarding.account_id
    session = Session(
        actor=Actor.MEMBER,
        account_id=account_id,
        role_arn=role_arn(reseller, account_id, f"{ROLE_PATH.strip('/')}/{MSP_AUTOMATION.name}"),
        external_id=onboarding.request.external_id,
    )
    for call in (read_roles(session), read_session_lengths(session)):
        reply = perform(caller, call, onboarding_id=onboarding.id, person="")
        answer = to_answer(reply)
        if isinstance(answer, Refusal):
            words = f"does not let us in any more: {answer.code}"
            where = f"{account_id} {MSP_AUTOMATION.name}"
            return (critical("role_unreachable", where, words),), observed
        observed = observe(observed, call, answer)
    found = role_findings(reseller, onboarding.request, observed, account_id, session)
    return found, observed


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was compared, and what could not be."""

    membership: Membership
    audited: frozenset[str]
    unseen: frozenset[tuple[str, str]]


def _store(
    environment: OnboardingEnvironment,
    payer_account_id: str,
    seen: tuple[ObservedAccount, ...],
    looked: _Looked,
    findings: list[Finding],
    now: datetime,
) -> tuple[Finding, ...]:
    """What could not be looked at stands as it was; root audits until the next, or a departure."""
    found, audited = looked.membership, looked.audited
    there = {account.account_id for account in seen}

    def looked_at(finding: Finding) -> bool:
        if finding.code in MEMBER_CODES:
            return finding.where in audited or finding.where not in there
        if (finding.code, finding.where) in looked.unseen:
            return False
        return finding.code not in mailbox_canary.CODES | mailbox_canary.TROUBLES

    with environment.database.transaction() as session:
        for change in found.changes:
            findings += _change_roster(session, change, now)
        for account_id in found.departed:
            _depart(session, account_id, now)
        members.note_seen(session, payer_account_id, seen, now)
        root_security.note_audited(session, payer_account_id, audited, now)
        members.put_findings(session, payer_account_id, findings, now, looked_at=looked_at)
    return tuple(sorted(findings))


def _change_roster(
    session: store_session.Session, change: RosterChange, now: datetime
) -> list[Finding]:
    """Effective-dated, and never over what a person configured."""
    try:
        if change.from_on is not None:
            changes = assignments.assign(
                session, change.account_id, change.client_key, change.from_on
            )
        else:
            assert change.until_on is not None
            changes = assignments.unassign(session, change.account_id, change.until_on)
    except OverlappingAssignments as trouble:
        return [critical("roster_disagrees", change.account_id, str(trouble))]
    for each in changes:
        audit.record(
            session,
            actor=WATCH,
            action="change_roster",
            subject=each.subject,
            before=each.before,
            after=each.after,
            now=now,
        )
    return []


def _depart(session: store_session.Session, account_id: str, now: datetime) -> None:
    onboarding = onboardings.onboarding_of(session, account_id)
    if onboarding is not None and onboarding.stage is not Stage.DEPARTED:
        record = apply_entry(onboarding.record, Reach(Stage.DEPARTED))
        onboardings.save(session, onboarding, record, next_at=None, now=now)
