"""Owns asking for many accounts at once: all of them, or none and what is wrong with which."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.onboarding.creation import batch_ends_at
from kernel.errors import BadInput, Refused
from service.actions.onboarding.request_onboarding import Wanted, request_onboarding
from service.store.accounts import turns
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session

BATCH_MAX = 200


@dataclass(frozen=True, slots=True)
class Batch:
    id: str
    onboardings: tuple[Onboarding, ...]
    ends_at: datetime
    """An estimate, creations ahead of it included; a client's acceptance takes what it takes."""


class BatchRefused(BadInput):
    """`problems` are the items, counted from 0, and the one thing wrong with each."""

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        super().__init__("; ".join(f"[{number}]: {problem}" for number, problem in problems))
        self.problems = tuple(problems)


def request_onboardings(
    session: Session, wanted: Sequence[Wanted], *, actor: str, now: datetime
) -> Batch:
    """Raises BatchRefused; then nothing may be committed."""
    if not 1 <= len(wanted) <= BATCH_MAX:
        raise BadInput(f"a batch has 1 to {BATCH_MAX} onboardings, not {len(wanted)}")
    batch_id = f"batch-{secrets.token_hex(8)}"
    problems, asked = [], []
    for number, each in enumerate(wanted):
        try:
            asked.append(request_onboarding(session, each, actor=actor, now=now, batch_id=batch_id))
        except (BadInput, Refused) as trouble:
            problems.append((number, str(trouble)))
    if problems:
        raise BatchRefused(problems)
    return Batch(batch_id, tuple(asked), estimated_end(session, asked, now))


def estimated_end(session: Session, asked: Sequence[Onboarding], now: datetime) -> datetime:
    """When the last creation of a payer that is waited for is likely to be live."""
    payers = {each.payer_account_id for each in asked}
    return batch_ends_at(turns.creations_ahead(session, payers), now)
