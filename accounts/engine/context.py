"""Owns what every decision on the way in is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from accounts.aws.reads import root_session
from accounts.iam.role_catalogue import role_arn
from accounts.model.decision import Actor, Decision, Session
from accounts.model.observed import Observed
from accounts.model.organization import Reseller
from accounts.model.record import Record
from accounts.model.request import AccountRequest


@dataclass(frozen=True, slots=True)
class OnboardingContext:
    """One visit: what is asked, what is seen, what is remembered, and the time."""

    reseller: Reseller
    request: AccountRequest
    observed: Observed
    record: Record
    now: datetime

    @property
    def account_id(self) -> str:
        assert self.record.account_id, "no account is linked yet"
        return self.record.account_id

    @property
    def bootstrap_arn(self) -> str:
        return role_arn(self.reseller, self.account_id, self.reseller.bootstrap_role)

    @property
    def member(self) -> Session:
        """In the member account, by the bootstrap role."""
        return Session(
            actor=Actor.MEMBER,
            account_id=self.account_id,
            role_arn=self.bootstrap_arn,
            external_id=self.request.external_id,
        )

    def root(self, task: str) -> Session:
        """As the member's root, for one of AWS's root tasks."""
        return root_session(self.reseller.partition, self.account_id, task)


Goal = Callable[[OnboardingContext], Decision | None]
"""What has to be so. None: it is. Else the one thing to do about it."""
