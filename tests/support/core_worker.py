"""A worker of the pure core without a store: what it decides, the strict sandbox answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from accounts.checks.memory import record_answer
from accounts.engine.context import OnboardingContext
from accounts.engine.transitions import apply_entry, attest, record_intent
from accounts.handover.checklist import next_handover_step
from accounts.model.decision import (
    Answer,
    Call,
    Decision,
    Done,
    NeedsHuman,
    Refusal,
    Send,
    Session,
    Wait,
)
from accounts.model.handover import Handover
from accounts.model.lifecycle import WaitKind
from accounts.model.observed import Observed
from accounts.model.organization import Reseller
from accounts.model.record import Proof, Record
from accounts.model.request import AccountRequest
from accounts.model.role_spec import Document
from accounts.onboarding.plan import next_step
from jobs.aws.calls import Caller
from jobs.aws.signers import Signers
from jobs.onboarding.performing import perform, to_answer
from sandbox.aws import Clock, Crash, Rules, StrictAWS
from sandbox.aws.core.world import Organization
from tests.support.accounts_reseller import CREATE, MEMBER, NOW
from tests.support.onboarding import kept_clients, set_up, sign_in

Decide = Callable[[Observed, Record, datetime], Decision]
VISITS_MAX = 400
CALLS_MAX = 5_000
PATIENCE = timedelta(hours=12)


@dataclass
class Worker:
    """Remembers after every answer, and before what is sent once; a crash leaves it the record."""

    aws: StrictAWS
    reseller: Reseller
    signers: Signers
    request: AccountRequest = CREATE
    handover: Handover | None = None
    stored: Record = field(default_factory=Record)
    codes: dict[str, str] = field(default_factory=dict)
    sent: list[Call] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """The steps that AWS refused; of a proof of refusal that is the answer."""

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self.caller = Caller(self.signers, kept_clients(), self.aws.clock.now)
        self._observed: Observed | None = None

    def run(self) -> Decision:
        """Visits, at the times it asks for, until somebody else has to act, or for half a day."""
        for _ in range(VISITS_MAX):
            try:
                decision = self.visit()
            except Crash:
                self.aws.clock.advance(seconds=5)
                continue
            if not isinstance(decision, Wait) or decision.kind is WaitKind.WAITING_CLIENT:
                return decision
            pause = decision.again_at - self.aws.clock.now()
            assert pause > timedelta(), decision
            if pause > PATIENCE:
                return decision
            self.aws.clock.advance(seconds=pause.total_seconds())
        raise AssertionError(f"still at {decision} after {VISITS_MAX} visits")

    def visit(self, decide: Decide | None = None) -> Decision:
        while not isinstance(decision := self.step(decide), Wait | NeedsHuman | Done):
            assert len(self.sent) < CALLS_MAX, f"no end: {decision}"
        return decision

    def step(self, decide: Decide | None = None) -> Decision:
        """One decision, acted upon. What a visit observed is forgotten at its end."""
        self._observed = self._observed or Observed()
        decision = (decide or self._decide)(self._observed, self.stored, self.aws.clock.now())
        match decision:
            case Call():
                self._send(decision, self._observed)
            case Wait() | NeedsHuman() | Done():
                self._observed = None
            case _:
                self.stored = apply_entry(self.stored, decision)
        return decision

    def _decide(self, observed: Observed, record: Record, now: datetime) -> Decision:
        if self.handover is None:
            return next_step(self.reseller, self.request, observed, record, now)
        return next_handover_step(
            self.reseller, self.handover, observed, record, now, codes=self.codes
        )

    def _send(self, call: Call, observed: Observed) -> None:
        self.sent.append(call)
        if call.send is Send.ONCE:
            self.stored = record_intent(self.stored, call, self.aws.clock.now())
        try:
            answer = self.perform(call)
        except Crash:
            self._start()
            raise
        if isinstance(answer, Refusal) and not call.expects_refusal:
            self.refused.append(call.step)
        now = self.aws.clock.advance(seconds=1)
        self._observed, self.stored = record_answer(
            self.request, observed, self.stored, call, answer, now
        )

    def perform(self, call: Call) -> Answer:
        reply = perform(self.caller, call, onboarding_id=self.request.onboarding_id, person="ann")
        return to_answer(reply)

    def count(self, operation: str) -> int:
        return sum(call.operation == operation for call in self.sent)

    def attest(self, *items: str) -> None:
        for item in items:
            proof = Proof(at=self.aws.clock.now(), words="seen", by="ann")
            self.stored = attest(self.stored, item, proof)

    def anew(self, request: AccountRequest) -> Worker:
        """Another one in the same organization, which remembers nothing of this one."""
        return replace(self, request=request, stored=Record(), sent=[], refused=[], codes={})

    @property
    def organization(self) -> Organization:
        (ours,) = (o for o in self.aws.world.organizations.values() if o.payer_id == self.payer_id)
        return ours

    @property
    def payer_id(self) -> str:
        return self.reseller.payer_account_id

    # In the account. The guards let nobody but our own roles touch them.

    @property
    def member(self) -> Session:
        """In the account of the request, by the bootstrap role."""
        now = self.aws.clock.now()
        return OnboardingContext(self.reseller, self.request, Observed(), self.stored, now).member

    def change(self, operation: str, **arguments: Any) -> None:
        """What somebody changed by the bootstrap role."""
        call = Call(
            step="change", service="iam", operation=operation, arguments=arguments,
            send=Send.REPEATABLE, session=self.member,
        )  # fmt: skip
        assert not isinstance(answer := self.perform(call), Refusal), answer

    def role(self, name: str) -> dict[str, Any]:
        iam = self.aws.client("iam", self.stored.account_id)
        found: dict[str, Any] = iam.get_role(RoleName=name)["Role"]
        return found

    def roles(self) -> dict[str, str]:
        """Their paths, by name."""
        iam = self.aws.client("iam", self.stored.account_id)
        return {role["RoleName"]: role["Path"] for role in iam.list_roles()["Roles"]}

    def guards(self) -> set[str]:
        """The policies of ours that are attached to the account."""
        return {self.reseller.membership_scp_id, self.reseller.root_scp_id}.intersection(
            self.organization.attached[self.stored.account_id]
        )


@contextmanager
def a_worker(request: AccountRequest = CREATE, *, rules: Rules | None = None) -> Iterator[Worker]:
    """In an organization that is set up; AWS takes twenty seconds to create MEMBER."""
    rules = rules or Rules(creation_seconds=20)
    with StrictAWS(clock=Clock(NOW), rules=rules) as aws:
        reseller = set_up(aws)
        signers = sign_in(aws, reseller)
        aws.reserve_id(CREATE.email, MEMBER)
        aws.log.clear()
        yield Worker(aws, reseller, signers, request)


def trust_of(worker: Worker, role: str) -> Document:
    iam = worker.aws.client("iam", worker.stored.account_id)
    trust: Document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    return trust
