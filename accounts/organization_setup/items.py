"""Owns the set-up of an organization, once: what has to be so, and the one thing to do about it.

Whatever cannot be taken back lightly asks for a person's yes. Of the service roles only the shape
is checked: whoever may write their policies may do anything, so an administrator makes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from enum import StrEnum
from typing import Any

from accounts.model.decision import Actor, Answer, Call, Refusal, Session
from accounts.model.organization import ContactType, Reseller
from accounts.model.role_spec import Document

AS_SETUP = Session(actor=Actor.SETUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSetup:
    """What is asked for; of an organization that is described already, its ids come first."""

    payer_account_id: str = ""
    """'' for the one whose credentials these are."""
    client_ou_name: str = "Clients"
    bootstrap_role: str = "MspBootstrap"
    alert_email: str = ""
    """Where AWS sends anomalies of cost; '' for the reseller's billing contact."""
    reseller: Reseller | None = None
    teams: frozenset[str] = frozenset()
    """All that a person may be in."""
    staffed_teams: frozenset[str] = frozenset()
    """Those of them whose people are IAM users."""

    @property
    def email(self) -> str:
        if self.alert_email or self.reseller is None:
            return self.alert_email
        return self.reseller.contacts[ContactType.BILLING].email


class SetupState(StrEnum):
    """Where one item stands."""

    IS_SO = "is so"
    MADE = "made"
    LATER = "later"
    """Nothing is amiss: it can only be so once something else has happened."""
    TO_DO = "to do"
    """Set-up makes it so when it is run without --dry-run or --check."""
    ASKS = "asks"
    """A person has to say yes to it."""
    BY_HAND = "by hand"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """An answer was lost, or AWS does not show yet what it took: run again, it looks first."""


SETTLED_STATES = frozenset({SetupState.IS_SO, SetupState.MADE, SetupState.LATER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one item, in words for the reseller."""

    key: str
    title: str
    state: SetupState
    words: str = ""
    diff: str = ""
    missing: tuple[str, ...] = ()
    """Where several things are: each in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupChange:
    """One write, and what it means, for people to read first."""

    call: Call
    words: str
    diff: str = ""
    asks: bool = False
    """It changes what is in force already: not without a yes."""
    missing: tuple[str, ...] = ()
    """This and whatever else the item lacks."""


@dataclass(frozen=True, slots=True)
class ByHand:
    words: str
    diff: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Later:
    words: str


Todo = Call | SetupChange | ByHand | Later
"""A look at AWS, a write, or what is left to a person or to time."""


class NotObserved(Exception):
    """An item was decided on before what it stands on was seen: a defect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupContext:
    wanted: WantedSetup
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Of AWS, by the key of the look; what a write makes stale is taken out again."""

    def seen(self, key: str) -> Mapping[str, Any]:
        answer = self.answers.get(key)
        if answer is None or isinstance(answer, Refusal):
            raise NotObserved(key)
        return answer

    def with_answer(self, look: Call, answer: Answer) -> SetupContext:
        return replace(self, answers={**self.answers, look.key: answer})

    def after_writing(self, call: Call) -> SetupContext:
        kept = {key: each for key, each in self.answers.items() if key not in call.invalidates}
        return replace(self, answers=kept)

    # What the later items stand on; seen by the first two. -----------------------------

    @property
    def payer_account_id(self) -> str:
        return str(self.seen("see_caller")["Account"])

    @property
    def partition(self) -> str:
        return str(self.seen("see_caller")["Arn"]).split(":")[1]

    @property
    def organization_id(self) -> str:
        return str(self.seen("see_organization")["Organization"]["Id"])

    @property
    def root_id(self) -> str:
        return str(self.seen("see_root")["Roots"][0]["Id"])

    def role_arn(self, name: str) -> str:
        """As the configuration has it, or of that name in the payer account."""
        reseller = self.wanted.reseller
        configured = {
            "msp-onboard": reseller.automation_arn if reseller else "",
            "msp-offboard": reseller.offboarding_arn if reseller else "",
        }
        arn = f"arn:{self.partition}:iam::{self.payer_account_id}:role/{name}"
        return configured.get(name) or arn

    def places(self, **more: str) -> dict[str, str]:
        """What the policy files leave open, as far as it is known before the guards are there."""
        reseller = self.wanted.reseller
        return {
            "partition": self.partition,
            "payer": self.payer_account_id,
            "organization": self.organization_id,
            "root_id": self.root_id,
            "bootstrap_role": reseller.bootstrap_role if reseller else self.wanted.bootstrap_role,
            "automation_arn": self.role_arn("msp-onboard"),
            "offboarding_arn": self.role_arn("msp-offboard"),
            **more,
        }


SetupGoal = Callable[[SetupContext], Todo | None]
"""What has to be so. None: it is. Else the one thing to do about it."""


@dataclass(frozen=True, slots=True)
class SetupItem:
    key: str
    title: str
    goal: SetupGoal
    is_first: bool = False
    """Nothing else can be looked at before it is so."""
    telling: frozenset[str] = frozenset()
    """Further refusals of its looks that say something about what is there."""


def difference(there: Document, wanted: Document) -> str:
    """From what is there to what is wanted, line by line; '' where AWS has nothing."""
    return "\n".join(
        unified_diff(_lines(there), _lines(wanted), "in AWS", "wanted", lineterm="", n=2)
    )


def _lines(document: Document) -> list[str]:
    return json.dumps(document, indent=2, sort_keys=True).splitlines()
