"""Owns the questions about hand-overs: what was asked, who approved what, and the final invoice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlmodel import col, select

from invoices.periods import BillingPeriod
from service.accounts.leaving import Exit, Handover
from service.errors import Refused
from service.store import grants, tables
from service.store.onboardings import Onboarding
from service.store.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A hand-over as it stands; `asked` is what the next decision is made from."""

    id: int
    onboarding_id: str
    asked: Handover
    asked_at: datetime
    ended_at: datetime | None


class SamePerson(Refused):
    code = "same_person"

    def __init__(self, person: str) -> None:
        super().__init__(f"{person} asked for this hand-over; another person has to approve it")


def add(session: Session, onboarding_id: str, asked: Handover, now: datetime) -> int:
    row = tables.onboarding.Handover(
        onboarding_id=onboarding_id,
        exit=asked.exit,
        client_email=asked.client_email,
        client_contact=dict(asked.client_contact),
        ends_at=asked.ends_at,
        codes={},
        asked_by=asked.asked_by,
        asked_at=now,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def living_handover(session: Session, onboarding: Onboarding) -> Departure | None:
    row = tables.onboarding.Handover
    found = select(row).where(col(row.onboarding_id) == onboarding.id, col(row.ended_at).is_(None))
    living = session.exec(found.execution_options(populate_existing=True)).first()
    return None if living is None else _from_row(session, living, onboarding)


def handovers(session: Session, onboarding: Onboarding) -> tuple[Departure, ...]:
    """The latest last."""
    row = tables.onboarding.Handover
    found = select(row).where(col(row.onboarding_id) == onboarding.id).order_by(col(row.id))
    return tuple(_from_row(session, each, onboarding) for each in session.exec(found))


def approve(
    session: Session, departure: Departure, item: str, *, approver: str, now: datetime
) -> None:
    """Twice is once. Raises SamePerson."""
    if approver == departure.asked.asked_by:
        raise SamePerson(approver)
    session.merge(
        tables.onboarding.HandoverApproval(
            handover_id=departure.id,
            item=item,
            asked_by=departure.asked.asked_by,
            approved_by=approver,
            approved_at=now,
        )
    )
    session.flush()


def abort(session: Session, departure: Departure, *, actor: str) -> None:
    session.get_one(tables.onboarding.Handover, departure.id).aborted_by = actor
    session.flush()


def end(session: Session, departure: Departure, now: datetime) -> None:
    session.get_one(tables.onboarding.Handover, departure.id).ended_at = now
    session.flush()


def give_code(session: Session, departure: Departure, item: str, code: str) -> None:
    row = session.get_one(tables.onboarding.Handover, departure.id, with_for_update=True)
    row.codes = {**row.codes, item: code}
    session.flush()


def take_codes(session: Session, departure: Departure) -> dict[str, str]:
    """They are here no more afterwards: a code is good once."""
    row = session.get_one(tables.onboarding.Handover, departure.id, with_for_update=True)
    codes, row.codes = dict(row.codes), {}
    session.flush()
    return codes


def _from_row(
    session: Session, row: tables.onboarding.Handover, onboarding: Onboarding
) -> Departure:
    assert row.id is not None
    return Departure(
        id=row.id,
        onboarding_id=row.onboarding_id,
        asked=Handover(
            request=onboarding.request,
            exit=Exit(row.exit),
            asked_by=row.asked_by,
            approvals=_approvals(session, row.id),
            client_email=row.client_email,
            client_contact=row.client_contact,
            registered_roles=grants.registered_roles(session, onboarding.account_id),
            ends_at=row.ends_at,
            aborted=row.aborted_by is not None,
            final_invoice_issued=_final_invoice_issued(session, onboarding),
        ),
        asked_at=row.asked_at,
        ended_at=row.ended_at,
    )


def _approvals(session: Session, handover_id: int) -> Mapping[str, str]:
    row = tables.onboarding.HandoverApproval
    found = session.exec(select(row).where(col(row.handover_id) == handover_id))
    return {each.item: each.approved_by for each in found}


def _final_invoice_issued(session: Session, onboarding: Onboarding) -> bool:
    """The client's month of departure is issued, and the payer's next month too.

    What AWS bills late for the last days comes with the next month; a payer's month is issued only
    once it is final.
    """
    if onboarding.departed_at is None:
        return False
    left_in = BillingPeriod.of(onboarding.departed_at.astimezone(UTC).date())
    row = tables.documents.Document
    of_payer = col(row.payer_account_id) == onboarding.payer_account_id
    last = sa.and_(
        col(row.period) == str(left_in), col(row.client_key) == onboarding.request.client_key
    )
    after = col(row.period) == str(left_in.next)
    issued = [
        session.scalar(sa.select(sa.func.count()).where(of_payer, wanted))
        for wanted in (last, after)
    ]
    return all(issued)
