"""Owns one visit to one onboarding: observe, decide, act and store, until it waits or is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from accounts.aws.error_policy import NOT_SHOWN, is_final
from accounts.checks.memory import record_answer
from accounts.engine.transitions import all_shown, apply_entry, record_intent, record_outcome
from accounts.handover.checklist import next_handover_step
from accounts.model.decision import (
    Adopt,
    Answer,
    Assign,
    Call,
    Decision,
    Done,
    Entry,
    NeedsHuman,
    Reach,
    Refusal,
    Reserve,
    RevokeGrants,
    Send,
    Unassign,
    Wait,
)
from accounts.model.lifecycle import WaitKind
from accounts.model.observed import Observed
from accounts.model.organization import OnboardingKind, Reseller
from accounts.model.record import Record
from accounts.onboarding.cancellation import next_cancel_step
from accounts.onboarding.creation import CREATIONS_IN_FLIGHT_MAX
from accounts.onboarding.plan import next_step
from invoices.clients import OverlappingAssignments
from jobs.onboarding.entries import make_entry, register_role
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.performing import perform, to_answer, to_event
from service.store.accounts import (
    handovers,
    onboarding_events,
    onboardings,
    resellers,
    turns,
)
from service.store.accounts.handovers import StoredHandover
from service.store.accounts.onboarding_events import Event
from service.store.accounts.onboardings import AlreadyOnboarded, Onboarding, Waiting
from service.store.session import Session
from service.store.tables.onboarding import EventKind

CALLS_MAX = 2_000
"""A visit that sends more goes round in circles."""


@dataclass(frozen=True, slots=True)
class InQueue:
    """A creation waits for no hour, but for its turn: `turns.queued` knows when that is."""

    reason: str = f"in the queue: AWS creates {CREATIONS_IN_FLIGHT_MAX} accounts at a time"


@dataclass(frozen=True, slots=True)
class Case:
    """All that the next decision is made from, but the facts and the time."""

    onboarding: Onboarding
    reseller: Reseller
    handover: StoredHandover | None
    codes: dict[str, str]

    @property
    def record(self) -> Record:
        return self.onboarding.record

    @property
    def person(self) -> str:
        """Who is named for it in AWS's own log."""
        return self.handover.asked.asked_by if self.handover else self.onboarding.requested_by


def visit(environment: OnboardingEnvironment, onboarding_id: str) -> Onboarding:
    """As it stands afterwards. Raises OnboardingOvertaken where somebody else moves it."""
    case = _load(environment, onboarding_id)
    if (hold := _held_back(environment, case)) is not None:
        return _rest(environment, case, hold).onboarding
    return _Visit(environment, case).run()


def _load(environment: OnboardingEnvironment, onboarding_id: str) -> Case:
    with environment.database.transaction() as session:
        onboarding = onboardings.onboarding(session, onboarding_id)
        handover = handovers.living_handover(session, onboarding)
        return Case(
            onboarding,
            resellers.reseller(session, onboarding.payer_account_id),
            handover,
            handovers.codes(session, handover) if handover else {},
        )


def _held_back(environment: OnboardingEnvironment, case: Case) -> Wait | InQueue | None:
    """What need not even be looked at in AWS: the payer is unfit, or has its hands full."""
    onboarding, now = case.onboarding, environment.now()
    if onboarding.is_linked or onboarding.cancel_asked_by is not None:
        return None
    with environment.database.transaction() as session:
        unfit = turns.payer_unfit(session, onboarding.payer_account_id)
        ahead = turns.creations_in_flight(session, onboarding.payer_account_id)
        ahead += turns.queued_before(session, onboarding)
    if unfit is not None and unfit.id != onboarding.id:
        return Wait(
            kind=WaitKind.BLOCKED,
            reason=f"the payer account has to be put in order first: see {unfit.id}",
            again_at=now + timedelta(minutes=15),
            aws_words=unfit.waiting.aws_words if unfit.waiting else "",
        )
    asked = bool(case.record.intents_for("create_account"))
    needs_no_turn = onboarding.request.kind is not OnboardingKind.CREATE or asked
    return None if needs_no_turn or ahead < CREATIONS_IN_FLIGHT_MAX else InQueue()


class _Visit:
    def __init__(self, environment: OnboardingEnvironment, case: Case) -> None:
        self._environment, self._case = environment, case
        self._observed = Observed()
        self._taken: list[Call] = []
        """Writes that AWS took on this visit, and that a read is to show."""

    def run(self) -> Onboarding:
        for _ in range(CALLS_MAX):
            match decision := self._decide():
                case Call():
                    self._call(decision)
                case Wait() | NeedsHuman() | Done():
                    if self._stop_cancelling(decision):
                        continue
                    return _rest(self._environment, self._case, decision).onboarding
                case Reserve() | Adopt() | Assign() | Unassign() | RevokeGrants() | Reach():
                    try:
                        self._enter(decision)
                    except (OverlappingAssignments, AlreadyOnboarded) as trouble:
                        stop = NeedsHuman(
                            reason=str(trouble),
                            what_to_do="correct the one or the other, then retry",
                        )
                        return _rest(self._environment, self._case, stop).onboarding
        raise AssertionError(f"{self._case.onboarding.id} comes to no end: {decision}")

    def _decide(self) -> Decision:
        case, now = self._case, self._environment.now()
        request, record = case.onboarding.request, case.record
        if case.handover is not None:
            return next_handover_step(
                case.reseller, case.handover.asked, self._observed, record, now, codes=case.codes
            )
        if case.onboarding.cancel_asked_by is not None:
            return next_cancel_step(request, self._observed, record, now)
        return next_step(case.reseller, request, self._observed, record, now)

    def _call(self, call: Call) -> None:
        """Write ahead what cannot be repeated, send, and store what came of it."""
        case, environment = self._case, self._environment
        if call in self._taken:
            # Sent again at once, it would be in a loop for as long as AWS reads from old copies.
            now = environment.now()
            with environment.database.transaction() as session:
                self._remember(session, record_outcome(case.record, call, NOT_SHOWN, now), now)
            return
        if call.send is not Send.READ:
            with environment.database.transaction() as session:
                onboardings.check_latest(session, case.onboarding)
        if call.send is Send.ONCE or call.operation == "CreateRole":
            # CreateRole too: a role that is not registered would be forgotten at hand-over.
            self._write_ahead(call)
            case = self._case
        reply = perform(
            environment.caller, call, onboarding_id=case.onboarding.id, person=case.person
        )
        now = environment.now()
        answer = to_answer(reply)
        if call.send is Send.REPEATABLE and (call.invalidates or call.batch):
            self._taken += [] if isinstance(answer, Refusal) else [call]
        self._observed, record = record_answer(
            case.onboarding.request, self._observed, case.record, call, answer, now
        )
        with environment.database.transaction() as session:
            onboarding_events.record(session, case.onboarding.id, to_event(call, reply, now))
            self._remember(session, record, now)
            if call.uses_code_of and _is_answered(answer):
                self._spend(session, call.uses_code_of)

    def _spend(self, session: Session, item: str) -> None:
        """A one-time code is good once; until AWS has answered it, it may still be."""
        codes, handover = dict(self._case.codes), self._case.handover
        assert handover is not None, "only a hand-over has codes"
        handovers.spend_code(session, handover, item, codes.pop(item))
        self._case = replace(self._case, codes=codes)

    def _write_ahead(self, call: Call) -> None:
        now, case = self._environment.now(), self._case
        with self._environment.database.transaction() as session:
            if call.operation == "CreateRole":
                register_role(session, case.reseller, case.onboarding, call, now)
            if call.send is Send.ONCE:
                event = Event(
                    at=now,
                    kind=EventKind.INTENT,
                    step=call.key,
                    operation=f"{call.service}:{call.operation}",
                )
                onboarding_events.record(session, case.onboarding.id, event)
                self._remember(session, record_intent(case.record, call, now), now)

    def _enter(self, entry: Entry) -> None:
        now, case = self._environment.now(), self._case
        account = self._observed.account
        with self._environment.database.transaction() as session:
            make_entry(session, case.reseller, case.onboarding, entry, account=account, now=now)
            onboarding_events.record(
                session,
                case.onboarding.id,
                Event(at=now, kind=EventKind.ENTRY, step=type(entry).__name__, words=_words(entry)),
            )
            self._remember(session, apply_entry(case.record, entry), now)

    def _remember(self, session: Session, record: Record, now: datetime) -> None:
        """Keeps what the onboarding waited for in sight until it is known to go on."""
        before = self._case.onboarding
        if record == before.record:
            return
        after = onboardings.save(session, before, record, next_at=now, now=now)
        self._case = replace(self._case, onboarding=after)

    def _stop_cancelling(self, decision: Decision) -> bool:
        """It cannot be given up any more: then it goes on."""
        onboarding = self._case.onboarding
        if not isinstance(decision, NeedsHuman) or onboarding.cancel_asked_by is None:
            return False
        now = self._environment.now()
        with self._environment.database.transaction() as session:
            onboardings.stop_cancelling(session, onboarding)
            words = f"{decision.reason}: {decision.what_to_do}"
            event = Event(at=now, kind=EventKind.WAIT, step="cancel", words=words)
            onboarding_events.record(session, onboarding.id, event)
        self._case = replace(self._case, onboarding=replace(onboarding, cancel_asked_by=None))
        return True


def _is_answered(answer: Answer) -> bool:
    return not isinstance(answer, Refusal) or is_final(answer)


def _rest(environment: OnboardingEnvironment, case: Case, decision: Decision | InQueue) -> Case:
    """Store why it stands still, and until when."""
    now, before = environment.now(), case.onboarding
    waiting, next_at = _waiting(decision)
    record = all_shown(case.record) if isinstance(decision, Done) else case.record
    with environment.database.transaction() as session:
        if waiting != before.waiting or isinstance(decision, Done):
            kind = EventKind.DONE if isinstance(decision, Done) else EventKind.WAIT
            step = waiting.kind.value if waiting else before.stage.value
            event = Event(at=now, kind=kind, step=step, words=_why(waiting))
            onboarding_events.record(session, before.id, event)
        if isinstance(decision, Done) and case.handover is not None:
            handovers.end(session, case.handover, now)
        after = onboardings.save(session, before, record, waiting=waiting, next_at=next_at, now=now)
    return replace(case, onboarding=after)


def _waiting(decision: Decision | InQueue) -> tuple[Waiting | None, datetime | None]:
    match decision:
        case InQueue():
            return Waiting(kind=WaitKind.WAITING_AWS, reason=decision.reason), None
        case Wait():
            waiting = Waiting(
                kind=decision.kind,
                reason=decision.reason,
                aws_words=decision.aws_words,
                expires_at=decision.expires_at,
            )
            return waiting, decision.again_at
        case NeedsHuman():
            waiting = Waiting(
                kind=WaitKind.NEEDS_HUMAN,
                reason=decision.reason,
                what_to_do=decision.what_to_do,
                aws_words=decision.aws_words,
                stops_all=decision.stops_all,
            )
            return waiting, None
    return None, None


def _why(waiting: Waiting | None) -> str:
    if waiting is None:
        return ""
    parts = (waiting.reason, waiting.what_to_do, waiting.aws_words)
    return "; ".join(part for part in parts if part)


def _words(entry: Entry) -> str:
    match entry:
        case Reach(stage=stage):
            return stage.value
        case Reserve(email=email, account_name=name):
            return f"{name} <{email}>"
        case Adopt(account_id=account_id) | RevokeGrants(account_id=account_id):
            return account_id
        case Assign(account_id=account_id, client_key=client_key, from_on=day):
            return f"{account_id} is {client_key}'s from {day}"
        case Unassign(account_id=account_id, until_on=day):
            return f"{account_id} is nobody's from {day}"
