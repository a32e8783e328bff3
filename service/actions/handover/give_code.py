"""Owns passing on a one-time code that the client read out: to the worker, and to nobody else."""

from __future__ import annotations

import re
from datetime import datetime

from accounts.engine.transitions import replace_code
from kernel.errors import BadInput
from service.actions.access.note_person import note_person
from service.actions.handover.living_handover import find_handover
from service.store.accounts import handovers, onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session

CODES = ("root_email", "phone")
_CODE = re.compile(r"[0-9A-Za-z]{4,12}")


def give_code(
    session: Session, onboarding_id: str, item: str, code: str, *, actor: str, now: datetime
) -> Onboarding:
    """It is deleted once AWS has answered it, and is in no event. Raises NoHandover, BadInput."""
    onboarding, handover = find_handover(session, onboarding_id)
    if item not in CODES:
        raise BadInput(f"{item!r} needs no code; what does: {', '.join(CODES)}")
    if _CODE.fullmatch(code) is None:
        raise BadInput("a code has 4 to 12 letters or digits")
    handovers.give_code(session, handover, item, code)
    woken = onboardings.wake(session, onboarding, replace_code(onboarding.record, item), now)
    note_person(session, woken, "give_code", words=item, actor=actor, now=now)
    return woken
