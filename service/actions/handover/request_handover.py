"""Owns asking for a hand-over or a closing: checked, recorded, and begun by the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from accounts.engine.transitions import begin_handover
from accounts.handover.checklist import DryRunLine, dry_run
from accounts.model.contacts import check_contact_information
from accounts.model.emails import check_email
from accounts.model.handover import Handover, HandoverKind
from accounts.model.lifecycle import Stage
from accounts.model.organization import OnboardingKind
from kernel.errors import BadInput, Refused
from service.actions.access.note_person import note_person
from service.store.accounts import grants, handovers, onboardings, resellers
from service.store.accounts.handovers import StoredHandover
from service.store.accounts.onboardings import Onboarding
from service.store.session import Session

HANDED_OVER = frozenset({HandoverKind.TRANSFER, HandoverKind.STANDALONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedHandover:
    exit: HandoverKind
    client_email: str = ""
    """Root's from then on; needed unless the account is closed or its billing ends."""
    client_contact: Mapping[str, str] = field(default_factory=dict)
    """AWS's ContactInformation."""
    ends_at: datetime | None = None
    """Of a billing transfer: the last second of a month, UTC."""


class CannotHandOver(Refused):
    code = "cannot_hand_over"


def request_handover(
    session: Session, onboarding_id: str, wanted: WantedHandover, *, actor: str, now: datetime
) -> StoredHandover:
    """Raises NoSuchOnboarding, CannotHandOver, BadInput."""
    onboarding, asked = _planned(session, onboarding_id, wanted, actor=actor)
    handovers.add(session, onboarding.id, asked, now)
    woken = onboardings.wake(session, onboarding, begin_handover(onboarding.record), now)
    words = f"{wanted.exit} to {wanted.client_email}" if wanted.client_email else wanted.exit
    note_person(session, woken, "request_handover", words=words, actor=actor, now=now)
    handover = handovers.living_handover(session, woken)
    assert handover is not None
    return handover


def dry_run_handover(
    session: Session, onboarding_id: str, wanted: WantedHandover, *, actor: str
) -> tuple[DryRunLine, ...]:
    """The checklist it would go through; nothing is recorded. Raises as `request_handover`."""
    return dry_run(_planned(session, onboarding_id, wanted, actor=actor)[1])


def _planned(
    session: Session, onboarding_id: str, wanted: WantedHandover, *, actor: str
) -> tuple[Onboarding, Handover]:
    onboarding = onboardings.onboarding(session, onboarding_id)
    if handovers.living_handover(session, onboarding) is not None:
        raise CannotHandOver(f"{onboarding.id} is being handed over already")
    if onboarding.stage is not Stage.LIVE:
        raise CannotHandOver(f"{onboarding.id} is {onboarding.state}; only a live account leaves")
    mailbox = resellers.reseller(session, onboarding.payer_account_id).mailbox
    _check(onboarding, wanted, mailbox)
    asked = Handover(
        request=onboarding.request,
        exit=wanted.exit,
        asked_by=actor,
        client_email=wanted.client_email,
        client_contact=wanted.client_contact,
        registered_roles=grants.registered_roles(session, onboarding.account_id),
        ends_at=wanted.ends_at,
    )
    return onboarding, asked


def _check(onboarding: Onboarding, wanted: WantedHandover, mailbox: str) -> None:
    transferred = onboarding.request.kind is OnboardingKind.BILLING_TRANSFER
    if transferred != (wanted.exit is HandoverKind.END_BILLING):
        fitting = HandoverKind.END_BILLING if transferred else "transfer, standalone or close"
        raise BadInput(f"{onboarding.id} leaves by {fitting}, not by {wanted.exit}")
    if transferred and not _is_end_of_month(wanted.ends_at):
        raise BadInput("a billing transfer ends with the last second of a month, UTC: give ends_at")
    if wanted.exit in HANDED_OVER:
        check_email(wanted.client_email)
        if _is_ours(wanted.client_email, mailbox):
            raise BadInput(f"{wanted.client_email} is our own mailbox: give the client's address")
        check_contact_information(wanted.client_contact)


def _is_ours(email: str, mailbox: str) -> bool:
    """Whatever stands behind the plus arrives in the same mailbox."""
    (local, _, domain), (own, _, home) = (each.lower().rpartition("@") for each in (email, mailbox))
    return (local.partition("+")[0], domain) == (own.partition("+")[0], home)


def _is_end_of_month(ends_at: datetime | None) -> bool:
    if ends_at is None or ends_at.utcoffset() is None:
        return False
    after = ends_at.astimezone(UTC) + timedelta(seconds=1)
    return (after.day, after.hour, after.minute, after.second) == (1, 0, 0, 0)
