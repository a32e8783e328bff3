"""Owns going on after a person corrected what was wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from accounts.checks.access_proof import forget_all_proofs
from accounts.engine.transitions import retry
from accounts.model.emails import check_email
from accounts.model.lifecycle import Stage
from accounts.model.organization import OnboardingKind
from accounts.model.request import Consent
from kernel.errors import BadInput, Refused
from service.actions.access.note_person import note_person
from service.store.accounts import onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session


class NothingToRetry(Refused):
    code = "nothing_to_retry"

    def __init__(self, onboarding: Onboarding) -> None:
        super().__init__(f"{onboarding.id} is {onboarding.state}: there is nothing to retry")


def retry_onboarding(
    session: Session,
    onboarding_id: str,
    *,
    email: str = "",
    consents: frozenset[Consent] = frozenset(),
    actor: str,
    now: datetime,
) -> Onboarding:
    """Due at once, its troubles forgotten; what AWS may have done is never forgotten.

    One that is live is looked at once more, and what we placed in its account is put right.
    `email`: another root address, where AWS refused the first. `consents`: what the client of an
    invited account allows from now on. Raises NoSuchOnboarding, NothingToRetry, BadInput.
    """
    before = onboardings.onboarding(session, onboarding_id)
    is_live = before.waiting is None and before.state == Stage.LIVE
    if before.has_ended or (before.waiting is None and not is_live):
        raise NothingToRetry(before)
    if email:
        before = _with_email(session, before, email)
    if consents:
        request = replace(before.request, consents=before.request.consents | consents)
        before = onboardings.put_request(session, before, request)
    record = forget_all_proofs(before.record) if is_live else retry(before.record)
    woken = onboardings.wake(session, before, record, now)
    words = f"allowed {', '.join(sorted(consents))}" if consents else ""
    note_person(session, woken, "retry", words=words, actor=actor, now=now)
    return woken


def _with_email(session: Session, before: Onboarding, email: str) -> Onboarding:
    """Only before an account exists, and only where AWS surely made none of the first address."""
    unsure = before.record.is_any_unsure
    if before.request.kind is not OnboardingKind.CREATE or before.is_linked or unsure:
        raise BadInput(
            f"the e-mail address of {before.id} cannot be changed: AWS may have used it already"
        )
    check_email(email)
    onboardings.check_free(session, email=email, account_name="", account_id="")
    onboardings.release(session, before)
    changed = onboardings.put_request(session, before, replace(before.request, email=email))
    onboardings.reserve(session, changed, email=email, account_name=changed.request.asked_as)
    return changed
