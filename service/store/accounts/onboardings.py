"""Owns the questions about onboardings: what was asked, where each stands, and moving it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from accounts.model.lifecycle import ENDED, Stage, WaitKind, has_reached, state_of
from accounts.model.record import Record
from accounts.model.request import AccountRequest
from kernel.errors import NotFound, Refused
from service.store import queue, standings, tables
from service.store.plain import from_json, to_json
from service.store.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why it stands still, in our words and AWS's."""

    kind: WaitKind
    reason: str
    what_to_do: str = ""
    aws_words: str = ""
    expires_at: datetime | None = None
    stops_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    id: str
    payer_account_id: str
    request: AccountRequest
    record: Record
    waiting: Waiting | None
    next_at: datetime | None
    external_ref: str | None
    batch_id: str | None
    asked: Mapping[str, Any]
    cancel_asked_by: str | None
    version: int
    requested_by: str
    requested_at: datetime
    live_at: datetime | None
    departed_at: datetime | None
    external_refs: Mapping[str, str]
    """The client's own, unlike `external_ref`, which is of this request."""
    first_cost_in: str | None = None
    """The month in whose data its account was first seen."""

    @property
    def stage(self) -> Stage:
        return self.record.stage

    @property
    def state(self) -> str:
        """The one word that is shown."""
        return state_of(self.stage, self.waiting.kind if self.waiting else None)

    @property
    def account_id(self) -> str:
        return self.record.account_id or self.request.account_id

    @property
    def is_linked(self) -> bool:
        return has_reached(self.stage, Stage.LINKED)

    @property
    def has_ended(self) -> bool:
        return self.stage in ENDED


class NoSuchOnboarding(NotFound):
    def __init__(self, onboarding_id: str) -> None:
        super().__init__(f"there is no onboarding {onboarding_id}")


class AlreadyOnboarded(Refused):
    """Another onboarding, of `onboarding_id`, stands in the way."""

    code = "already_onboarded"

    def __init__(self, what: str, onboarding_id: str) -> None:
        super().__init__(f"{what}: see onboarding {onboarding_id}")
        self.onboarding_id = onboarding_id


class OnboardingOvertaken(Exception):
    """Somebody else has moved the onboarding on; who decided from less stops without a trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a new onboarding is recorded with."""

    request: AccountRequest
    payer_account_id: str
    external_ref: str | None
    batch_id: str | None
    words: Mapping[str, Any]
    actor: str


def add(session: Session, asked: Asked, now: datetime) -> None:
    """Recorded, its name and address reserved, and due at once. See `check_free` before."""
    request = asked.request
    row = tables.onboarding.OnboardingRow(
        id=request.onboarding_id,
        payer_account_id=asked.payer_account_id,
        kind=request.kind,
        client_key=request.client_key,
        account_name=request.account_name,
        email=request.email,
        account_id=request.account_id,
        external_ref=asked.external_ref,
        batch_id=asked.batch_id,
        asked=dict(asked.words),
        request=to_json(request),
        record=to_json(Record()),
        stage=Stage.REQUESTED,
        next_at=now,
        requested_by=asked.actor,
        requested_at=now,
    )
    session.add(row)
    session.flush()
    queue.enqueue_onboardings(session, asked.payer_account_id)


def reserve(session: Session, onboarding: Onboarding, *, email: str, account_name: str) -> None:
    """Twice is once. Raises AlreadyOnboarded where another onboarding has either."""
    row = tables.onboarding.ReservationRow
    held = session.exec(
        select(row).where(
            sa.or_(
                col(row.email) == email.lower(),
                col(row.account_name) == account_name,
                col(row.onboarding_id) == onboarding.id,
            )
        )
    ).all()
    for each in held:
        if each.onboarding_id != onboarding.id:
            raise AlreadyOnboarded(f"{email} or {account_name!r} is reserved", each.onboarding_id)
    if not held:
        session.add(
            row(email=email.lower(), account_name=account_name, onboarding_id=onboarding.id)
        )
        session.flush()


def release(session: Session, onboarding: Onboarding) -> None:
    """Given up before AWS ever gave the address or the name away."""
    row = tables.onboarding.ReservationRow
    session.execute(sa.delete(row).where(col(row.onboarding_id) == onboarding.id))


def check_free(session: Session, *, email: str, account_name: str, account_id: str) -> None:
    """Raises AlreadyOnboarded where another living onboarding has the address, name or account."""
    reservation = tables.onboarding.ReservationRow
    named = col(reservation.account_name) == account_name
    wanted = sa.or_(named, col(reservation.email) == email.lower()) if email else named
    held = session.exec(select(reservation).where(wanted)).first()
    if held is not None:
        raise AlreadyOnboarded(f"{email or account_name} is reserved", held.onboarding_id)
    row = tables.onboarding.OnboardingRow
    living = sa.text(f"stage NOT IN {tables.onboarding.LEFT}")
    for word, taken in (
        (email, sa.func.lower(col(row.email)) == email.lower()),
        (account_id, col(row.account_id) == account_id),
    ):
        other = session.exec(select(row.id).where(taken, living)).first() if word else None
        if other is not None:
            raise AlreadyOnboarded(f"{word} is onboarded already", other)


def check_email_free(session: Session, onboarding: Onboarding, email: str) -> None:
    """Raises AlreadyOnboarded where another living onboarding asked for an account of it."""
    row = tables.onboarding.OnboardingRow
    living = sa.text(f"stage NOT IN {tables.onboarding.LEFT}")
    taken = sa.func.lower(col(row.email)) == email.lower()
    found = select(row.id).where(taken, living, col(row.id) != onboarding.id)
    if (other := session.exec(found).first()) is not None:
        raise AlreadyOnboarded(f"{email} is onboarded already", other)


def onboarding(session: Session, onboarding_id: str) -> Onboarding:
    """Raises NoSuchOnboarding."""
    found = _stored().where(col(tables.onboarding.OnboardingRow.id) == onboarding_id)
    stored = session.execute(found.execution_options(populate_existing=True)).one_or_none()
    if stored is None:
        raise NoSuchOnboarding(onboarding_id)
    return _from_rows(*stored)


def onboarding_for(session: Session, external_ref: str) -> Onboarding | None:
    row = tables.onboarding.OnboardingRow
    found = session.execute(_stored().where(col(row.external_ref) == external_ref)).first()
    return None if found is None else _from_rows(*found)


def onboarding_of(session: Session, account_id: str) -> Onboarding | None:
    """The latest one of the account, whatever became of it."""
    row = tables.onboarding.OnboardingRow
    found = _stored().where(col(row.account_id) == account_id)
    latest_first = found.order_by(col(row.requested_at).desc(), col(row.id).desc())
    latest = session.execute(latest_first.limit(1)).first()
    return None if latest is None else _from_rows(*latest)


def onboardings(
    session: Session,
    *,
    client: str | None = None,
    state: str | None = None,
    stage: Stage | None = None,
    payer_account_id: str | None = None,
    batch_id: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> tuple[Onboarding, ...]:
    """By id; `after` is the last one seen, `state` the word that is shown."""
    row = tables.onboarding.OnboardingRow
    found = _stored().order_by(col(row.id)).limit(limit)
    if client is not None:
        found = found.where(col(row.client_key) == client)
    if payer_account_id is not None:
        found = found.where(col(row.payer_account_id) == payer_account_id)
    if batch_id is not None:
        found = found.where(col(row.batch_id) == batch_id)
    if after is not None:
        found = found.where(col(row.id) > after)
    if stage is not None:
        found = found.where(col(row.stage) == stage)
    if state is not None:
        found = found.where(standings.state_shown() == state)
    return tuple(_from_rows(*each) for each in session.execute(found))


def save(
    session: Session,
    before: Onboarding,
    record: Record,
    *,
    waiting: Waiting | None = None,
    next_at: datetime | None,
    now: datetime,
) -> Onboarding:
    """What is remembered from now on. Raises Overtaken where `before` is no longer the latest."""
    row = tables.onboarding.OnboardingRow
    account_id = record.account_id or before.request.account_id
    departed = has_reached(record.stage, Stage.DEPARTED)
    changed = session.execute(
        sa.update(row)
        .where(col(row.id) == before.id, col(row.version) == before.version)
        .values(
            record=to_json(record),
            stage=record.stage,
            account_id=account_id,
            wait_kind=waiting.kind if waiting else None,
            wait_reason=waiting.reason if waiting else "",
            what_to_do=waiting.what_to_do if waiting else "",
            aws_words=waiting.aws_words if waiting else "",
            expires_at=waiting.expires_at if waiting else None,
            stops_all=waiting.stops_all if waiting else False,
            next_at=next_at,
            version=before.version + 1,
            live_at=before.live_at or (now if record.stage is Stage.LIVE else None),
            departed_at=before.departed_at or (now if departed else None),
        )
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]  # of an UPDATE
        raise OnboardingOvertaken
    return onboarding(session, before.id)


def check_latest(session: Session, before: Onboarding) -> None:
    """Raises Overtaken where somebody has stored more since: a person who called it off, say."""
    row = tables.onboarding.OnboardingRow
    version = session.exec(select(row.version).where(col(row.id) == before.id)).one()
    if version != before.version:
        raise OnboardingOvertaken


def put_request(session: Session, before: Onboarding, request: AccountRequest) -> Onboarding:
    """What a person corrected of the request. Raises Overtaken by the next save."""
    row = session.get_one(tables.onboarding.OnboardingRow, before.id, with_for_update=True)
    row.request, row.email = to_json(request), request.email
    session.flush()
    return onboarding(session, before.id)


def wake(session: Session, before: Onboarding, record: Record, now: datetime) -> Onboarding:
    """A person did something about it: it is due at once. Raises Overtaken."""
    woken = save(session, before, record, next_at=now, now=now)
    queue.enqueue_onboardings(session, before.payer_account_id)
    return woken


def stop_cancelling(session: Session, before: Onboarding) -> None:
    session.get_one(tables.onboarding.OnboardingRow, before.id).cancel_asked_by = None
    session.flush()


def ask_to_cancel(session: Session, before: Onboarding, *, actor: str, now: datetime) -> None:
    row = session.get_one(tables.onboarding.OnboardingRow, before.id, with_for_update=True)
    row.cancel_asked_by, row.next_at, row.version = actor, now, row.version + 1
    session.flush()
    queue.enqueue_onboardings(session, before.payer_account_id)


def _stored() -> sa.Select[tables.onboarding.OnboardingRow, dict[str, str]]:
    row, client = tables.onboarding.OnboardingRow, tables.configuration.ClientRow
    found = sa.select(row, col(client.external_refs))
    return found.join(client, col(client.key) == col(row.client_key))


def _from_rows(
    row: tables.onboarding.OnboardingRow, external_refs: Mapping[str, str]
) -> Onboarding:
    waiting = None
    if row.wait_kind is not None:
        waiting = Waiting(
            kind=WaitKind(row.wait_kind),
            reason=row.wait_reason,
            what_to_do=row.what_to_do,
            aws_words=row.aws_words,
            expires_at=row.expires_at,
            stops_all=row.stops_all,
        )
    return Onboarding(
        id=row.id,
        payer_account_id=row.payer_account_id,
        request=from_json(AccountRequest, row.request),
        record=from_json(Record, row.record),
        waiting=waiting,
        next_at=row.next_at,
        external_ref=row.external_ref,
        batch_id=row.batch_id,
        asked=row.asked,
        cancel_asked_by=row.cancel_asked_by,
        version=row.version,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        live_at=row.live_at,
        departed_at=row.departed_at,
        external_refs=external_refs,
        first_cost_in=row.first_cost_in,
    )
