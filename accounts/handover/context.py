"""Owns what every decision of a hand-over is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.engine.context import OnboardingContext
from accounts.model.decision import Actor, Decision, NeedsHuman, Session
from accounts.model.handover import Handover
from accounts.model.observed import Observed
from accounts.model.organization import Reseller
from accounts.model.record import Record


@dataclass(frozen=True, slots=True)
class HandoverContext:
    """One visit of a hand-over."""

    reseller: Reseller
    handover: Handover
    observed: Observed
    record: Record
    now: datetime
    codes: Mapping[str, str]

    @property
    def onboarding(self) -> OnboardingContext:
        return OnboardingContext(
            self.reseller, self.handover.request, self.observed, self.record, self.now
        )

    @property
    def account_id(self) -> str:
        return self.onboarding.account_id

    @property
    def payer_session(self) -> Session:
        return Session(actor=Actor.OFFBOARD)

    @property
    def member(self) -> Session:
        """In the account by the bootstrap role, also after it left our organization."""
        return replace(self.onboarding.member, via=Actor.OFFBOARD)


HandoverGoal = Callable[[HandoverContext], Decision | None]


def ensure_attested(context: HandoverContext, item: str, what_to_do: str) -> Decision | None:
    """AWS cannot be asked; a person says so, and is named in the proof."""
    proof = context.record.proofs.get(item)
    if proof is not None and proof.at >= context.handover.asked_at:
        return None
    return NeedsHuman(reason=f"nobody has confirmed {item} yet", what_to_do=what_to_do)
