"""Owns a person's word for what AWS cannot be asked: it is kept with their name as its proof."""

from __future__ import annotations

from datetime import datetime

from accounts.engine.transitions import attest
from accounts.model.record import Proof
from kernel.errors import BadInput
from service.actions.access.note_person import note_person
from service.actions.handover.living_handover import find_handover
from service.store.accounts import onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session

ATTESTED = ("root_sign_in", "client_admin", "evidence", "dependencies")
WORDS_CHARS_MAX = 1_000


def attest_item(
    session: Session, onboarding_id: str, item: str, words: str, *, actor: str, now: datetime
) -> Onboarding:
    """`words`: what was seen, or where the evidence is. Raises NoHandover, BadInput."""
    onboarding, _ = find_handover(session, onboarding_id)
    if item not in ATTESTED:
        raise BadInput(f"nobody has to vouch for {item!r}; for what they do: {', '.join(ATTESTED)}")
    if not 1 <= len(words.strip()) <= WORDS_CHARS_MAX:
        raise BadInput(f"say what was seen, in 1 to {WORDS_CHARS_MAX} characters")
    record = attest(onboarding.record, item, Proof(at=now, words=words.strip(), by=actor))
    woken = onboardings.wake(session, onboarding, record, now)
    note_person(session, woken, "attest_item", words=f"{item}: {words}", actor=actor, now=now)
    return woken
